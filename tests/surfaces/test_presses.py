"""What pressing does, seen from the presser's client."""

from dataclasses import replace

import pytest

from bot.core import verdicts
from bot.core.cards import Action, CardState, Ending
from bot.core.decisions import (
    Answer,
    Approve,
    Decision,
    HandBack,
    Press,
    Presser,
    Redraft,
    Resolve,
    RetryDelivery,
    TakeOver,
    Undo,
    Verdict,
)
from bot.sandbox.faults import Fault, Trouble
from storage.database import Unavailable, Uncertain
from tests.surfaces.cards import AT, SHOWN, drawn_text, said, taken_over, waiting
from tests.surfaces.recording import Office


async def test_approve_is_handed_to_the_desk_bound_to_what_was_shown(office: Office) -> None:
    _, message = await office.post(waiting())

    seen = await office.sandbox.person("U0ANA").click("approve", on=message)

    assert seen.ok
    assert not seen.ephemerals
    (press,) = office.desk.presses
    assert press == Press(
        who=Presser(surface="slack", external_id="U0ANA"), on=SHOWN, decision=Approve(), event=press.event
    )


async def test_a_recorded_press_makes_no_call_to_slack(office: Office) -> None:
    _, message = await office.post(waiting())
    before = len(office.sandbox.calls())

    await office.sandbox.person("U0ANA").click("approve", on=message)

    assert len(office.sandbox.calls()) == before


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        (Action.TAKE_OVER, TakeOver()),
        (Action.UNDO, Undo()),
        (Action.RETRY, RetryDelivery()),
        (Action.HAND_BACK, HandBack()),
        (Action.RESOLVE, Resolve()),
        (Action.DRAFT, Redraft()),
    ],
)
async def test_buttons_that_ask_nothing_are_decisions(office: Office, action: Action, decision: Decision) -> None:
    _, message = await office.post(waiting(buttons=(action,), menu=()))

    await office.sandbox.person("U0BO").click(str(action), on=message)

    assert office.desk.decisions == [decision]


async def test_a_menu_entry_is_bound_to_the_card_too(office: Office) -> None:
    _, message = await office.post(waiting(menu=(Action.TAKE_OVER, Action.RESOLVE), buttons=()))

    await office.sandbox.person("U0BO").choose("menu", "resolve", on=message)

    (press,) = office.desk.presses
    assert (press.on, press.decision) == (SHOWN, Resolve())


@pytest.mark.parametrize("answer", [answer for answer in Answer if answer not in (Answer.RECORDED, Answer.REPEATED)])
async def test_a_refused_press_is_explained_to_the_presser_alone(office: Office, answer: Answer) -> None:
    _, message = await office.post(waiting())
    office.desk.verdicts = [Verdict(answer=answer, words="Bo <!channel> was first at 2026-11-22T09:30:00Z.")]

    seen = await office.sandbox.person("U0ANA").click("approve", on=message)

    assert seen.ok
    (whisper,) = seen.ephemerals
    assert "Bo <!channel> was first at " in drawn_text(whisper.blocks)
    assert whisper.pings == []


async def test_a_refusal_in_a_thread_is_whispered_where_the_presser_looks(office: Office) -> None:
    root, _ = await office.post(waiting())
    _, reply = await office.post(waiting(), thread=root)
    _, shown_in_channel = await office.post(waiting(broadcast=True), thread=root)
    shown_in_channel.subtype = "thread_broadcast"  # as Slack's payloads say
    office.desk.verdicts = [Verdict(answer=Answer.TOO_LATE, words="Too late.")] * 2

    in_thread = await office.sandbox.person("U0ANA").click("approve", on=reply)
    in_channel = await office.sandbox.person("U0ANA").click("approve", on=shown_in_channel)

    assert in_thread.ephemerals[0].thread_ts == root.split("/")[1]
    assert in_channel.ephemerals[0].thread_ts is None


@pytest.mark.parametrize(
    "trouble", [Trouble.ERROR, Trouble.DROP, Trouble.GARBAGE, Trouble.REVOKED, Trouble.RATE_LIMITED]
)
async def test_failing_to_explain_does_not_fail_the_press(office: Office, trouble: Trouble) -> None:
    _, message = await office.post(waiting())
    office.desk.verdicts = [Verdict(answer=Answer.TOO_LATE, words="Too late.")]
    office.sandbox.faults.add(Fault(trouble, method="chat.postEphemeral", times=None))

    seen = await office.sandbox.person("U0ANA").click("approve", on=message)

    assert seen.ok


async def test_slack_being_slow_does_not_make_the_press_late(office: Office) -> None:
    _, message = await office.post(waiting())
    office.desk.verdicts = [Verdict(answer=Answer.TOO_LATE, words="Too late.")]
    office.sandbox.faults.add(Fault(Trouble.SLOW, method="chat.postEphemeral", seconds=3600))

    seen = await office.sandbox.person("U0ANA").click("approve", on=message)

    assert seen.ok


async def test_a_desk_that_fails_shows_the_presser_an_error_and_hears_the_next_press(office: Office) -> None:
    _, message = await office.post(waiting())
    office.desk.verdicts = [RuntimeError("the database is away")]

    failed = await office.sandbox.person("U0ANA").click("approve", on=message)
    again = await office.sandbox.person("U0ANA").click("approve", on=message)

    assert not failed.ok
    assert again.ok


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Unavailable, "this was not recorded. Please press again"),
        (Uncertain, "look at the card before you press again"),
    ],
    ids=["away", "nobody knows"],
)
async def test_without_a_database_the_presser_is_told_what_to_do(
    office: Office, failure: type[Unavailable], words: str
) -> None:
    _, message = await office.post(waiting())
    office.desk.verdicts = [failure(None, None, Exception("connection refused"))]

    told = await office.sandbox.person("U0ANA").click("approve", on=message)
    again = await office.sandbox.person("U0ANA").click("approve", on=message)

    assert words in drawn_text(told.ephemerals[0].blocks)
    assert again.ok


async def test_a_button_somebody_tampered_with_is_refused_politely(office: Office) -> None:
    for packed in ("", "{}", "null", '["cnv_1",-1,null,null,null]', "[" * 1000, "x" * 1999, '["a",1,2,3,4]'):
        _, message = await office.post(waiting())
        message.blocks[-1]["elements"][0]["value"] = packed

        seen = await office.sandbox.person("U0ANA").click("approve", on=message)

        assert "not one I can read" in drawn_text(seen.ephemerals[0].blocks)
    assert office.desk.presses == []


async def test_an_unknown_button_is_acknowledged_and_dropped(office: Office) -> None:
    _, message = await office.post(waiting())
    message.blocks[-1]["elements"][0]["action_id"] = "from_last_year"

    seen = await office.sandbox.person("U0ANA").click("from_last_year", on=message)

    assert seen.ok
    assert office.desk.presses == []


async def test_a_form_on_a_card_nobody_knows_is_refused_politely(office: Office) -> None:
    _, message = await office.post(waiting())
    office.desk.cards.clear()

    seen = await office.sandbox.person("U0ANA").click("edit", on=message)

    assert seen.view is None
    assert verdicts.NOT_FOUND.words in drawn_text(seen.ephemerals[0].blocks)


async def test_an_outsider_gets_no_form(office: Office) -> None:
    _, message = await office.post(waiting())

    seen = await office.sandbox.person("U0FAY").click("edit", on=message)

    assert seen.view is None
    assert verdicts.NOT_ALLOWED.words in drawn_text(seen.ephemerals[0].blocks)


async def test_a_form_on_a_card_that_was_decided_says_who_was_first(office: Office) -> None:
    _, message = await office.post(waiting())
    office.desk.cards["cnv_1"] = waiting(
        state=CardState.SENT, ending=Ending(words="Approved as drafted by Bo", at=AT), buttons=(), menu=()
    )

    seen = await office.sandbox.person("U0ANA").click("edit", on=message)

    assert seen.view is None
    assert "Approved as drafted by Bo" in drawn_text(seen.ephemerals[0].blocks)


async def test_a_form_opened_from_an_old_card_shows_what_is_new_and_says_so(office: Office) -> None:
    _, message = await office.post(waiting())
    office.desk.cards["cnv_1"] = waiting(shown=replace(SHOWN, sequence=2), said=(said(), said("Hello? Anybody?")))

    seen = await office.sandbox.person("U0ANA").click("edit", on=message)

    assert seen.view is not None
    words = drawn_text(seen.view.blocks)
    assert "This changed after the card you pressed was drawn" in words
    assert "Hello? Anybody?" in words


async def test_a_form_that_slack_would_not_open_is_apologised_for(office: Office) -> None:
    _, message = await office.post(taken_over())
    office.sandbox.faults.add(Fault(Trouble.REFUSE, method="views.open", code="expired_trigger_id"))

    seen = await office.sandbox.person("U0ANA").click("reply", on=message)

    assert "press again" in drawn_text(seen.ephemerals[0].blocks)


async def test_a_form_that_would_be_refused_is_not_opened(office: Office) -> None:
    words = "Bo Lindqvist owns this conversation."
    office.desk.hindrances[Action.REPLY] = Verdict(answer=Answer.NOT_OWNER, words=words)
    _, message = await office.post(taken_over())

    seen = await office.sandbox.person("U0ANA").click("reply", on=message)

    assert seen.view is None
    assert [whisper.text for whisper in seen.ephemerals] == [words]
