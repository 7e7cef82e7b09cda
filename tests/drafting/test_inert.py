"""No address in a draft that neither an article nor the customer gave, and nothing hidden."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafting.inert import ADDRESS_REMOVED, LINK_REMOVED, Allowed, inert

ALLOWED = Allowed.in_texts(
    ["See https://larkspur.example/returns. Or https://www.larkspur.example/a?b=1", "help@larkspur.example", None]
)

KEPT = [
    "Go to https://larkspur.example/returns.",
    "www.larkspur.example/returns/ or larkspur.example",
    "(https://larkspur.example/returns)",
    "Write to help@larkspur.example, please.",
    "It costs 1.5 kg, e.g. at 3 a.m. on 22.11.2026. See invoice.pdf.",
    "3 < 4 and 5 > 4; data: 5 items",
    "Familie 👩‍👩‍👧 grüßt",
]
MARKED = [
    ("https://evil.example/x", LINK_REMOVED),
    ("evil.com", LINK_REMOVED),
    ("evil.Com now", f"{LINK_REMOVED} now"),
    ("www.evil.co.uk/path?x=1, ok", f"{LINK_REMOVED}, ok"),
    ("HTTPS://EVIL.COM", LINK_REMOVED),
    ("[our portal](https://evil.example/x)", f"our portal {LINK_REMOVED}"),
    ("[returns](https://larkspur.example/returns)", "returns (https://larkspur.example/returns)"),
    ("https://larkspur.example@evil.example/", LINK_REMOVED),
    ("https://larkspur.example.evil.example", LINK_REMOVED),
    ("https://larkspur.example/returns/../../evil", LINK_REMOVED),
    ("http://203.0.113.9/p and 203.0.113.9/p", f"{LINK_REMOVED} and {LINK_REMOVED}"),
    ("//evil.example/x", LINK_REMOVED),
    ("evil。example", LINK_REMOVED),
    ("ev\u200bil.example", LINK_REMOVED),
    ("ftp://x", LINK_REMOVED),
    ("write evil@evil.example", f"write {ADDRESS_REMOVED}"),
    ("mailto:evil@evil.example", ADDRESS_REMOVED),
    ("slack://open", LINK_REMOVED),
    ("<https://evil.example|Larkspur>", f"<{LINK_REMOVED}|Larkspur>"),
    ("<!channel> <@U1> <#C1>", "‹!channel> ‹@U1> ‹#C1>"),
    ("<at>Ana</at> < AT>", "‹at>Ana‹/at> ‹ AT>"),
    ("@channel @here @@everyone ＠all", "channel here everyone all"),
    ("x@@here and evil.example@channel", "x@here and [link removed]channel"),
    ("\u202eolleh\u202c and \u2066x\u2069", "olleh and x"),
    ("a\U000e0041\U000e0042b", "ab"),
]


@pytest.mark.parametrize("text", KEPT)
def test_what_was_given_to_the_model_stays(text: str) -> None:
    assert inert(text, ALLOWED) == text


@pytest.mark.parametrize(("text", "shown"), MARKED)
def test_what_was_not_is_marked(text: str, shown: str) -> None:
    assert inert(text, ALLOWED) == shown


PIECES = st.sampled_from(
    ["https://", "evil", ".", "com", "/", "@", "<", "!", "channel", "at", ">", " ", "[", "](", ")", "\u200b", "\u202e",
     "www.", "larkspur.example", "mailto:", "javascript:", "x", "|", "\n", "1", "-", "_", "é", "。", "＠"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200))
def test_nothing_slips_through_by_being_cleaned_twice(text: str) -> None:
    once = inert(text, ALLOWED)

    assert inert(once, ALLOWED) == once
    assert "<!" not in once
    assert "<@" not in once
    assert "\u200b" not in once
    assert "\u202e" not in once
    assert "https://evil" not in once.lower()


@pytest.mark.parametrize("unit", ["a", "a.", "a@", "[", "[a](", "http:", "a-", "<!", "a.b-", "1.2.3.", "@", "＠"])
def test_long_hostile_texts_are_read_once(unit: str) -> None:
    text = unit * (20_000 // len(unit))

    begun = time.thread_time()
    assert len(inert(text, Allowed.in_texts([text]))) <= len(text) * len(LINK_REMOVED)
    assert time.thread_time() - begun < 2  # of the processor's seconds, whoever else it works for


def test_a_sign_before_endless_space_is_read_once() -> None:
    begun = time.thread_time()

    assert inert("<" + " " * 40_000 + "x", ALLOWED).startswith("<")
    assert time.thread_time() - begun < 2
