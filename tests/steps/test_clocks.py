"""A tick is made once: over restarts, by several replicas, when one dies in the middle, when clocks jump."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from sqlalchemy import select

from bot.core.policy import Policy
from bot.core.ticks import ACCOUNTED_MOST, CatchUp, Every
from bot.steps.clocks import LATENESS, TICKS, Clocks, Timer
from bot.steps.workshop import Workshop
from storage import ids
from storage.database import Database, Tx, table_of
from storage.jobs.table import TableJobs
from storage.tables import Seen, Tick
from tests.clock import NOON, Clock
from tests.databases import Postgres
from tests.desk import POLICY
from tests.patience import PATIENCE_SECONDS
from tests.processes import started

HOUR = timedelta(hours=1)


def promised(tx: Tx, tick: datetime) -> None:
    """What a tick's job would be: a row of its own in the tick's transaction."""
    tx.add(Seen(key=ids.new("made"), at=tick))


class Replica:
    """The clocks of one process on this database; `digest` is due every hour."""

    def __init__(self, db: Database, clock: Clock, catch_up: CatchUp = CatchUp.ALL) -> None:
        shop = Workshop(
            db=db, jobs=TableJobs(db, clock), policy=Policy.model_validate(POLICY), clock=clock, surfaces=()
        )
        timer = Timer(name="digest", beat=Every(HOUR), catch_up=catch_up, promise=promised)
        self.clocks, self.db, self.clock = Clocks(shop, [timer]), db, clock

    async def looks_at(self, hours: float) -> None:
        self.clock.now = NOON + timedelta(hours=hours)
        await self.clocks.look()


async def made(db: Database) -> list[int]:
    """Hours from noon whose jobs were promised, once for every promise."""
    rows = await db.read(lambda tx: tx.run(select(table_of(Seen).c.at).order_by(table_of(Seen).c.at)))
    return [(row.at - NOON) // HOUR for row in rows]


async def accounted(db: Database) -> list[tuple[int, str]]:
    tick = table_of(Tick)
    rows = await db.read(lambda tx: tx.run(select(tick.c.at, tick.c.status).order_by(tick.c.at)))
    return [((row.at - NOON) // HOUR, str(row.status)) for row in rows]


async def test_a_first_start_makes_nothing_of_the_past_and_then_each_hour_once(database: Database) -> None:
    replica = Replica(database, Clock())

    for hours in (0.1, 0.5, 1, 1.001, 1.5, 2.01):
        await replica.looks_at(hours)

    assert await made(database) == [1, 2]
    assert await accounted(database) == [(0, "skipped"), (1, "made"), (2, "made")]


@pytest.mark.parametrize(
    ("catch_up", "down", "jobs", "ledger"),
    [
        (CatchUp.ALL, 0, [], []),
        (CatchUp.ALL, 1, [1], [(1, "caught_up")]),
        (CatchUp.ALL, 5, [1, 2, 3, 4, 5], [(n, "caught_up") for n in range(1, 6)]),
        (CatchUp.NEWEST, 0, [], []),
        (CatchUp.NEWEST, 1, [1], [(1, "caught_up")]),
        (CatchUp.NEWEST, 5, [5], [*((n, "skipped") for n in range(1, 5)), (5, "caught_up")]),
        (CatchUp.NONE, 0, [], []),
        (CatchUp.NONE, 1, [], [(1, "skipped")]),
        (CatchUp.NONE, 5, [], [(n, "skipped") for n in range(1, 6)]),
    ],
)
async def test_what_was_missed_while_all_were_down(
    database: Database, catch_up: CatchUp, down: int, jobs: list[int], ledger: list[tuple[int, str]]
) -> None:
    await Replica(database, Clock(), catch_up).looks_at(0.1)

    for _ in range(2):  # and once more: nothing is caught up twice
        await Replica(database, Clock(), catch_up).looks_at(down + 0.5)

    assert await made(database) == jobs
    assert (await accounted(database))[1:] == ledger


async def test_a_restart_in_the_minute_of_a_tick_makes_it_once(database: Database) -> None:
    await Replica(database, Clock()).looks_at(0.1)

    for second in range(5):
        await Replica(database, Clock()).looks_at(1 + second / 3600)

    assert await made(database) == [1]


async def test_a_clock_that_jumps_back_makes_no_tick_twice(database: Database) -> None:
    replica = Replica(database, Clock())
    await replica.looks_at(0.1)
    await replica.looks_at(3)

    for hours in (1, 2.5, 3.01):
        await replica.looks_at(hours)
        await Replica(database, Clock()).looks_at(hours)

    assert await made(database) == [1, 2, 3]


async def test_a_clock_that_jumps_ahead_for_a_while_costs_no_later_tick_but_those_it_made(database: Database) -> None:
    replica = Replica(database, Clock(), CatchUp.NEWEST)
    await replica.looks_at(0.1)
    await replica.looks_at(100_000.5)
    assert await made(database) == [100_000]

    for hours in (1, 2, 99_998, 99_999, 100_000, 100_001):
        await replica.looks_at(hours)

    assert await made(database) == [1, 2, 99_998, 99_999, 100_000, 100_001]


async def test_an_absence_of_years_ends_with_one_tick_and_a_bounded_account(database: Database) -> None:
    await Replica(database, Clock(), CatchUp.NEWEST).looks_at(0.1)

    await Replica(database, Clock(), CatchUp.NEWEST).looks_at(50_000)

    assert await made(database) == [50_000]
    assert len(await accounted(database)) == 1 + ACCOUNTED_MOST


async def test_operators_see_what_was_made_caught_up_and_skipped_and_how_late(database: Database) -> None:
    def counted(status: str) -> float:
        return TICKS.labels(clock="digest", status=status)._value.get()

    before = {status: counted(status) for status in ("made", "caught_up", "skipped")}
    replica = Replica(database, Clock(), CatchUp.NEWEST)
    await replica.looks_at(0)
    await replica.looks_at(1 + 3 / 3600)
    assert LATENESS.labels(clock="digest")._value.get() == 3

    await replica.looks_at(4.5)

    assert {status: counted(status) - before[status] for status in before} == {"made": 1, "caught_up": 1, "skipped": 3}
    assert LATENESS.labels(clock="digest")._value.get() == 1800


async def test_a_tick_of_a_minute_in_which_the_database_was_away_is_made_after_it(
    postgres: Postgres, postgres_url: str
) -> None:
    async with Database(postgres_url) as db:
        replica = Replica(db, Clock())
        await replica.looks_at(0.1)
        postgres.shut(postgres_url)
        await replica.looks_at(1)
        postgres.reopen(postgres_url)

        await replica.looks_at(1.005)

        assert await made(db) == [1]


async def test_of_several_replicas_at_the_same_moment_one_makes_the_tick(postgres_url: str) -> None:
    async with AsyncExitStack() as opened:
        replicas = [Replica(await opened.enter_async_context(Database(postgres_url)), Clock()) for _ in range(4)]
        await replicas[0].looks_at(0.1)

        for hour in range(1, 31):
            await asyncio.gather(*(replica.looks_at(hour) for replica in replicas))
        await asyncio.gather(*(replica.looks_at(40.5) for replica in replicas))

        assert await made(replicas[0].db) == list(range(1, 41))


CHILD = """
import asyncio, sys, time
from storage.database import Database
from tests.clock import Clock
from tests.steps.test_clocks import Replica, promised
import tests.steps.test_clocks as test_clocks

def hang(tx, tick):
    promised(tx, tick)
    print("in the middle", flush=True)
    time.sleep(600)

async def main(url, moment):
    if moment == "before the commit":
        test_clocks.promised = hang
    async with Database(url) as db:
        await Replica(db, Clock()).looks_at(1)
        print("committed", flush=True)
        time.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_tick_whose_maker_is_killed_before_its_commit_is_made_by_another(database_url: str) -> None:
    async with Database(database_url) as db:
        survivor = Replica(db, Clock())
        await survivor.looks_at(0.1)
        with started(CHILD, database_url, "before the commit") as child:
            await asyncio.to_thread(child.says, "in the middle")
            looking = asyncio.ensure_future(survivor.looks_at(1)) if not db.sqlite else None
            await asyncio.to_thread(child.kill)
        await (looking or survivor.looks_at(1))

        assert await made(db) == [1]
        assert await accounted(db) == [(0, "skipped"), (1, "made")]


async def test_a_tick_whose_maker_is_killed_right_after_its_commit_is_not_made_again(database_url: str) -> None:
    async with Database(database_url) as db:
        survivor = Replica(db, Clock())
        await survivor.looks_at(0.1)
        with started(CHILD, database_url, "after the commit") as child:
            await asyncio.to_thread(child.says, "committed")
            await asyncio.to_thread(child.kill)

        await survivor.looks_at(1)

        assert await made(db) == [1]


async def test_the_scheduler_makes_ticks_by_itself(database: Database) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    jobs = TableJobs(database, now)
    shop = Workshop(db=database, jobs=jobs, policy=Policy.model_validate(POLICY), clock=now, surfaces=())
    second = Every(timedelta(seconds=1))
    clocks = Clocks(shop, [Timer(name="digest", beat=second, catch_up=CatchUp.ALL, promise=promised)])

    await clocks.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(await made(database)) < 2:  # noqa: ASYNC110  # the clock tells nobody
                await asyncio.sleep(0.05)
    finally:
        clocks.stop()

    ticks = await database.read(lambda tx: tx.run(select(table_of(Seen).c.at)))
    assert len({row.at for row in ticks}) == len(ticks)
    assert all(row.at.microsecond == 0 for row in ticks)


async def test_ticks_go_on_when_the_machines_clock_was_set_back_by_an_hour(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler waits by that clock, the bot's own time goes on."""
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Stopped)
    jobs = TableJobs(database, lambda: datetime.now(UTC))
    shop = Workshop(
        db=database, jobs=jobs, policy=Policy.model_validate(POLICY), clock=lambda: datetime.now(UTC), surfaces=()
    )
    second = Timer(name="digest", beat=Every(timedelta(seconds=1)), catch_up=CatchUp.ALL, promise=promised)
    clocks = Clocks(shop, [second], look_seconds=0.05)

    await clocks.start()
    try:
        Stopped.back = timedelta(hours=1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(await made(database)) < 3:  # noqa: ASYNC110  # the clock tells nobody
                await asyncio.sleep(0.05)
    finally:
        clocks.stop()
        Stopped.back = timedelta(0)


class Stopped(datetime):
    """The machine's clock, as APScheduler reads it."""

    back = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Stopped":
        found = datetime.now(tz) - cls.back
        return cls.fromtimestamp(found.timestamp(), tz)
