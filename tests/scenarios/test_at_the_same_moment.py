"""Customers and agents who act in the same moment: one order of events, and everything said is answered once."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import func, select, text

from adapters.base import Inbound, Sender
from bot.core.cards import Action, CardState
from bot.core.decisions import Answer, Approve, Dismiss, DismissReason, Redraft, SendReply, TakeOver
from storage.database import Database, table_of
from storage.tables import Conversation, Customer, Message, Posting, PostingStatus, Review
from tests.desk import MONDAY, Desk
from tests.patience import PATIENCE_SECONDS


def inbound(text: str, *, thread: str = "t1", id: str, sender: str = "ada") -> Inbound:
    return Inbound(channel="web", thread=thread, external_id=id, sender=Sender(external_id=sender), text=text)


async def count(desk: Desk, model: type) -> int:
    statement = select(func.count()).select_from(table_of(model))  # type: ignore[type-var]
    return await desk.db.read(lambda tx: int(tx.run(statement)[0][0]))


async def test_a_press_and_the_customers_next_words_meet_in_one_order_or_the_other(desk: Desk) -> None:
    for number in range(16):
        thread = f"t{number}"
        await desk.customer_says("Cancel my order", thread=thread)
        card, heard = desk.card, len(desk.customer_heard)

        verdict, _ = await asyncio.gather(
            desk.press_only(Approve(), by="Ana", on=card),
            desk.receive(inbound("No wait, don't!", thread=thread, id=f"n{number}")),
        )
        await desk.pass_time(30)

        assert verdict.answer in (Answer.RECORDED, Answer.CUSTOMER_WROTE)
        approved = verdict.answer is Answer.RECORDED
        assert len(desk.customer_heard) == heard + approved
        words = ["No wait, don't!"] if approved else ["Cancel my order", "No wait, don't!"]
        assert [[said.text for said in card.said] for card in desk.open_cards] == [words]
        await desk.press(Dismiss(DismissReason.OTHER), by="Ana")


async def test_taking_over_and_the_customers_next_words_leave_no_draft_behind(desk: Desk) -> None:
    for number in range(8):
        thread = f"t{number}"
        await desk.customer_says("Hello", thread=thread)
        card = desk.card

        verdict, _ = await asyncio.gather(
            desk.press_only(TakeOver(), by="Ana", on=card),
            desk.receive(inbound("Anybody?", thread=thread, id=f"n{number}")),
        )
        await desk.pass_time(30)

        assert verdict.answer is Answer.RECORDED
        assert desk.open_cards == []
        assert desk.card.state is CardState.TAKEN_OVER


async def test_whoever_takes_over_before_the_newest_question_has_a_card_gets_one_to_reply_on(desk: Desk) -> None:
    await desk.customer_says("Hello")
    older = desk.card
    await desk.customer_says("Anybody?", quiet=False)

    verdict = await desk.press(TakeOver(), by="Ana", on=older)
    await desk.pass_time(30)

    assert verdict.answer is Answer.RECORDED
    assert desk.card.buttons == (Action.REPLY, Action.HAND_BACK, Action.RESOLVE)
    assert [said.text for said in desk.card.said] == ["Hello", "Anybody?"]
    assert (await desk.press(SendReply("I am here."), by="Ana")).answer is Answer.RECORDED


async def test_taking_over_while_a_draft_arrives_leaves_no_question_open(desk: Desk) -> None:
    for number in range(8):
        desk.drafter.gate = asyncio.Event()
        desk.drafter.gate.set()
        await desk.customer_says("Hello", thread=f"t{number}")
        card = desk.card
        desk.drafter.gate.clear()
        desk.drafter.begun.clear()
        await desk.press_only(Redraft("shorter"), by="Bo", on=card)
        await asyncio.wait_for(desk.drafter.begun.wait(), PATIENCE_SECONDS)

        desk.drafter.gate.set()
        await asyncio.sleep(0.001 * number)  # somewhere around the draft's arrival
        verdict = await desk.press(TakeOver(), by="Ana", on=card)
        await desk.pass_time(30)

        assert verdict.answer is Answer.RECORDED
        assert desk.open_cards == []
        assert desk.card.state is CardState.TAKEN_OVER


async def test_a_message_delivered_ten_times_at_once_is_one_message(desk: Desk) -> None:
    received = await asyncio.gather(*(desk.receive(inbound("Where is my order?", id="same")) for _ in range(10)))
    await desk.pass_time(4)

    assert len({each.message_id for each in received}) == 1
    assert [each.repeated for each in received].count(False) == 1
    assert (await count(desk, Message), await count(desk, Review)) == (1, 1)


async def test_the_first_messages_of_a_thread_at_once_are_one_conversation_and_one_question(desk: Desk) -> None:
    await asyncio.gather(*(desk.receive(inbound(f"Line {number}", id=f"m{number}")) for number in range(8)))
    await desk.pass_time(30)

    assert (await count(desk, Conversation), await count(desk, Customer)) == (1, 1)
    [card] = desk.open_cards
    assert {said.text for said in card.said} == {f"Line {number}" for number in range(8)}
    assert len(desk.drafter.cases) == 1


async def test_one_customer_in_eight_threads_at_once_is_one_customer(desk: Desk) -> None:
    await asyncio.gather(*(desk.receive(inbound("Hi", thread=f"t{number}", id=f"m{number}")) for number in range(8)))
    await desk.pass_time(30)

    assert (await count(desk, Conversation), await count(desk, Customer)) == (8, 1)
    assert len(desk.open_cards) == 8


async def blocked(db: Database, by: "psycopg.Connection[Any]") -> None:
    """Return when another transaction waits for this one."""
    statement = text("select count(*) from pg_stat_activity where :pid = any(pg_blocking_pids(pid))")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await db.read(lambda tx: tx.run(statement, pid=by.info.backend_pid)[0][0]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_first_message_meets_first_its_customer_and_then_its_thread(postgres_url: str) -> None:
    address, now = postgres_url.replace("+psycopg", ""), MONDAY
    customer = (
        "insert into customer (id, channel, external_id, tier, created_at) values (%s, 'web', %s, 'standard', %s)"
    )
    thread = (
        "insert into conversation (id, customer_id, channel, external_id, status, sequence, answered_sequence,"
        " category, priority, created_at) values ('cnv_other', 'cus_other', 'web', 't1', 'open', 0, 0, 'general',"
        " 'normal', %s)"
    )
    with psycopg.connect(address) as one, psycopg.connect(address) as other:
        async with Database(postgres_url) as db, Desk(db) as desk:
            other.execute(customer, ("cus_other", "other", now))
            other.commit()
            one.execute(customer, ("cus_ada", "ada", now))
            other.execute(thread, (now,))
            receiving = asyncio.create_task(desk.receive(inbound("Where is my order?", id="m1")))
            await blocked(db, one)
            one.commit()
            await blocked(db, other)
            other.commit()

            received = await receiving

    assert received.conversation_id == "cnv_other"


async def test_a_draft_is_kept_after_whoever_is_at_its_conversation_and_stands_in_nobodys_way(
    postgres_url: str,
) -> None:
    async with Database(postgres_url) as db, Desk(db) as desk:
        desk.drafter.gate = asyncio.Event()
        await desk.customer_says("Where is my order?", quiet=False)
        desk.clock.now += timedelta(seconds=4)
        desk.jobs.wake()
        await asyncio.wait_for(desk.drafter.begun.wait(), PATIENCE_SECONDS)

        with psycopg.connect(postgres_url.replace("+psycopg", "")) as writing:  # as a message or a press does
            writing.execute("select 1 from conversation for update")
            desk.drafter.gate.set()
            await blocked(db, writing)
            writing.execute("set local lock_timeout = '50ms'")
            writing.execute("update review set priority = 'high'")
            writing.commit()
        await desk.settle()

        assert len(desk.open_cards) == 1


async def test_whatever_happens_to_posts_every_card_ends_up_posted_once(desk: Desk) -> None:
    desk.cards.failures = [OSError("away"), OSError("away")]
    desk.cards.lost = True
    await desk.customer_says("One", thread="t1")
    await desk.customer_says("Two", thread="t2")
    await desk.pass_time(60)

    posting = table_of(Posting)
    rows = await desk.db.read(lambda tx: list(tx.run(select(posting.c.status, posting.c.ref))))
    assert [row.status for row in rows] == [PostingStatus.POSTED] * 2
    assert {row.ref for row in rows} == set(desk.cards.hanging)
    assert desk.cards.posts == 2
