"""Properties of every card there could be, whatever is written on it."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.cards import Action, Card, CardState, Cited, Ending, File, Offer, Proposal, Reason, Said
from bot.core.decisions import Shown
from bot.core.forms import FORMS, fitting
from bot.sandbox.blockkit import problems, view_problems
from bot.surfaces.slack.blocks.card import message
from bot.surfaces.slack.blocks.elements import inert
from bot.surfaces.slack.modals.forms import approvable, form, fresh
from storage.tables import Priority
from tests.surfaces.cards import AT, pressable

MARK = "⟦word of a customer⟧"  # stands in everything hostile, so that it can be looked for
HOSTILE = st.sampled_from(
    [
        "",
        " \n ",
        "<!channel> <@U1>",
        "*b* `c` :smile:",
        "\u202e\u200b\x00\ud800",
        "🏕" * 400,
        "長" * 3000,
        "x" * 9000,
        "a\n" * 2000,
    ]
)
texts = st.builds(lambda start, end: start + MARK + end, HOSTILE, HOSTILE | st.text(max_size=50))
short = st.builds(lambda end: MARK + end, HOSTILE)
urls = (
    st.sampled_from(["https://larkspur.example/a", "javascript:x", "http://a|b", "", "https://" + "a" * 4000]) | short
)
files = st.builds(File, name=short, url=urls)
saids = st.builds(Said, author=short, text=texts, at=st.just(AT), files=st.lists(files, max_size=4).map(tuple))
proposals = st.builds(
    Proposal,
    text=texts | st.just(""),
    sources=st.lists(st.builds(Cited, title=short, url=urls | st.none(), version=st.integers(1, 99)), max_size=12).map(
        tuple
    ),
    evidence=short,
    made_by=short,
    offline=st.booleans(),
)
endings = st.builds(Ending, words=short, at=st.just(AT), text=texts | st.none(), delivery=short | st.just(""))
actions = st.lists(st.sampled_from(Action), max_size=14).map(tuple)
cards = st.builds(
    Card,
    key=st.just("pst_1"),
    shown=st.just(Shown(conversation_id="c" * 30, sequence=2**31 - 1, review_id="r" * 30, draft_digest="d" * 32)),
    state=st.sampled_from(CardState),
    headline=short,
    facts=st.lists(short, max_size=6).map(tuple),
    waiting_since=st.just(AT) | st.none(),
    priority=st.sampled_from(Priority),
    said=st.lists(saids, max_size=6).map(tuple),
    earlier=st.lists(saids, max_size=4).map(tuple),
    reasons=st.lists(st.builds(Reason, words=short, quote=short), max_size=8).map(tuple),
    notices=st.lists(short, max_size=5).map(tuple),
    proposal=proposals | st.none(),
    missing=short | st.just(""),
    offers=st.lists(st.builds(Offer, title=short, text=texts, url=urls | st.none()), max_size=5).map(tuple),
    ending=endings | st.none(),
    buttons=actions,
    menu=actions,
    broadcast=st.booleans(),
    categories=st.lists(st.tuples(st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True), short), max_size=120).map(tuple),
    summary=short | st.just(""),
    prefill=texts | st.none(),
)
thorough = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def runs(value: Any) -> str:
    """The words of rich text and plain text: what is drawn as it is."""
    if isinstance(value, dict):
        own = value["text"] if value.get("type") in ("text", "plain_text") else ""
        return own + "".join(runs(part) for part in value.values())
    return "".join(runs(part) for part in value) if isinstance(value, list) else ""


def parsed(value: Any) -> str:
    """What Slack would parse."""
    if isinstance(value, dict):
        own = value["text"] if value.get("type") in ("mrkdwn", "markdown") else ""
        return own + "".join(parsed(part) for part in value.values())
    return "".join(parsed(part) for part in value) if isinstance(value, list) else ""


@thorough
@given(cards)
def test_slack_takes_it_and_parses_no_word_of_a_customer(card: Card) -> None:
    drawn = message(card)

    assert problems(drawn.blocks, "message") == []
    assert MARK not in parsed(drawn.blocks)
    assert drawn.text
    assert "<" not in drawn.text
    json.dumps([drawn.text, drawn.blocks], ensure_ascii=False).encode()


@thorough
@given(cards)
def test_approve_stands_only_beside_a_draft_and_words_that_are_whole(card: Card) -> None:
    drawn = message(card)

    words = runs(drawn.blocks)
    if Action.APPROVE in pressable(drawn.blocks):
        assert card.proposal is not None
        assert inert(card.proposal.text) in words
        assert all(inert(one.text) in words for one in (*card.said, *card.earlier))


@thorough
@given(cards)
def test_the_form_that_ends_in_approving_shows_everything(card: Card) -> None:
    if not approvable(card):
        return
    assert card.proposal is not None

    view = form(Action.READ_ALL, card, bound_to=card.shown, filled=fresh(Action.READ_ALL, card))

    assert view_problems(view) == []
    assert view["submit"]["text"] == "Approve & send"
    assert all(inert(text) in runs(view["blocks"]) for text in (card.proposal.text, *(one.text for one in card.said)))


@thorough
@given(cards, st.sampled_from(FORMS))
def test_every_form_a_card_offers_can_be_opened(card: Card, action: Action) -> None:
    now = fitting(action, card)
    if now is None or now is Action.READ_ALL:
        return

    view = form(now, card, bound_to=card.shown, filled=fresh(now, card), warning=MARK)

    assert view_problems(view) == []
    assert MARK not in parsed(view["blocks"])
