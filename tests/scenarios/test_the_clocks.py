"""What happens by the clock alone."""

import asyncio
from datetime import timedelta

from sqlalchemy import select

from bot.core.decisions import Answer, Approve, Presser, Redraft
from bot.steps.clocks import SEEN_FOR, clocks, forget_seen
from storage.database import Database, table_of
from storage.tables import Seen
from tests.desk import PEOPLE, Desk

BO = Presser(surface="slack", external_id="U0BO")


async def seen(desk: Desk) -> list[str]:
    return sorted(row.key for row in await desk.db.read(lambda tx: list(tx.run(select(table_of(Seen))))))


async def test_deliveries_are_recognised_for_two_days_and_then_forgotten(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Redraft("shorter"), by="Ana", event="Ev1")
    await desk.pass_time(SEEN_FOR.total_seconds())
    await desk.press(Redraft("friendlier"), by="Ana", event="Ev2")

    await forget_seen(desk.shop)
    assert await seen(desk) == ["slack:Ev1", "slack:Ev2"]
    desk.clock.now += timedelta(seconds=1)
    await forget_seen(desk.shop)

    assert await seen(desk) == ["slack:Ev2"]
    assert (await desk.press(Redraft("friendlier"), by="Ana", event="Ev2")).answer is Answer.REPEATED


async def test_membership_is_read_again_by_the_clock(database: Database) -> None:
    async with Desk(database, slack={"channel": "C0SUPPORT", "agents": ["U0ANA"], "roster_seconds": 1}) as desk:
        desk.cards.people = [person for person in PEOPLE if person.external_id != "U0BO"]
        scheduler = clocks(desk.shop, desk.roster)
        scheduler.start()
        try:
            async with asyncio.timeout(20):
                while await desk.front.may(BO) is not None:  # noqa: ASYNC110  # the clock tells nobody
                    await asyncio.sleep(0.02)
        finally:
            scheduler.shutdown(wait=False)

        await desk.customer_says("Where is my order?")
        assert (await desk.press(Approve(), by="Bo")).answer is Answer.NOT_ALLOWED
        assert (await desk.press(Approve(), by="Ana")).answer is Answer.RECORDED
