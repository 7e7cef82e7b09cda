"""The first decision wins, once, and is bound to what was shown (promises 2, 3 and 4)."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.core.cards import CardState
from bot.core.decisions import (
    Answer,
    Approve,
    Decision,
    Dismiss,
    DismissReason,
    Edit,
    Recategorise,
    Redraft,
    Shown,
    TakeOver,
    Undo,
)
from storage.database import table_of
from storage.tables import Decision as DecisionRow
from storage.tables import Delivery, Feedback, Message
from tests.desk import Desk
from tests.patience import PATIENCE_SECONDS


async def rows(desk: Desk, model: Any) -> int:
    return await desk.db.read(lambda tx: int(tx.run(select(func.count()).select_from(table_of(model)))[0][0]))


async def test_of_twenty_agents_pressing_at_once_one_wins_and_nineteen_are_told_who(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    card = desk.card
    choices: list[Decision] = [Approve(), Edit("Mine."), TakeOver(), Dismiss(DismissReason.SPAM)]

    verdicts = await asyncio.gather(*(desk.press_only(choices[n % 4], by=f"U1{n:02}", on=card) for n in range(20)))
    await desk.pass_time(30)

    answers = Counter(verdict.answer for verdict in verdicts)
    assert answers[Answer.RECORDED] == 1
    assert answers[Answer.RECORDED] + answers[Answer.TOO_LATE] + answers[Answer.NOT_OWNER] == 20
    assert all("Agent" in verdict.words for verdict in verdicts if verdict.answer is not Answer.RECORDED)
    assert await rows(desk, DecisionRow) == 1
    assert await rows(desk, Feedback) == 1
    assert len(desk.customer_heard) <= 1


async def test_the_same_press_redelivered_changes_nothing_and_says_nothing(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    card = desk.card

    verdicts = [await desk.press(Approve(), by="Ana", on=card) for _ in range(3)]
    await desk.pass_time(10)

    assert [verdict.answer for verdict in verdicts] == [Answer.RECORDED, Answer.REPEATED, Answer.REPEATED]
    assert len(desk.customer_heard) == 1
    assert await rows(desk, Delivery) == 1


async def test_an_event_redelivered_is_recognised(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    card = desk.card

    first = await desk.press(Redraft("shorter"), by="Ana", on=card, event="Ev1")
    second = await desk.press(Redraft("shorter"), by="Ana", on=card, event="Ev1")

    assert (first.answer, second.answer) == (Answer.RECORDED, Answer.REPEATED)
    assert len(desk.drafter.cases) == 2


async def test_a_refused_form_sent_again_as_it_is_counts(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    card = desk.card
    refused = await desk.press(Edit(" "), by="Ana", on=card, event="form:1")

    again = await desk.press(Edit("It ships today."), by="Ana", on=card, event="form:1")

    assert (refused.answer, again.answer) == (Answer.INVALID, Answer.RECORDED)


@pytest.mark.parametrize("decision", [Approve(), Edit("Too hasty."), Dismiss(DismissReason.OTHER)])
async def test_a_press_after_the_customer_wrote_again_is_refused(desk: Desk, decision: Decision) -> None:
    await desk.customer_says("Cancel my order")
    stale = desk.card
    await desk.customer_says("No wait, don't!", quiet=False)

    verdict = await desk.press(decision, by="Ana", on=stale)
    await desk.pass_time(60)

    assert verdict.answer is Answer.CUSTOMER_WROTE
    assert verdict.now is not None
    assert verdict.now.review_id == desk.card.shown.review_id
    assert desk.customer_heard == []
    assert [said.text for said in desk.card.said] == ["Cancel my order", "No wait, don't!"]


async def test_the_older_card_collapses_when_the_customer_writes_again(desk: Desk) -> None:
    await desk.customer_says("Cancel my order")
    await desk.customer_says("No wait, don't!")

    first, second = desk.cards.hanging.values()
    assert first.state is CardState.CLOSED
    assert first.buttons == ()
    assert second.state is CardState.WAITING
    assert second.broadcast
    assert list(desk.cards.threads.values()) == [None, next(iter(desk.cards.hanging))]


async def test_a_press_on_another_draft_is_refused(desk: Desk) -> None:
    desk.drafter.replies = ["The first.", "The second."]
    await desk.customer_says("Where is my order?")
    first = desk.card
    await desk.press(Redraft("friendlier"), by="Bo")
    assert desk.card.proposal is not None
    assert desk.card.proposal.text == "The second."

    verdict = await desk.press(Approve(), by="Ana", on=first)

    assert verdict.answer is Answer.DRAFT_CHANGED
    await desk.pass_time(60)
    assert desk.customer_heard == []


async def test_nobody_can_approve_while_the_draft_is_being_rewritten(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    first = desk.card
    desk.drafter.gate = asyncio.Event()
    await desk.press_only(Redraft("friendlier"), by="Bo")

    verdict = await desk.press_only(Approve(), by="Ana", on=first)

    assert verdict.answer is Answer.DRAFT_CHANGED
    desk.drafter.gate.set()


async def test_a_draft_that_comes_after_the_customer_wrote_again_is_not_shown(desk: Desk) -> None:
    desk.drafter.gate = asyncio.Event()
    desk.drafter.replies = ["About the first message.", "About both."]
    await desk.customer_says("One", quiet=False)
    desk.clock.now = desk.clock.now.replace(second=10)
    desk.jobs.wake()
    await asyncio.wait_for(desk.drafter.begun.wait(), PATIENCE_SECONDS)
    await desk.customer_says("Two", quiet=False)
    desk.drafter.gate.set()
    await desk.pass_time(10)

    assert [card.proposal.text for card in desk.open_cards if card.proposal] == ["About both."]


@pytest.mark.parametrize(
    "tampered",
    [
        {"review_id": "rev_unknown"},
        {"conversation_id": "cnv_unknown"},
        {"review_id": None, "draft_digest": None},
        {"draft_digest": "0" * 32},
        {"sequence": 99},
    ],
)
async def test_a_tampered_button_decides_nothing(desk: Desk, tampered: dict[str, Any]) -> None:
    await desk.customer_says("Where is my order?")

    verdict = await desk.press(Approve(), by="Ana", on=replace(desk.card.shown, **tampered))
    await desk.pass_time(60)

    assert not verdict.recorded
    assert desk.customer_heard == []


async def test_a_button_of_another_conversation_decides_nothing_here(desk: Desk) -> None:
    await desk.customer_says("Mine", thread="t1")
    mine = desk.card.shown
    await desk.customer_says("Yours", thread="t2")
    yours = desk.card.shown

    crossed = replace(mine, review_id=yours.review_id, draft_digest=yours.draft_digest)
    verdict = await desk.press(Approve(), by="Ana", on=crossed)

    assert verdict.answer is Answer.NOT_FOUND


async def test_strangers_decide_nothing(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")

    verdict = await desk.press(Approve(), by="U0FAY")
    await desk.pass_time(60)

    assert verdict.answer is Answer.NOT_ALLOWED
    assert desk.customer_heard == []
    assert await rows(desk, DecisionRow) == 0


async def test_who_left_the_group_decides_nothing_any_more(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    desk.cards.people = [person for person in desk.cards.people if person.external_id != "U0BO"]
    await desk.front.roster_changed("slack")

    verdict = await desk.press(Approve(), by="Bo")

    assert verdict.answer is Answer.NOT_ALLOWED


async def test_a_new_colleague_may_press_at_once(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    desk.clock.now = desk.clock.now.replace(minute=5)
    desk.cards.people = [*desk.cards.people, replace(desk.cards.people[0], external_id="U0GIL", email="gil@x.example")]

    verdict = await desk.press(Approve(), by="U0GIL")

    assert verdict.answer is Answer.RECORDED


async def test_what_goes_out_names_its_decision_and_nothing_else_can(desk: Desk) -> None:
    """Promise 1, asked of the database."""
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)

    message = table_of(Message)
    decided = table_of(DecisionRow)
    sent = await desk.db.read(
        lambda tx: tx.run(
            select(message.c.text, decided.c.text, decided.c.kind)
            .select_from(message)
            .join(decided, decided.c.id == message.c.decision_id)
            .where(message.c.direction == "outgoing")
        )
    )
    assert [tuple(row) for row in sent] == [(desk.customer_heard[0], desk.customer_heard[0], "approve")]


async def test_a_moved_card_hangs_in_its_category_and_the_old_one_says_so(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")

    await desk.press(Recategorise("billing"), by="Ana")

    old, new = desk.cards.hanging.values()
    assert (old.state, new.state) == (CardState.CLOSED, CardState.WAITING)
    assert list(desk.cards.places.values()) == ["C0SUPPORT", "C0BILLING"]
    assert new.headline == "Billing · Ada Kern"
    assert (await desk.press(Approve(), by="Bo")).answer is Answer.RECORDED


async def test_undo_while_a_newer_question_is_open_joins_both(desk: Desk) -> None:
    await desk.customer_says("One")
    await desk.press(Approve(), by="Ana")
    held = desk.card
    await desk.customer_says("Two")

    await desk.press(Undo(), by="Ana", on=held)
    await desk.pass_time(60)

    assert desk.customer_heard == []
    assert [[said.text for said in card.said] for card in desk.open_cards] == [["One", "Two"]]


async def test_a_press_is_bound_to_its_question_not_to_a_number(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    shown = desk.card.shown

    assert Shown.unpack(shown.pack()) == shown
