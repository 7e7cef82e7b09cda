"""What pressing in Teams does, seen from the presser's client."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core import verdicts
from bot.core.cards import Action, CardState
from bot.core.decisions import (
    Answer,
    Approve,
    Decision,
    Dismiss,
    DismissReason,
    Edit,
    EditReason,
    Press,
    Presser,
    Recategorise,
    Redraft,
    SendReply,
    TakeOver,
    Verdict,
)
from bot.surfaces.teams import verbs
from bot.surfaces.teams.presses import RECORDED
from bot.surfaces.teams.verbs import Open, Read, Show
from storage.database import Unavailable, Uncertain
from tests.fakes.teams import ANA, CY, Posted
from tests.surfaces.cards import SHOWN, ended, said, taken_over, waiting
from tests.surfaces.teams.cards.drawn import button, field, titles, words
from tests.surfaces.teams.working import Team, known_as

CARD = "application/vnd.microsoft.card.adaptive"


def refused(answer: dict[str, Any]) -> tuple[str, str]:
    """The code and the words of an answer that leaves the card as it is."""
    assert (answer["statusCode"], answer["type"]) == (400, "application/vnd.microsoft.error"), answer
    return answer["value"]["code"], answer["value"]["message"]


def shown(answer: dict[str, Any]) -> Any:
    """The card that stands in place of the pressed one."""
    assert (answer["statusCode"], answer["type"]) == (200, CARD), answer
    return answer["value"]


async def ask(team: Team, on: Posted, verb: Any, *, by: Any = ANA) -> dict[str, Any]:
    written = verbs.written(verb, SHOWN)
    return await team.invoke(team.teams.says.press(on, written["verb"], written["data"], by=by))


async def test_approve_is_handed_to_the_desk_and_answered_with_the_card_as_it_is_then(team: Team) -> None:
    card = waiting()
    _, posted = await team.post(card)
    team.desk.cards["cnv_1"] = ended(CardState.HELD, key=card.key)

    answer = await team.press(posted, "approve")

    assert "Approved as drafted by Bo Lindqvist" in words(shown(answer))
    (press,) = team.desk.presses
    who = Presser(surface="teams", external_id=known_as(team.teams, ANA))
    assert press == Press(who=who, on=SHOWN, decision=Approve(), event=press.event)
    assert (press.event or "").startswith("press:")


async def test_the_same_press_delivered_again_is_the_same_event(team: Team) -> None:
    _, posted = await team.post(waiting())
    data = button(posted.cards[0], "approve")["data"]

    for id in ("f:1", "f:1", "f:2"):
        await team.invoke(team.teams.says.press(posted, "approve", data, id=id))

    first, again, another = (press.event for press in team.desk.presses)
    assert first == again != another


@pytest.mark.parametrize(
    ("action", "inputs", "decision"),
    [
        (Action.TAKE_OVER, {}, TakeOver()),
        (
            Action.EDIT,
            {"edit_text": "It ships today.", "edit_choice": "tone"},
            Edit("It ships today.", EditReason.TONE),
        ),
        (Action.REDRAFT, {"redraft_text": "shorter"}, Redraft("shorter")),
        (Action.RECATEGORISE, {"recategorise_choice": "billing"}, Recategorise("billing")),
        (
            Action.DISMISS,
            {"dismiss_choice": "spam", "dismiss_note": "again"},
            Dismiss(DismissReason.SPAM, "again"),
        ),
    ],
)
async def test_forms_that_unfold_in_the_card_are_decisions(
    team: Team, action: Action, inputs: dict[str, str], decision: Decision
) -> None:
    _, posted = await team.post(waiting())

    shown(await team.press(posted, str(action), **inputs))

    assert team.desk.decisions == [decision]


async def test_the_owner_replies_in_the_card(team: Team) -> None:
    _, posted = await team.post(taken_over())

    shown(await team.press(posted, "reply", reply_text="On its way."))

    assert team.desk.decisions == [SendReply("On its way.")]


async def test_a_refused_press_says_why_and_leaves_the_card(team: Team) -> None:
    _, posted = await team.post(waiting())
    team.desk.verdicts = [verdicts.NOT_ALLOWED]

    answer = await team.press(posted, "approve", by=CY)

    assert refused(answer) == ("not_allowed", verdicts.NOT_ALLOWED.words)


async def test_an_empty_reply_is_refused_and_asks_the_desk_nothing(team: Team) -> None:
    _, posted = await team.post(waiting())

    answer = await team.press(posted, "edit", edit_text="  ")

    assert refused(answer) == ("invalid", "Write the reply first.")
    assert team.desk.presses == []


async def test_an_edit_overtaken_by_the_customer_comes_back_with_the_text_and_the_news(team: Team) -> None:
    _, posted = await team.post(waiting())
    now = replace(SHOWN, sequence=2)
    team.desk.cards["cnv_1"] = waiting(shown=now, said=(said("Where is my tent?"), said("And my stove?")))
    team.desk.verdicts = [verdicts.customer_wrote(now)]

    form = shown(await team.press(posted, "edit", edit_text="It ships today."))

    assert "And my stove?" in words(form)
    assert "The customer wrote again" in words(form)
    assert field(form, "edit_text")["value"] == "It ships today."
    shown(await team.press(posted, "edit", card=form, edit_text="Both ship today."))
    assert team.desk.presses[-1].on == now


async def test_an_edit_that_came_too_late_keeps_the_text_to_copy(team: Team) -> None:
    _, posted = await team.post(waiting())
    late = Verdict(answer=Answer.TOO_LATE, words="Bo approved this: your press changed nothing.")
    team.desk.verdicts = [late]

    card = shown(await team.press(posted, "edit", edit_text="It ships today."))

    assert "Bo approved this" in words(card)
    assert "It ships today." in words(card)
    assert titles(card) == ["Back to the card"]


async def test_a_form_without_room_in_the_card_is_the_answer_to_its_button(team: Team) -> None:
    _, posted = await team.post(waiting())

    form = shown(await ask(team, posted, Open(Action.EDIT)))

    assert field(form, "edit_text")["value"] == "Hello Ada,\n\nyour tent left our warehouse today."
    shown(await team.press(posted, "edit", card=form, edit_text="Hello Ada."))
    assert team.desk.decisions == [Edit("Hello Ada.")]


async def test_a_form_of_a_card_that_changed_says_so(team: Team) -> None:
    _, posted = await team.post(waiting())
    team.desk.cards["cnv_1"] = waiting(shown=replace(SHOWN, sequence=2))

    assert verdicts.CHANGED in words(shown(await ask(team, posted, Open(Action.EDIT))))


async def test_a_form_the_card_does_not_offer_any_more_is_refused(team: Team) -> None:
    _, posted = await team.post(waiting())
    team.desk.cards["cnv_1"] = ended()

    assert refused(await ask(team, posted, Open(Action.EDIT))) == ("too_late", "Approved as drafted by Bo Lindqvist")


async def test_everything_is_read_page_by_page_and_begins_again_when_it_changed(team: Team) -> None:
    card = waiting(said=(said("Where is my tent? " * 1500),))
    _, posted = await team.post(card)

    first = shown(await team.press(posted, "read_all"))
    second = shown(await team.press(posted, "read_all", card={"body": [], "actions": first["actions"][:1]}))
    assert "Page 1 of" in words(first)
    assert "Page 2 of" in words(second)
    team.desk.cards["cnv_1"] = replace(card, shown=replace(SHOWN, sequence=2))

    again = shown(await team.press(posted, "read_all", card={"body": [], "actions": first["actions"][:1]}))
    assert "Page 1 of" in words(again)
    assert verdicts.CHANGED in words(again)


@pytest.mark.parametrize("verb", [Open(Action.EDIT), Read(1), Show()])
async def test_a_stranger_is_shown_nothing(team: Team, verb: Any) -> None:
    _, posted = await team.post(waiting())

    assert refused(await ask(team, posted, verb, by=CY)) == ("not_allowed", verdicts.NOT_ALLOWED.words)


async def test_back_shows_the_card_as_it_is_now(team: Team) -> None:
    _, posted = await team.post(waiting())
    team.desk.cards["cnv_1"] = ended()

    assert "Approved as drafted" in words(shown(await ask(team, posted, Show())))


async def test_a_card_nobody_knows_any_more_is_told(team: Team) -> None:
    _, posted = await team.post(waiting())
    team.desk.cards.clear()

    assert refused(await ask(team, posted, Show())) == ("not_found", verdicts.NOT_FOUND.words)
    assert (await team.press(posted, "approve"))["value"] == RECORDED


@pytest.mark.parametrize(
    ("verb", "data", "code"),
    [
        ("approve", {"v": 1, "on": "[]"}, "tampered"),
        ("approve", {"v": 99, "on": SHOWN.pack()}, "tampered"),
        ("approve", None, "tampered"),
        ("delete_everything", {"v": 1, "on": SHOWN.pack()}, "unknown_action"),
    ],
)
async def test_a_button_that_is_none_of_ours_is_refused_and_decides_nothing(
    team: Team, verb: str, data: Any, code: str
) -> None:
    _, posted = await team.post(waiting())

    answer = await team.invoke(team.teams.says.press(posted, verb, data))

    assert refused(answer) == (code, verdicts.NOT_OURS)
    assert team.desk.presses == []


@pytest.mark.parametrize(
    ("away", "said_so"),
    [
        (Unavailable(None, None, OSError("away")), verdicts.NO_DATABASE),
        (Uncertain(None, None, OSError("away")), verdicts.NOBODY_KNOWS),
    ],
)
async def test_without_a_database_the_presser_is_told(team: Team, away: Exception, said_so: str) -> None:
    _, posted = await team.post(waiting())
    team.desk.verdicts = [away]

    assert refused(await team.press(posted, "approve")) == ("unavailable", said_so)


async def test_an_invoke_nobody_listens_to_is_answered_all_the_same(team: Team) -> None:
    _, posted = await team.post(waiting())
    press = team.teams.says.press(posted, "approve", {})

    assert await team.invoke(press | {"name": "message/submitAction"}) == {}
