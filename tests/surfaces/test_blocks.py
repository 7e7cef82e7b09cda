"""Cards as Slack draws them: within every limit, customers' words inert, Approve only beside what is whole."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cards import LABELS, Action, Card, CardState, Cited, Ending, File, Reason
from bot.sandbox.blockkit import characters, problems
from bot.surfaces.slack.blocks.card import MESSAGE_CHARS, message
from bot.surfaces.slack.blocks.elements import clip, rich, split_at, units
from bot.surfaces.slack.blocks.everything import everything
from bot.surfaces.slack.blocks.said import words_of
from tests.data import shared
from tests.surfaces.cards import (
    AT,
    closed,
    drawn_text,
    ended,
    pressable,
    proposal,
    said,
    taken_over,
    waiting,
    without_draft,
)

ENDING = Ending(words="Approved as drafted by Bo Lindqvist", at=AT, text="It ships today.", delivery="Delivered")
HOSTILE = (
    "<!channel> <@U0ANA> <https://evil.example|your bank> *bold* _it_ `code` :smile: @here &lt;b&gt; "
    "\u202emoc.live\u202c \u200bzero\u200bwidth {ago} ^{date}^ \x00 \ud800"
)


def marked_up(value: Any) -> str:
    """Everything that Slack would parse: mrkdwn texts and markdown blocks."""
    if isinstance(value, dict):
        own = value["text"] if value.get("type") in ("mrkdwn", "markdown") else ""
        return own + "".join(marked_up(part) for part in value.values())
    return "".join(marked_up(part) for part in value) if isinstance(value, list) else ""


def kinds(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["type"]} if isinstance(value.get("type"), str) else set()
        return own.union(*(kinds(part) for part in value.values()))
    return set().union(*(kinds(part) for part in value)) if isinstance(value, list) else set()


def test_a_waiting_card_shows_who_asks_what_is_proposed_and_on_what_grounds() -> None:
    words = drawn_text(message(waiting()).blocks)

    for expected in (
        "Delivery · Ada Kern",
        "High priority · VIP · Web chat",
        "Where is my tent? Order 1042.",
        "your tent left our warehouse today.",
        "Asks for a person",
        "“can I talk to someone”",
        "31 of 34 drafts like this went out unchanged",
        "Delivery times",
        "Drafted by claude-sonnet-5-5 · AI can be wrong: check before sending",
        "Waiting since",
    ):
        assert expected in words


def test_the_buttons_stand_in_order_the_first_one_primary_and_say_whom_they_are_about() -> None:
    row = message(waiting()).blocks[-1]

    buttons, menu = row["elements"][:3], row["elements"][3]
    assert [button["text"]["text"] for button in buttons] == ["Approve & send", "Edit…", "Take over"]
    assert [button.get("style") for button in buttons] == ["primary", None, None]
    assert buttons[0]["accessibility_label"] == "Approve & send: Delivery · Ada Kern"
    assert [option["text"]["text"] for option in menu["options"]] == ["Redraft…", "Wrong category…", "Dismiss…"]
    assert {button["value"] for button in buttons} == {waiting().shown.pack()} == {row["block_id"]}


@pytest.mark.parametrize("action", Action)
def test_every_action_can_be_drawn(action: Action) -> None:
    blocks = message(waiting(buttons=(action,), menu=(action,))).blocks

    assert problems(blocks, "message") == []
    assert str(action) in pressable(blocks) or action in (Action.READ_ALL,)
    assert LABELS[action] in drawn_text(blocks)


CARDS = {
    "waiting": waiting(),
    "without a draft": without_draft(),
    "held": ended(CardState.HELD, buttons=(Action.UNDO,)),
    "sending": ended(CardState.SENDING),
    "sent": ended(),
    "failed": ended(CardState.FAILED, buttons=(Action.RETRY,)),
    "taken over": taken_over(),
    "dismissed": ended(CardState.DISMISSED, ending=Ending(words="Dismissed by Bo", at=AT)),
    "closed": closed(),
    "note": waiting(state=CardState.NOTE, buttons=(Action.DRAFT,), menu=(), notices=("An automatic reply",)),
    "bare": waiting(facts=(), waiting_since=None, said=(), reasons=(), proposal=None, buttons=(), menu=(), summary=""),
}


@pytest.mark.parametrize("name", CARDS)
def test_slack_takes_every_kind_of_card(name: str) -> None:
    drawn = message(CARDS[name])

    assert problems(drawn.blocks, "message") == []
    assert drawn.text


def hostile(card: Card, text: str) -> Card:
    """The same card with this text everywhere somebody outside could put it."""
    return replace(
        card,
        headline=text,
        facts=(text, text),
        said=(replace(said(text, File(name=text, url="https://files.example/" + "a" * 50)), author=text),),
        earlier=(replace(said(text), author=text),),
        reasons=(Reason(words=text, quote=text),),
        notices=(text,),
        missing=text,
        proposal=replace(proposal(text), sources=(Cited(title=text, url=text, version=1),), evidence=text, made_by=text)
        if card.proposal
        else None,
        ending=replace(card.ending, words=text, text=text, delivery=text) if card.ending else None,
        summary=text,
    )


@pytest.mark.parametrize("name", CARDS)
def test_hostile_words_are_drawn_as_they_are_and_nothing_in_them_is_parsed(name: str) -> None:
    drawn = message(hostile(CARDS[name], HOSTILE))

    assert problems(drawn.blocks, "message") == []
    for forbidden in ("!channel", "U0ANA", "evil", "bold", "smile", "here"):
        assert forbidden not in marked_up(drawn.blocks)
    assert not kinds(drawn.blocks) & {"user", "broadcast", "usergroup", "channel", "emoji", "markdown"}
    assert "<" not in drawn.text
    assert ">" not in drawn.text
    everything = json.dumps(drawn.blocks, ensure_ascii=False) + drawn.text
    assert not any(hidden in everything for hidden in "\u202e\u200b\x00\ud800")
    assert '"emoji": true' not in everything


def test_naughty_strings_never_break_a_card() -> None:
    for text in json.loads(shared("blns/blns.json").read_text()):
        for card in CARDS.values():
            drawn = message(hostile(card, text))
            assert problems(drawn.blocks, "message") == [], text
            json.dumps([drawn.text, drawn.blocks], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://", "http://a b", "slack://x", ""]
)
def test_only_web_addresses_become_links(url: str) -> None:
    card = waiting(said=(said("See", File(name="invoice.pdf", url=url)),))
    card = replace(card, proposal=replace(proposal(), sources=(Cited(title="Returns", url=url, version=1),)))

    blocks = message(card).blocks

    assert "link" not in kinds(blocks)
    assert "invoice.pdf" in drawn_text(blocks)
    assert "Returns" in drawn_text(blocks)


def test_a_file_shows_where_its_link_really_goes() -> None:
    card = waiting(said=(said("See", File(name="https://larkspur.example/safe", url="https://evil.example/x")),))

    assert "open at evil.example" in drawn_text(message(card).blocks)


LONG = "Where is my order? " * 1100  # 20,900 characters


@pytest.mark.parametrize(
    "card",
    [
        waiting(said=(said(LONG),)),
        waiting(proposal=proposal(LONG)),
        waiting(said=(said(LONG),), proposal=proposal(LONG)),
        waiting(earlier=(said(LONG),)),
        waiting(said=tuple(said("x" * 500) for _ in range(40))),
        waiting(said=(said("See", *[File(name="n" * 300, url=f"https://f.example/{n}") for n in range(100)]),)),
        waiting(proposal=proposal("🏕" * 6000)),
    ],
    ids=["said", "draft", "both", "earlier", "burst", "100 files", "emoji"],
)
def test_what_was_cut_must_be_read_before_it_can_be_approved(card: Card) -> None:
    blocks = message(card).blocks

    assert problems(blocks, "message") == []
    assert Action.APPROVE not in pressable(blocks)
    assert Action.READ_ALL in pressable(blocks)
    assert "more characters: Read all" in drawn_text(blocks)


def test_ten_thousand_characters_are_approved_on_the_card_where_they_fit() -> None:
    card = waiting(proposal=proposal("y" * 8000))

    blocks = message(card).blocks

    assert Action.APPROVE in pressable(blocks)
    assert "y" * 8000 in drawn_text(blocks).replace(" ", "")
    assert characters(blocks) <= MESSAGE_CHARS


def test_what_even_a_form_cannot_hold_can_only_be_edited_or_taken_over() -> None:
    blocks = message(waiting(said=(said("長" * 45_000),))).blocks

    assert problems(blocks, "message") == []
    assert pressable(blocks) == {"edit", "take_over", "redraft", "recategorise", "dismiss"}
    assert "Too long for Slack to show whole" in drawn_text(blocks)


def test_approve_is_not_offered_where_no_draft_is_drawn() -> None:
    for card in (waiting(proposal=None), ended(buttons=(Action.APPROVE,)), waiting(proposal=proposal("  "))):
        assert Action.APPROVE not in pressable(message(card).blocks)


def test_a_superseded_card_is_one_line() -> None:
    blocks = message(closed(said=(said(LONG),))).blocks

    assert [block["type"] for block in blocks] == ["context"]
    assert "The customer wrote again: see the newer card" in drawn_text(blocks)


def test_an_ended_card_says_who_did_what_and_how_delivery_stands() -> None:
    words = drawn_text(message(ended(CardState.FAILED, buttons=(Action.RETRY,))).blocks)

    for expected in ("Approved as drafted by Bo Lindqvist", "It ships today.", "Delivered", "Retry"):
        assert expected in words
    assert "your tent left our warehouse" not in words  # the draft is history


def test_how_delivery_stands_is_said_before_the_text_it_is_about() -> None:
    words = drawn_text(message(ended(CardState.FAILED, buttons=(Action.RETRY,))).blocks)

    assert words.index("Delivery: ") < words.index("It ships today.")


@pytest.mark.parametrize("state", [CardState.SENT, CardState.DISMISSED])
def test_a_settled_card_is_short_and_can_be_read_whole(state: CardState) -> None:
    long = replace(ENDING, text="y" * 2000)
    card = ended(state, said=(said("x" * 2000),), earlier=(said("before"),), ending=long)

    blocks = message(card).blocks

    assert characters(blocks) < 1500
    assert pressable(blocks) == {"read_all"}
    assert "x" * 2000 in drawn_text(everything(card))
    assert "y" * 2000 in drawn_text(everything(card))
    assert pressable(message(ended(state)).blocks) == set()


def test_what_is_on_its_way_can_be_checked_whole_before_it_goes() -> None:
    card = ended(CardState.HELD, buttons=(Action.UNDO,), ending=replace(ENDING, text="y" * 2000))

    assert "y" * 2000 in drawn_text(message(card).blocks)


def test_a_card_that_must_be_opened_to_be_approved_leaves_the_channel_room() -> None:
    assert characters(message(waiting(said=(said(LONG),), proposal=proposal(LONG))).blocks) < 4500


def test_a_burst_stands_under_one_name_and_time() -> None:
    later = replace(said("Anyone?"), at=AT + timedelta(minutes=5))
    card = waiting(said=(said("hello"), said("where is my tent"), later))

    words = drawn_text(rich(words_of(card.said, 10**9).parts))

    assert words.count("Ada Kern") == 2


def test_a_single_reason_takes_one_line() -> None:
    words = drawn_text(message(waiting()).blocks)

    assert "Why this needs care: Asks for a person — “can I talk to someone”" in words
    assert "rich_text_list" not in kinds(message(waiting()).blocks)


def test_sources_take_one_line() -> None:
    two = (
        Cited(title="Delivery", url="https://larkspur.example/d", version=1),
        Cited(title="Tents", url=None, version=2),
    )

    words = drawn_text(message(waiting(proposal=replace(proposal(), sources=two))).blocks)

    assert "Sources: Delivery · Tents (v2)" in words
    assert "went out unchanged · Drafted by claude-sonnet-5-5 · AI can be wrong" in words


def test_times_are_shown_in_the_readers_zone() -> None:
    card = waiting(notices=("Drafting is paused until 2026-11-22T14:00:00Z (Bo)",))

    blocks = message(card).blocks

    assert '"type": "date", "timestamp": 1795356000' in json.dumps(blocks)
    assert "2026-11-22T14:00" not in drawn_text(blocks)
    assert "Waiting since <!date^1795339800^" in drawn_text(blocks)


def test_the_notification_tells_the_essentials_escaped() -> None:
    assert message(waiting(summary="<!channel> & co")).text == "&lt;!channel&gt; &amp; co"


@pytest.mark.parametrize("text", ["", "a" * 10, "🏕" * 10, "a🏕" * 10, "ab" * 40])
@pytest.mark.parametrize("most", [1, 5, 10, 11])
def test_lengths_are_counted_as_slack_counts_them(text: str, most: int) -> None:
    head, rest = split_at(text, most)

    assert head + rest == text
    assert units(head) <= most
    assert units(clip(text, most)) <= most


def test_a_time_in_our_sentences_is_the_readers_and_a_screen_readers() -> None:
    words = "Until 2026-03-02T09:30Z."
    paused = replace(waiting(), proposal=None, missing=words, summary=words)

    drawn = message(paused)

    assert '"timestamp": 1772443800' in json.dumps(drawn.blocks)
    assert "T09:30Z" not in json.dumps(drawn.blocks)
    assert drawn.text == "Until 02 Mar 2026, 09:30 UTC."
