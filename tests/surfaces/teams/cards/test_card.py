"""Cards as Teams draws them: within the budget, customers' words inert, Approve only beside what is whole."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cards import LABELS, Action, Card, CardState, Cited, Ending, File, Reason
from bot.surfaces.teams.cards.card import adaptive_card
from bot.surfaces.teams.cards.elements import CARD_BYTES, inert, weight
from bot.surfaces.teams.cards.everything import everything
from tests.surfaces.cards import AT, closed, ended, proposal, said, taken_over, waiting, without_draft
from tests.surfaces.teams.cards.drawn import LIVE, button, elements, field, parsed, problems, titles, verbs, words

ENDING = Ending(words="Approved as drafted by Bo Lindqvist", at=AT, text="It ships today.", delivery="Delivered")
HOSTILE = (
    "<at>Everyone</at> [your bank](https://evil.example) ![i](https://evil.example/i.png) <img src=x> **bold** # h "
    "{{TIME(2026-01-01)}} ${name} [1] \u202emoc.live\u202c \u200bzero\u200bwidth \x00 \ud800"
)
LONG = "Where is my order? " * 1100  # 20,900 characters
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


def test_a_waiting_card_shows_who_asks_what_is_proposed_and_on_what_grounds() -> None:
    read = words(adaptive_card(waiting()))

    for expected in (
        "Delivery · Ada Kern",
        "High priority · VIP · Web chat",
        "Where is my tent? Order 1042.",
        "your tent left our warehouse today.",
        "Why this needs care: Asks for a person — “can I talk to someone”",
        "Sources: [1] Delivery times (v3)",
        "31 of 34 drafts like this went out unchanged · Drafted by claude-sonnet-5-5 · AI can be wrong",
        "Waiting since {{DATE(2026-11-22T09:30:00Z,SHORT)}} {{TIME(2026-11-22T09:30:00Z)}}",
    ):
        assert expected in read


def test_the_buttons_stand_in_order_the_first_one_primary_and_the_menu_behind_its_dots() -> None:
    drawn = adaptive_card(waiting())

    buttons, menu = drawn["actions"][:3], drawn["actions"][3:]
    assert titles({"actions": buttons}) == ["Approve & send", "Edit…", "Take over"]
    assert [button.get("style") for button in buttons] == ["positive", None, None]
    assert titles({"actions": menu}) == ["Redraft…", "Wrong category…", "Dismiss…"]
    assert [entry["mode"] for entry in menu] == ["secondary"] * 3
    pressed = [element for element in elements(drawn) if element["type"] == "Action.Execute"]
    assert {one["data"]["on"] for one in pressed} == {waiting().shown.pack()}


def test_edit_unfolds_in_place_with_the_draft_and_a_reason() -> None:
    drawn = adaptive_card(waiting())

    assert field(drawn, "edit_text")["value"] == proposal().text
    assert field(drawn, "edit_text")["maxLength"] == 20_000
    assert [choice["title"] for choice in field(drawn, "edit_choice")["choices"]] == [
        "Wrong fact",
        "Missing information",
        "Tone",
        "Policy",
        "Other",
    ]
    assert button(drawn, "edit")["title"] == "Send"


def test_an_edit_that_was_taken_back_opens_with_its_text() -> None:
    assert field(adaptive_card(waiting(prefill="It ships tomorrow.")), "edit_text")["value"] == "It ships tomorrow."


@pytest.mark.parametrize("action", Action)
def test_every_action_can_be_drawn(action: Action) -> None:
    drawn = adaptive_card(waiting(buttons=(action,), menu=(action,)))

    assert problems(drawn) == []
    assert verbs(drawn) == [str(action)]
    assert titles(drawn) == [LABELS[action]]


@pytest.mark.parametrize("name", CARDS)
def test_teams_takes_every_kind_of_card(name: str) -> None:
    drawn = adaptive_card(CARDS[name])

    assert problems(drawn) == []
    assert weight(drawn) <= CARD_BYTES


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
        categories=(("billing", text),),
        prefill=text,
        summary=text,
    )


@pytest.mark.parametrize("name", CARDS)
def test_hostile_words_are_drawn_as_they_are_and_nothing_in_them_is_parsed(name: str) -> None:
    drawn = adaptive_card(hostile(CARDS[name], HOSTILE))

    assert problems(drawn) == []
    for forbidden in ("Everyone", "evil", "**", "img"):
        assert forbidden not in parsed(drawn)
    assert "<at>Everyone</at> [your bank](https://evil.example)" in words(drawn)
    assert "{{TIME(2026-01-01" not in json.dumps(drawn)
    assert "\u202e" not in json.dumps(drawn, ensure_ascii=False)
    assert not {element["type"] for element in elements(drawn)}.intersection(LIVE)


def test_braces_look_the_same_and_mean_nothing() -> None:
    drawn = adaptive_card(waiting(said=(said("{{{DATE(2026-01-01T00:00:00Z)}}}"),)))

    assert "{\u2060{\u2060{DATE(2026-01-01T00:00:00Z)}}}" in words(drawn)


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize(
    "text", ["x" * 20_000, "長" * 20_000, "🏕" * 20_000, '"\\' * 10_000, "a\n" * 10_000, "{{" * 9000]
)
def test_the_longest_words_everywhere_stay_within_the_budget(name: str, text: str) -> None:
    drawn = adaptive_card(hostile(CARDS[name], text))

    assert weight(drawn) <= CARD_BYTES


@pytest.mark.parametrize("name", CARDS)
def test_the_longest_words_everywhere_are_valid(name: str) -> None:
    assert problems(adaptive_card(hostile(CARDS[name], LONG))) == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://a|b", "", "data:text/html,x", "https://" + "a" * 4000])
def test_only_web_addresses_are_linked(url: str) -> None:
    files = said("See", File(name="invoice.pdf", url=url))
    source = Cited(title="Returns", url=url, version=1)

    drawn = adaptive_card(waiting(said=(files,), proposal=replace(proposal(), sources=(source,))))

    assert problems(drawn) == []
    assert "Action.OpenUrl" not in {element["type"] for element in elements(drawn)}
    assert "invoice.pdf — no usable link" in words(drawn)
    assert "Returns" in words(drawn)


def test_a_file_shows_where_its_link_really_goes() -> None:
    card = waiting(said=(said("See", File(name="https://larkspur.example/safe", url="https://evil.example/x")),))

    assert "open at evil.example" in words(adaptive_card(card))


@pytest.mark.parametrize(
    "card",
    [
        waiting(said=(said(LONG),)),
        waiting(proposal=proposal(LONG)),
        waiting(said=(said(LONG),), proposal=proposal(LONG)),
        waiting(earlier=(said(LONG),)),
        waiting(said=tuple(said("x" * 500) for _ in range(60))),
        waiting(said=(said("See", *[File(name="n" * 300, url=f"https://f.example/{n}") for n in range(100)]),)),
        waiting(proposal=proposal("🏕" * 6000)),
        waiting(said=(said("長" * 45_000),)),
    ],
    ids=["said", "draft", "both", "earlier", "burst", "100 files", "emoji", "beyond a form of Slack"],
)
def test_what_was_cut_must_be_read_before_it_can_be_approved(card: Card) -> None:
    drawn = adaptive_card(card)

    assert problems(drawn) == []
    assert "approve" not in verbs(drawn)
    assert titles(drawn)[0] == "Read all & approve…"
    assert "more characters: Read all" in words(drawn)
    assert weight(drawn) < CARD_BYTES / 2


def test_a_short_draft_is_whole_beside_a_long_letter() -> None:
    read = words(adaptive_card(waiting(said=(said(LONG),))))

    assert proposal().text in read
    assert read.count("more characters") == 1


def test_a_draft_that_takes_the_room_of_its_form_is_still_whole_and_approved_on_the_card() -> None:
    drawn = adaptive_card(waiting(proposal=proposal("y" * 9000)))

    assert verbs(drawn)[:3] == ["approve", "open:edit", "take_over"]
    assert "y" * 9000 in words(drawn)
    assert weight(drawn) <= CARD_BYTES


def test_what_even_pages_cannot_hold_can_only_be_edited_or_taken_over() -> None:
    drawn = adaptive_card(waiting(said=tuple(said("長" * 20_000) for _ in range(12))))

    assert problems(drawn) == []
    assert not {"approve", "read_all"}.intersection(verbs(drawn))
    assert "Too long for Teams to show whole" in words(drawn)


def test_approve_is_not_offered_where_no_draft_is_drawn() -> None:
    for card in (waiting(proposal=None), ended(buttons=(Action.APPROVE,)), waiting(proposal=proposal("  "))):
        assert "approve" not in verbs(adaptive_card(card))


def test_a_superseded_card_is_one_line() -> None:
    drawn = adaptive_card(closed(said=(said(LONG),)))

    assert len(drawn["body"]) == 1
    assert "actions" not in drawn
    assert "Delivery · Ada Kern · The customer wrote again: see the newer card" in words(drawn)


def test_an_ended_card_says_who_did_what_and_how_delivery_stands() -> None:
    drawn = adaptive_card(ended(CardState.FAILED, buttons=(Action.RETRY,)))

    read = words(drawn)
    assert "⚠ Approved as drafted by Bo Lindqvist" in read
    assert read.index("Delivery: ") < read.index("It ships today.")
    assert titles(drawn) == ["Retry"]
    assert "your tent left our warehouse" not in read  # the draft is history


@pytest.mark.parametrize("state", [CardState.SENT, CardState.DISMISSED])
def test_a_settled_card_is_short_and_can_be_read_whole(state: CardState) -> None:
    card = ended(state, said=(said("x" * 2000),), earlier=(said("before"),), ending=replace(ENDING, text="y" * 2000))

    drawn = adaptive_card(card)

    assert len(words(drawn)) < 2000
    assert verbs(drawn) == ["read_all"]
    assert titles(drawn) == ["Read all…"]
    assert "x" * 2000 in words(everything(card))
    assert "y" * 2000 in words(everything(card))
    assert verbs(adaptive_card(ended(state))) == []


def test_what_is_on_its_way_can_be_checked_whole_before_it_goes() -> None:
    card = ended(CardState.HELD, buttons=(Action.UNDO,), ending=replace(ENDING, text="y" * 2000))

    assert "y" * 2000 in words(adaptive_card(card))


def test_a_burst_stands_under_one_name_and_time() -> None:
    later = replace(said("Anyone?"), at=AT + timedelta(minutes=5))

    read = words(adaptive_card(waiting(headline="x", said=(said("hello"), said("where is my tent"), later))))

    assert read.count("Ada Kern") == 2


def test_times_in_our_sentences_are_shown_in_the_readers_zone_but_not_those_a_customer_wrote() -> None:
    words_of_ours = ("Drafting is paused until 2026-11-22T14:00:00Z (Bo)",)

    read = words(adaptive_card(waiting(notices=words_of_ours, said=(said("at 2026-01-01T10:00Z"),))))

    assert "until {{DATE(2026-11-22T14:00:00Z,SHORT)}} {{TIME(2026-11-22T14:00:00Z)}} (Bo)" in read
    assert "at 2026-01-01T10:00Z" in read


def test_more_buttons_than_a_row_holds_go_behind_the_dots() -> None:
    drawn = adaptive_card(waiting(buttons=tuple(Action), menu=()))

    assert [action.get("mode") for action in drawn["actions"]].index("secondary") == 6


def test_a_text_that_was_made_inert_twice_stays_the_same() -> None:
    assert inert(inert("{{{{ [12] [x]")) == inert("{{{{ [12] [x]")


def test_no_two_inputs_share_an_id() -> None:
    drawn: Any = adaptive_card(waiting(buttons=(Action.EDIT, Action.WRITE, Action.REPLY)))

    ids = [element["id"] for element in elements(drawn) if element["type"].startswith("Input.")]
    assert len(ids) == len(set(ids)) == 8
