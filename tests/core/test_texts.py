"""What is drawn hides nothing, and what is stored can be stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.texts import digest, legible, one_line, storable


@pytest.mark.parametrize(
    ("raw", "drawn"),
    [
        ("pay \u202eevil\u202c now", "pay evil now"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("bell\x07 and escape\x1b[31m", "bell and escape[31m"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("family 👩\u200d👩\u200d👧", "family 👩\u200d👩\u200d👧"),
        ("Persian می\u200cخواهم", "Persian می\u200cخواهم"),
        ("a\u200d\u200c\u200db c\u200c \u200dd", "ab c d"),
        ("left\u061c and \u3164blank\ufe01\u034f \U000e0101\U000e01ef", "left and blank "),
        ("heart ❤\ufe0f", "heart ❤\ufe0f"),
        ("e\u0301", "é"),
        ("e\u034f\u0301", "é"),
        ("tab\tstays", "tab\tstays"),
        ("half\ud800", "half"),
    ],
)
def test_hidden_characters_do_not_reach_a_reader(raw: str, drawn: str) -> None:
    assert legible(raw) == drawn


@given(st.text() | st.text(alphabet="a \n\r\u2028\u200c\u200d\u200b\u034f\u0301e"))
def test_legible_text_is_legible_already(text: str) -> None:
    assert legible(legible(text)) == legible(text)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_one_line_is_one_line_and_says_where_it_was_cut(text: str, most: int) -> None:
    line = one_line(text, most)

    assert len(line) <= most
    assert len(line.splitlines()) <= 1
    assert line == " ".join(legible(text).split()) or line.endswith("…")


@given(st.text(alphabet=st.characters(codec=None)))
def test_anything_can_be_stored(text: str) -> None:
    kept = storable(text)

    assert "\x00" not in kept
    kept.encode("utf-8")


def test_a_digest_is_of_exactly_this_text() -> None:
    assert digest("It ships today.") != digest("It ships today. ")
    assert len(digest("")) == 32
