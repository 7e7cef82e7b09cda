"""Taking a reply back: in time or too late, and never half of each."""

import asyncio

import pytest
from sqlalchemy import select

from bot.core.cards import Action, CardState
from bot.core.decisions import (
    Answer,
    Approve,
    Decision,
    Dismiss,
    DismissReason,
    Edit,
    HandBack,
    Redraft,
    Resolve,
    RetryDelivery,
    SendReply,
    TakeOver,
    Undo,
)
from storage.database import table_of
from storage.tables import Delivery
from tests.desk import Desk
from tests.patience import PATIENCE_SECONDS


async def test_an_undo_in_the_very_moment_the_hold_ends_wins_or_loses_whole(desk: Desk) -> None:
    for number in range(20):
        await desk.customer_says("Where is my order?", thread=f"t{number}")
        await desk.press(Approve(), by="Ana")
        heard = len(desk.customer_heard)

        desk.clock.now += desk.policy.desk.hold
        desk.jobs.wake()
        await asyncio.sleep(0.001 * (number % 5))  # somewhere around the release
        verdict = await desk.press(Undo(), by="Ana")
        await desk.pass_time(60)

        taken_back = verdict.answer is Answer.RECORDED
        assert verdict.answer in (Answer.RECORDED, Answer.TOO_LATE)
        assert len(desk.customer_heard) == heard + (not taken_back)
        assert desk.card.state is (CardState.WAITING if taken_back else CardState.SENT)
        if taken_back:
            await desk.press(Dismiss(DismissReason.OTHER), by="Ana")


async def test_of_ten_people_who_undo_at_once_nobody_breaks_anything(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    held = desk.card

    verdicts = await asyncio.gather(*(desk.press_only(Undo(), by=f"U1{n:02}", on=held) for n in range(10)))
    await desk.pass_time(60)

    answers = [verdict.answer for verdict in verdicts]
    assert answers.count(Answer.RECORDED) == 1
    assert answers.count(Answer.REPEATED) == 9
    assert desk.customer_heard == []
    assert len(desk.open_cards) == 1


async def test_anyone_on_the_desk_may_take_a_colleagues_reply_back_in_time(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")

    assert (await desk.press(Undo(), by="Bo")).answer is Answer.RECORDED

    assert desk.card.notices == ("Bo Lindqvist took the reply back before it was sent",)


async def test_after_an_undo_the_next_decision_is_the_one_that_counts(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    held = desk.card
    await desk.press(Undo(), by="Ana")

    stale = await desk.press(Undo(), by="Ana", on=held)
    await desk.press(Edit("It ships today."), by="Bo")
    too_late = await desk.press(Undo(), by="Ana", on=held)
    await desk.pass_time(10)

    assert (stale.answer, too_late.answer) == (Answer.REPEATED, Answer.REPEATED)
    assert desk.customer_heard == ["It ships today."]


async def test_taking_over_does_not_stop_a_reply_that_is_held_and_undo_does(desk: Desk) -> None:
    await desk.customer_says("Where is my order?", thread="t1")
    await desk.press(Approve(), by="Ana")
    held = desk.card
    assert Action.UNDO in held.buttons
    await desk.customer_says("Cancel it!", thread="t1")
    await desk.press(TakeOver(), by="Bo")

    assert (await desk.press(Undo(), by="Bo", on=held)).answer is Answer.RECORDED
    await desk.pass_time(60)

    assert desk.customer_heard == []
    assert Action.REPLY in desk.card.buttons


async def test_what_was_undone_under_an_owner_is_asked_again_when_they_hand_it_back(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    held = desk.card
    await desk.customer_says("It is number 4711.")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(Undo(), by="Ana", on=held)

    await desk.press(HandBack(), by="Bo")
    await desk.pass_time(1)

    assert [said.text for said in desk.card.said] == ["Where is my order?", "It is number 4711."]
    assert desk.card.state is CardState.WAITING
    assert desk.customer_heard == []


async def test_retry_pressed_twice_sends_once(desk: Desk) -> None:
    desk.channel.failures = [OSError("refused")] * 80
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)
    for _ in range(80):
        await desk.pass_time(60 * 6)
    failed = desk.card
    assert failed.state is CardState.FAILED

    verdicts = await asyncio.gather(*(desk.press_only(RetryDelivery(), by=who, on=failed) for who in ("Ana", "Bo")))
    await desk.pass_time(60)

    assert Answer.RECORDED in {verdict.answer for verdict in verdicts}
    assert len(desk.customer_heard) == 1
    again = await desk.press(RetryDelivery(), by="Ana", on=failed)
    assert again.answer is Answer.TOO_LATE
    deliveries = await desk.db.read(lambda tx: list(tx.run(select(table_of(Delivery)))))
    assert [delivery.status for delivery in deliveries] == ["sent"]


async def test_undoing_an_owners_reply_after_resolving_asks_the_desk_again(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(SendReply("Oops"), by="Bo")
    reply = desk.card
    await desk.press(Resolve(), by="Bo")

    await desk.press(Undo(), by="Bo", on=reply)
    await desk.pass_time(60)

    assert desk.customer_heard == []
    assert [[said.text for said in card.said] for card in desk.open_cards] == [["Where is my order?"]]
    assert desk.card.notices == ("Bo Lindqvist took the reply back before it was sent",)


async def test_undoing_an_owners_reply_after_handing_back_asks_together_with_what_came_since(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(SendReply("Oops"), by="Bo")
    reply = desk.card
    await desk.press(HandBack(), by="Bo")
    await desk.customer_says("And my refund?")

    await desk.press(Undo(), by="Bo", on=reply)
    await desk.pass_time(60)

    asked = [[said.text for said in card.said] for card in desk.open_cards]
    assert asked == [["Where is my order?", "And my refund?"]]


@pytest.mark.parametrize("settling", [Approve(), Dismiss(DismissReason.DUPLICATE)], ids=["approved", "dismissed"])
async def test_undoing_an_owners_reply_leaves_settled_what_was_settled_before(desk: Desk, settling: Decision) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(settling, by="Ana")
    await desk.customer_says("And my refund?")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(SendReply("Oops"), by="Bo")

    await desk.press(Undo(), by="Bo")
    await desk.press(HandBack(), by="Bo")
    await desk.pass_time(60)

    assert [[said.text for said in card.said] for card in desk.open_cards] == [["And my refund?"]]


async def test_undoing_the_first_of_an_owners_two_replies_leaves_the_customer_answered(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(SendReply("Oops"), by="Bo")
    first = desk.card
    await desk.press(SendReply("It is in Lyon."), by="Bo")

    await desk.press(Undo(), by="Bo", on=first)
    await desk.press(HandBack(), by="Bo")
    await desk.pass_time(60)

    assert desk.customer_heard == ["It is in Lyon."]
    assert desk.open_cards == []


async def test_a_reply_written_while_the_draft_was_being_made_is_undone_and_drafted(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    desk.drafter.gate = asyncio.Event()
    await desk.press_only(Redraft("shorter"), by="Ana")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not desk.offers(Action.WRITE):  # noqa: ASYNC110 - the card is redrawn while the drafter works
            await asyncio.sleep(0.01)
    await desk.press_only(Edit("Tomorrow."), by="Ana")
    desk.drafter.gate.set()
    await desk.settle()

    await desk.press(Undo(), by="Ana")

    assert desk.card.state is CardState.WAITING
    assert desk.card.proposal is not None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_replies_taken_back_are_asked_again_together(desk: Desk, order: tuple[int, int]) -> None:
    replied = []
    for question in ("Where is my order?", "And my refund?"):
        await desk.customer_says(question)
        await desk.press(Approve(), by="Ana")
        replied.append(desk.card)

    for which in order:
        await desk.press(Undo(), by="Ana", on=replied[which])
    await desk.settle()

    (asked,) = desk.open_cards
    assert [said.text for said in asked.said] == ["Where is my order?", "And my refund?"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_replies_taken_back_under_an_owner_are_both_asked_after_it(
    desk: Desk, order: tuple[int, int]
) -> None:
    replied = []
    for question in ("Where is my order?", "And my refund?"):
        await desk.customer_says(question)
        await desk.press(Approve(), by="Ana")
        replied.append(desk.card)
    await desk.press(TakeOver(), by="Ana")

    for which in order:
        await desk.press(Undo(), by="Ana", on=replied[which])
    await desk.press(HandBack(), by="Ana")
    await desk.settle()

    (asked,) = desk.open_cards
    assert [said.text for said in asked.said] == ["Where is my order?", "And my refund?"]
