"""What Teams sends, read: what we wrote on our buttons comes back as it was, and nothing else gets in."""

import contextlib
import copy
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.cards import Action
from bot.core.decisions import Shown
from bot.core.forms import FORMS
from bot.surfaces.teams import verbs
from bot.surfaces.teams.cards.buttons import actions
from bot.surfaces.teams.cards.card import adaptive_card
from bot.surfaces.teams.cards.everything import everything
from bot.surfaces.teams.cards.forms import form
from bot.surfaces.teams.cards.inputs import Filled, fresh
from bot.surfaces.teams.payloads import (
    Heard,
    Ignored,
    Installed,
    Malformed,
    Pressed,
    QueueAsked,
    Removed,
    TeamChanged,
    Told,
    heard,
)
from bot.surfaces.teams.verbs import Decide, Open, Read, Show, Tampered, UnknownVerb
from tests.data import shared
from tests.surfaces.cards import SHOWN, ended, proposal, taken_over, waiting
from tests.surfaces.teams.cards.drawn import button, elements

TENANT = "0fb0a2ff-2539-417a-8514-7f3b695024fd"
SERVICE = "https://smba.trafficmanager.net/emea/"
THREAD = "19:support@thread.tacv2;messageid=1700000000000"
BOT = "28:f7c72d1a-9892-42b7-8fe0-6fb6e7c85851"
SHOWNS = st.builds(
    Shown,
    conversation_id=st.from_regex(r"cnv_[a-z0-9]{1,26}", fullmatch=True),
    sequence=st.integers(0, 2**31 - 1),
    review_id=st.from_regex(r"rev_[a-z0-9]{1,26}", fullmatch=True) | st.none(),
    draft_digest=st.from_regex(r"[0-9a-f]{32}", fullmatch=True) | st.none(),
    message_id=st.from_regex(r"msg_[a-z0-9]{1,26}", fullmatch=True) | st.none(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def activity(**changes: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "1700000000123",
        "channelId": "msteams",
        "serviceUrl": SERVICE,
        "from": {"id": "29:ana", "name": "Ana", "aadObjectId": "D2FFAEAB-d802-4fec-8580-0987e9ad2628"},
        "conversation": {"id": THREAD, "conversationType": "channel", "isGroup": True, "tenantId": TENANT},
        "recipient": {"id": BOT, "name": "Signoff"},
        "channelData": {"team": {"id": "19:team"}, "channel": {"id": "19:support"}, "tenant": {"id": TENANT}},
        **changes,
    }


def press(action: dict[str, Any], **typed: Any) -> dict[str, Any]:
    """As Teams sends it: the inputs are merged into the data."""
    sent = {"type": "Action.Execute", "verb": action["verb"], "data": {**action["data"], **typed}}
    value = {"action": sent, "trigger": "manual"}
    return activity(type="invoke", name="adaptiveCard/action", replyToId="1700000000100", value=value)


def read(body: Any) -> Heard:
    return heard(body, tenant=TENANT, service_url=SERVICE)


def pressed(action: dict[str, Any], **typed: Any) -> Pressed:
    found = read(press(action, **typed))
    assert isinstance(found, Pressed)
    return found


@pytest.mark.parametrize("action", Action)
def test_every_button_of_a_card_comes_back_as_what_it_was_bound_to(action: Action) -> None:
    drawn = adaptive_card(waiting(buttons=(action,), menu=()))

    found = pressed(button(drawn, str(action)))

    assert found.verb == (Read(1) if action is Action.READ_ALL else Decide(action))
    assert found.on == SHOWN
    assert found.who.external_id == f"{TENANT}/d2ffaeab-d802-4fec-8580-0987e9ad2628"
    assert found.where.conversation == THREAD
    assert found.where.reply_to == "1700000000100"


@pytest.mark.parametrize("action", [action for action in FORMS if action is not Action.READ_ALL])
def test_a_form_that_had_no_room_is_asked_for_and_what_it_sends_off_comes_back(action: Action) -> None:
    card = waiting()
    asked = pressed(button(actions(card, [action], [], unfolding=()), f"open:{action}"))
    drawn = form(action, card, bound_to=card.shown, filled=fresh(action, card))
    typed = {"text": "It ships tomorrow.", "choice": "other", "note": "n"}

    sent = pressed(button(drawn, str(action)), **{f"{action}_{field}": value for field, value in typed.items()})

    assert asked.verb == Open(action)
    assert (sent.verb, sent.on) == (Decide(action), card.shown)
    assert sent.filled == Filled(**typed)


def test_a_page_and_the_way_back_come_back() -> None:
    card = waiting(proposal=proposal("長" * 9000))

    assert pressed(everything(card)["actions"][0]).verb == Read(2)
    assert pressed(button(everything(ended()), "show")).verb == Show()


@settings(deadline=None, database=None)
@given(SHOWNS, st.sampled_from([Decide(Action.APPROVE), Open(Action.EDIT), Read(3), Show()]))
def test_what_is_written_is_read(on: Shown, verb: verbs.Verb) -> None:
    written = verbs.written(verb, on)

    assert verbs.read(written["verb"], json.loads(json.dumps(written["data"]))) == (verb, on)
    assert len(json.dumps(written)) < 400


def test_a_draft_sent_off_as_it_was_opened_is_that_draft_to_the_letter() -> None:
    text = "Use {{name}} and {{{{x}} [1]\n\nor {{DATE(2026-01-01T00:00:00Z)}}."
    drawn = adaptive_card(waiting(proposal=proposal(text)))
    value = next(element["value"] for element in elements(drawn) if element.get("id") == "edit_text")

    sent = pressed(button(drawn, "edit"), edit_text=value.replace("\n", "\r\n"))

    assert value != text
    assert sent.filled.text == text


def test_inputs_of_other_forms_do_not_get_in() -> None:
    drawn = adaptive_card(taken_over())

    assert pressed(button(drawn, "reply"), edit_text="no", reply_text="yes").filled == Filled(text="yes")


def test_the_same_press_handed_over_again_is_the_same_event() -> None:
    approve = button(adaptive_card(waiting()), "approve")

    again, other = pressed(approve), read({**press(approve), "id": "f:2"})

    assert pressed(approve).event == again.event
    assert isinstance(other, Pressed)
    assert other.event != again.event


@pytest.mark.parametrize(
    "verb", [None, "", 7, [], "drop tables", "open:", "open:approve", "open:read_all", "menu", "APPROVE"]
)
def test_an_unknown_verb_is_refused_by_name(verb: Any) -> None:
    with pytest.raises(Malformed) as refused:
        read(press({"verb": verb, "data": verbs.written(Show(), SHOWN)["data"]}))

    assert refused.value.reason == "unknown_action"


@pytest.mark.parametrize(
    "data",
    [
        None,
        "approve",
        [],
        {},
        {"v": 1},
        {"v": 2, "on": SHOWN.pack()},
        {"v": True, "on": SHOWN.pack()},
        {"v": 1, "on": None},
        {"v": 1, "on": "[]"},
        {"v": 1, "on": SHOWN.pack().replace("cnv_1", "cnv\\u0000")},
        {"v": 1, "on": SHOWN.pack().replace(",1,", ",-1,")},
        {"v": 1, "on": "[" * 100_000},
        {"v": 1, "on": {"conversation_id": "cnv_1"}},
    ],
)
def test_tampered_data_is_refused(data: Any) -> None:
    with pytest.raises(Tampered):
        verbs.read("approve", data)


@pytest.mark.parametrize("page", [0, -1, 41, "2", True, 1.0, None])
def test_a_page_there_cannot_be_is_refused(page: Any) -> None:
    with pytest.raises(Tampered):
        verbs.read("read_all", {"v": 1, "on": SHOWN.pack(), "page": page})


@pytest.mark.parametrize("typed", [7, [], {}, True, "x" * 100_001])
def test_an_input_that_is_no_text_is_refused(typed: Any) -> None:
    with pytest.raises(Malformed) as refused:
        read(press(button(adaptive_card(waiting()), "edit"), edit_text=typed))

    assert refused.value.reason == "tampered"


def test_a_button_under_a_queue_is_bound_to_nothing() -> None:
    assert isinstance(read(press(verbs.queue_asked())), QueueAsked)
    with pytest.raises(UnknownVerb):
        verbs.read("queue2", {"v": 1})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<at>Signoff</at> shorter, please", "shorter, please"),
        ("<at>Signoff</at>&nbsp;ask <at>Bo</at> &amp; me", "ask Bo & me"),
        ("queue", "queue"),
        ("<AT id=1>Signoff</AT>", "Signoff"),
        ("\x00 status \ud800", "status ?"),
    ],
)
def test_words_said_to_the_bot_are_read_without_the_mention(text: str, said: str) -> None:
    mention = {"type": "mention", "text": "<at>Signoff</at>", "mentioned": {"id": BOT, "name": "Signoff"}}

    found = read(activity(text=text, entities=[{"type": "clientInfo"}, mention]))

    assert isinstance(found, Told)
    assert found.text == said
    assert not found.where.personal


def test_a_command_in_the_personal_chat() -> None:
    chat = {"id": "a:1", "conversationType": "personal", "tenantId": TENANT}

    found = read(activity(text=" Pause billing 2h\n", conversation=chat))

    assert isinstance(found, Told)
    assert found.words == ("pause", "billing", "2h")
    assert found.where.personal


def test_installations_and_members_are_told_with_their_team() -> None:
    added = read(activity(type="installationUpdate", action="add"))
    removed = read(activity(type="installationUpdate", action="remove"))
    event = {"team": {"id": "19:team"}, "eventType": "teamMemberAdded"}
    members = read(activity(type="conversationUpdate", membersAdded=[{"id": "29:x"}], channelData=event))

    assert isinstance(added, Installed)
    assert (added.team, added.channel) == ("19:team", "19:support")
    assert isinstance(removed, Removed)
    assert removed.team == "19:team"
    assert isinstance(members, TeamChanged)
    assert (members.team, members.event_type) == ("19:team", "teamMemberAdded")


@pytest.mark.parametrize(
    "body",
    [
        activity(type="typing"),
        activity(type="messageReaction"),
        activity(type="invoke", name="task/fetch", value={}),
        activity(type="message", text=None),
        activity(type="message", text="x", value={"a": 1}),
        activity(type="installationUpdate", action="dance"),
    ],
)
def test_what_is_not_for_us_is_ignored(body: dict[str, Any]) -> None:
    assert isinstance(read(body), Ignored)


@pytest.mark.parametrize("missing", ["type", "from", "conversation", "value"])
def test_a_press_without_what_makes_it_one_is_refused(missing: str) -> None:
    body = press(button(adaptive_card(waiting()), "approve"))
    del body[missing]

    with pytest.raises(Malformed):
        read(body)


@settings(max_examples=150, deadline=None, database=None)
@given(st.data())
def test_whatever_stands_in_it_it_is_read_or_refused(data: st.DataObject) -> None:
    samples = [
        press(button(adaptive_card(waiting()), "edit"), edit_text="x"),
        activity(text="hi", entities=[{"type": "mention", "text": "x", "mentioned": {"id": BOT}}]),
        activity(type="installationUpdate", action="add"),
        activity(type="conversationUpdate"),
    ]
    body = copy.deepcopy(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(1, 3))):
        _spoil(body, data)

    _read_or_refused(body)


def _spoil(body: Any, data: st.DataObject) -> None:
    """Put something else in place of a value, somewhere within."""
    where = body
    while isinstance(where, dict) and where:
        key = data.draw(st.sampled_from(sorted(where)))
        if not isinstance(where[key], dict) or not where[key] or data.draw(st.booleans()):
            where[key] = data.draw(JSON)
            return
        where = where[key]


def _read_or_refused(body: Any) -> None:
    with contextlib.suppress(Malformed):
        assert isinstance(read(body), Heard)


def test_real_activities_are_read_or_refused() -> None:
    with gzip.open(shared("teams/activities.jsonl.gz"), "rt") as lines:
        for line in lines:
            _read_or_refused(json.loads(line)["payload"])
