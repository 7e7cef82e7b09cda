"""An article is cut into pieces that can be found and cited."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafting.markdown import PIECE_CHARS, Unreadable, article
from storage.knowledge.words import search_words


def pieces(source: str) -> list[tuple[str | None, str]]:
    return [(piece.heading, piece.text) for piece in article("a/some-slug", source).pieces]


def test_front_matter_gives_title_address_and_category() -> None:
    read = article(
        "x",
        '---\r\ntitle: "Returns: how"\nurl: https://x.example/a\ntags:\n  - a\n# note\ncategory: returns\n---\r\nText.',
    )

    assert (read.title, read.url, read.category) == ("Returns: how", "https://x.example/a", "returns")
    assert read.text == "Text."


@pytest.mark.parametrize(
    ("source", "title"),
    [("# From heading\n\nText.", "From heading"), ("Text.", "Some slug"), ("---\ntitle:\n---\n# H #\n\nText.", "H")],
)
def test_without_a_title_the_first_heading_or_the_file_names_it(source: str, title: str) -> None:
    assert article("a/some-slug", source).title == title


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("---\ntitle: x\n", "never ends"),
        ("---\nno colon\n---\nText.", "line 2"),
        ("---\ntitle: a\ntitle: b\n---\nText.", "names title twice"),
        ("---\nurl: ftp://x\n---\nText.", "url"),
        ("---\nurl: https://x y\n---\nText.", "url"),
        ("---\ncategory: Returns!\n---\nText.", "category"),
        ("", "no text"),
        ("# Only a heading", "headings"),
    ],
)
def test_what_is_broken_is_said(source: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        article("x", source)


def test_paragraphs_keep_their_heading_and_small_neighbours_stay_together() -> None:
    assert pieces(
        "# Some slug\n\nOne.\n\nTwo.\n\n## Tents\n\nThree.\n```\n# no heading\n\nx\n```\n\n## Tents\n\nFour."
    ) == [
        (None, "One.\n\nTwo."),
        ("Tents", "Three.\n```\n# no heading\n\nx\n```\n\nFour."),
    ]


def test_long_paragraphs_are_cut_at_sentences() -> None:
    long = " ".join(f"This is sentence number {n} of the text." for n in range(100))

    cut = pieces(long)

    assert len(cut) > 3
    assert all(len(text) <= PIECE_CHARS and text.endswith(".") for _, text in cut)
    assert " ".join(text for _, text in cut) == long


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["# H\n", "\n\n", "word ", "```\n", "---\n", "a: b\n", "x" * 950, ". ", "é"]), max_size=40)
)
def test_no_word_is_lost_and_no_piece_is_too_long(parts: list[str]) -> None:
    source = "".join(parts)
    try:
        read = article("slug", source)
    except Unreadable:
        return

    assert all(piece.text.strip() for piece in read.pieces)
    assert all(len(piece.text) <= PIECE_CHARS for piece in read.pieces)
    assert sum(piece.text.count("word") for piece in read.pieces) == sum(
        line.count("word") for line in read.text.split("\n") if not line.startswith("# ")
    )


@pytest.mark.parametrize("inside", [" ", "#", " #", "\t"])
def test_an_endless_heading_is_read_at_once(inside: str) -> None:
    begun = time.thread_time()

    assert article("x", f"# a{inside * 20_000}b ##\n\nText.").title.startswith("a")
    assert time.thread_time() - begun < 2  # of the processor's seconds, whoever else it works for


def test_a_changed_title_alone_is_a_change() -> None:
    assert article("x", "---\ntitle: a\n---\nText.").digest != article("x", "---\ntitle: b\n---\nText.").digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where is my ORDER, please?", ["where", "order"]),
        ("tent tent TENT", ["tent"]),
        ('"a" OR b* NEAR(c)', ["b", "near", "c"]),
        ("you've I'm he'll", ["he"]),
        ("größe_42 ⛺", ["größe", "42"]),
        ("x" * 61, []),
    ],
)
def test_search_words_are_letters_and_digits_without_fillers(text: str, words: list[str]) -> None:
    assert search_words(text) == words


def test_a_search_has_at_most_64_words() -> None:
    assert len(search_words(" ".join(f"w{n}" for n in range(999)))) == 64
