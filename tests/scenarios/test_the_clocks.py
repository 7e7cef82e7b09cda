"""What happens by the clock alone."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bot.core.decisions import Answer, Approve, Presser, Redraft
from bot.steps.clocks import Clocks, timers
from bot.steps.forgetting import SEEN_FOR, TICKS_FOR
from storage.database import Database, table_of
from storage.tables import Seen, Tick
from tests.desk import PEOPLE, Desk
from tests.patience import PATIENCE_SECONDS

BO = Presser(surface="slack", external_id="U0BO")


async def seen(desk: Desk) -> list[str]:
    return sorted(row.key for row in await desk.db.read(lambda tx: list(tx.run(select(table_of(Seen))))))


async def ticks(desk: Desk, clock: str) -> int:
    rows = await desk.db.read(lambda tx: tx.run(select(table_of(Tick)).where(table_of(Tick).c.clock == clock)))
    return len(rows)


async def test_deliveries_are_recognised_for_two_days_and_then_forgotten(desk: Desk) -> None:
    clocks = Clocks(desk.shop, timers(desk.shop))
    await clocks.look()
    await desk.customer_says("Where is my order?")
    await desk.press(Redraft("shorter"), by="Ana", event="Ev1")
    await desk.pass_time(SEEN_FOR.total_seconds() - 60)
    await desk.press(Redraft("friendlier"), by="Ana", event="Ev2")

    await clocks.look()
    await desk.settle()
    assert await seen(desk) == ["slack:Ev1", "slack:Ev2"]
    desk.clock.now += timedelta(hours=1)
    await clocks.look()
    await desk.settle()

    assert await seen(desk) == ["slack:Ev2"]
    assert (await desk.press(Redraft("friendlier"), by="Ana", event="Ev2")).answer is Answer.REPEATED


async def test_the_ledger_of_ticks_is_kept_for_a_month(desk: Desk) -> None:
    clocks = Clocks(desk.shop, timers(desk.shop))
    await clocks.look()
    desk.clock.now += timedelta(hours=1)
    await clocks.look()
    assert await ticks(desk, "forget") == 2

    desk.clock.now += TICKS_FOR + timedelta(hours=1)
    await Clocks(desk.shop, timers(desk.shop)).look()
    await desk.settle()

    rows = await desk.db.read(lambda tx: tx.run(select(table_of(Tick).c.at)))
    assert min(row.at for row in rows) >= desk.clock.now - TICKS_FOR


async def test_membership_is_read_again_by_the_clock(database: Database) -> None:
    async with Desk(database, slack={"channel": "C0SUPPORT", "agents": ["U0ANA"], "roster_seconds": 1}) as desk:
        desk.clock.now = datetime.now(UTC)  # what the clock keeps is this machine's time
        clocks = Clocks(desk.shop, timers(desk.shop))
        await clocks.start()
        desk.cards.people = [person for person in PEOPLE if person.external_id != "U0BO"]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await desk.front.may(BO) is not None:
                    desk.clock.now = datetime.now(UTC)
                    await asyncio.sleep(0.02)
        finally:
            clocks.stop()

        await desk.customer_says("Where is my order?")
        assert (await desk.press(Approve(), by="Bo")).answer is Answer.NOT_ALLOWED
        assert (await desk.press(Approve(), by="Ana")).answer is Answer.RECORDED
