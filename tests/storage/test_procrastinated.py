"""The engine for replicas keeps the contract on PostgreSQL, and what only replicas can show."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storage.database import Database, Tx
from storage.database.switching import elsewhere
from storage.jobs import Claimed, Lost, Work
from storage.jobs.procrastinate.engine import ProcrastinateJobs
from storage.jobs.procrastinate.pulse import Rhythm
from storage.shared.wakes import SharedWakes, Wakes
from storage.tables import JobKind
from tests.clock import Clock
from tests.databases import Postgres
from tests.patience import PATIENCE_SECONDS
from tests.processes import started
from tests.storage.jobs_contract import RELAY, Desk, JobsContract, until

DOCS = Path(__file__).parents[2] / "docs"
BRISK = Rhythm(beat=timedelta(seconds=0.3), stall=timedelta(seconds=3))
WORKERS = text("select count(*) from procrastinate_workers")


def desk_on(database: Database, wakes: Wakes, *, clock: Clock, rhythm: Rhythm = BRISK) -> Desk:
    return Desk(
        database,
        clock,
        lambda grace: ProcrastinateJobs(database, clock, wakes=wakes, grace=grace, rhythm=rhythm),
        busy=lambda jobs: cast(ProcrastinateJobs, jobs).busy > 0,
        look=lambda jobs: cast(ProcrastinateJobs, jobs).wake(),
    )


@asynccontextmanager
async def replica(url: str, clock: Clock) -> AsyncIterator[Desk]:
    """One with connections of its own, that hears what others promise."""
    async with Database(url) as database:
        told = SharedWakes(database)
        await told.start()
        await asyncio.wait_for(told.connected.wait(), PATIENCE_SECONDS)
        try:
            yield desk_on(database, told, clock=clock)
        finally:
            await told.stop()


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    async with replica(postgres_url, Clock()) as desk:
        yield desk


@asynccontextmanager
async def another(desk: Desk, url: str) -> AsyncIterator[Desk]:
    """A second replica: connections of its own to the same database, the same clock and hand."""
    async with replica(url, desk.clock) as other:
        other.hand = desk.hand
        yield other


class TestProcrastinateJobs(JobsContract):
    """On PostgreSQL."""


# A replica dies, or hangs

RUN_AND_WAIT = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from storage.database import Database
from storage.jobs import Work
from storage.jobs.procrastinate.pulse import Rhythm
from storage.jobs.procrastinate.engine import ProcrastinateJobs
from storage.shared.wakes import wakes
from storage.tables import JobKind

async def wait(job):
    print(f"running {job.subject}", flush=True)
    while job.still_ours() and job.subject != "later":
        await asyncio.sleep(0.02)
    print(f"lost {job.subject}", flush=True)
    job.confirm()

async def main():
    async with Database(sys.argv[1]) as db:
        rhythm = Rhythm(beat=timedelta(seconds=0.3), stall=timedelta(seconds=3))
        jobs = ProcrastinateJobs(db, lambda: datetime.now(UTC), wakes=wakes(db), rhythm=rhythm)
        await jobs.work({JobKind.RELAY: Work(handle=wait)})

asyncio.run(main())
"""


def test_the_work_of_a_silent_replica_is_taken_over_as_soon_as_the_docs_say() -> None:
    rhythm = Rhythm()

    longest = rhythm.stall + rhythm.beat  # it fell silent right after a beat, and who looks has just looked

    assert longest == timedelta(seconds=13) < timedelta(seconds=30)
    decided = next(DOCS.glob("decisions/005-*.md")).read_text(encoding="utf-8")
    assert f"{longest.seconds} s at most" in decided
    assert f"no sign of life for {rhythm.stall.seconds} seconds" in (DOCS / "scaling.md").read_text(encoding="utf-8")


async def test_the_jobs_of_a_killed_replica_are_run_by_another_in_their_order(desk: Desk, postgres_url: str) -> None:
    desk.clock.now = datetime.now(UTC) - timedelta(seconds=1)
    await desk.promise("first", "second", lane="lane")
    await desk.promise("free")
    with started(RUN_AND_WAIT, postgres_url) as child:
        await asyncio.to_thread(child.says, "running free")
        child.kill()

    async with desk.at_work():
        await until(desk.nothing_waits)

    assert desk.hand.finished.index("first") < desk.hand.finished.index("second")
    assert {job.subject: job.attempt for job in desk.hand.calls} == {"first": 2, "second": 1, "free": 2}


async def test_a_replica_that_hung_knows_that_its_jobs_are_done_by_others_and_goes_on(
    desk: Desk, postgres_url: str
) -> None:
    desk.clock.now = datetime.now(UTC) - timedelta(seconds=1)
    await desk.promise("first", "second", lane="lane")
    with started(RUN_AND_WAIT, postgres_url) as child:
        await asyncio.to_thread(child.says, "running first")
        child.hang()
        async with desk.at_work():
            await until(desk.nothing_waits)

        child.go_on()
        await asyncio.to_thread(child.says, "lost first")
        await desk.promise("later")
        await asyncio.to_thread(child.says, "running later")
        await until(desk.nothing_waits)

    assert [(job.subject, job.attempt) for job in desk.hand.calls] == [("first", 2), ("second", 1)]


async def test_what_a_replica_finishes_after_its_job_was_given_to_another_does_not_count(desk: Desk) -> None:
    door = asyncio.Event()

    async def wait(job: Claimed) -> None:
        await door.wait()

    desk.hand.does = wait
    async with desk.at_work():
        await desk.promise("dlv_1")
        await until(lambda: "dlv_1" in desk.hand.under_way)
        given = "update procrastinate_jobs set worker_id = (select worker_id from procrastinate_register_worker_v1())"
        await desk.db.write(lambda tx: tx.run(text(given)))
        door.set()
        await until(lambda: desk.hand.finished == ["dlv_1"])
        await desk.settled()

        assert not await desk.nothing_waits()


async def test_a_replica_whose_event_loop_is_blocked_hangs(desk: Desk) -> None:
    """Another could not tell the difference, so neither may we."""
    answers: list[bool] = []

    async def block(job: Claimed) -> None:
        answers.append(job.still_ours())
        blocked = threading.Event()
        blocked.wait(BRISK.stall.total_seconds())  # blocks on purpose
        answers.append(job.still_ours())

    desk.hand.does = block
    async with desk.at_work():
        await desk.promise("dlv_1")
        await until(desk.nothing_waits)

    assert answers == [True, False]


async def test_a_replica_that_stops_is_gone_at_once_with_nothing_in_its_hands(desk: Desk, postgres_url: str) -> None:
    confirmed: list[bool] = []
    stubborn = asyncio.Event()

    async def hang(job: Claimed) -> None:
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                continue
        confirmed.append(job.still_ours())
        with pytest.raises(Lost, match="another replica"):
            job.confirm()

    desk.hand.does = hang
    async with another(desk, postgres_url) as other:
        async with desk.at_work(grace=0.01):
            await desk.promise("dlv_1", lane="lane")
            await until(lambda: "dlv_1" in desk.hand.under_way)
        assert (await desk.db.read(lambda tx: tx.run(WORKERS)))[0][0] == 0

        stubborn.set()
        await until(lambda: confirmed == [False])
        desk.hand.does = None
        async with other.at_work():
            await until(desk.nothing_waits)

    assert desk.hand.attempts == [1, 1]


# Two at work


async def test_two_replicas_keep_each_promise_once_and_lanes_in_order(desk: Desk, postgres_url: str) -> None:
    async def pause(job: Claimed) -> None:
        await asyncio.sleep(0.001)

    desk.hand.does = pause
    async with another(desk, postgres_url) as other, desk.at_work(), other.at_work():
        for number in range(10):
            await asyncio.gather(
                *(
                    (desk, other)[(lane + number) % 2].promise(f"{lane} {number}", lane=f"lane{lane}")
                    for lane in range(10)
                )
            )
        await until(desk.nothing_waits)

    for lane in range(10):
        assert [subject for subject in desk.hand.finished if subject.startswith(f"{lane} ")] == [
            f"{lane} {number}" for number in range(10)
        ]


async def test_what_a_program_without_a_worker_promises_is_kept(desk: Desk, postgres_url: str) -> None:
    async with another(desk, postgres_url) as other, desk.at_work():
        await desk.settled()
        await other.promise("now")
        await other.promise("timer", after=10)
        await until(lambda: desk.hand.finished == ["now"])
        desk.clock.now += timedelta(seconds=10)  # nobody tells the worker
        await until(desk.nothing_waits)

    assert desk.hand.finished == ["now", "timer"]


async def test_a_lane_runs_one_at_a_time_though_its_jobs_are_committed_out_of_order(desk: Desk) -> None:
    entered, leave, door = threading.Event(), threading.Event(), asyncio.Event()

    async def wait(job: Claimed) -> None:
        if job.subject == "committed first":
            await door.wait()

    def promise_slowly(tx: Tx) -> None:
        desk.jobs.promise(tx, RELAY, "promised first", at=desk.clock.now, lane="lane")
        tx.before_commit(entered.set)
        tx.before_commit(partial(_wait, leave))

    desk.hand.does = wait
    async with desk.at_work():
        slow = asyncio.ensure_future(desk.db.write(promise_slowly))
        assert await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
        await desk.promise("committed first", lane="lane")
        await until(lambda: "committed first" in desk.hand.under_way)
        leave.set()
        await slow
        await desk.promise("witness")
        await until(lambda: "witness" in desk.hand.finished)
        assert desk.hand.under_way == {"committed first"}
        door.set()
        await until(desk.nothing_waits)

    assert desk.hand.finished == ["witness", "committed first", "promised first"]


async def test_a_look_whose_cause_is_committed_after_another_began_is_taken(desk: Desk) -> None:
    entered, leave = threading.Event(), threading.Event()

    def promise_slowly(tx: Tx) -> None:
        desk.jobs.promise(tx, RELAY, "a", at=desk.clock.now, lane="lane")
        tx.before_commit(entered.set)
        tx.before_commit(partial(_wait, leave))

    async with desk.at_work(merge=True):
        slow = asyncio.ensure_future(desk.db.write(promise_slowly))
        assert await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
        await desk.promise("a", "a", lane="lane")
        await until(lambda: desk.hand.finished == ["a"])
        leave.set()
        await slow
        await until(desk.nothing_waits)

    assert desk.hand.finished == ["a", "a"]


def _wait(until_set: threading.Event) -> None:
    assert elsewhere(partial(until_set.wait, PATIENCE_SECONDS))


# Transactions


async def test_all_promises_of_a_transaction_are_one_statement(desk: Desk) -> None:
    asked: list[object] = []

    def work(tx: Tx) -> None:
        for subject in "abcdefgh":
            desk.jobs.promise(tx, RELAY, subject, at=desk.clock.now)
        tx.before_commit(lambda: asked.extend(tx._driver._waiting))  # type: ignore[attr-defined]

    async with desk.at_work():
        await desk.db.write(work)

    assert len(asked) == 2  # BEGIN, and the promises; COMMIT goes with them


async def test_a_promise_cancelled_in_its_own_transaction_is_never_made(desk: Desk) -> None:
    def work(tx: Tx) -> None:
        desk.jobs.promise(tx, RELAY, "old", at=desk.clock.now)
        desk.jobs.cancel(tx, RELAY, "old")
        desk.jobs.promise(tx, RELAY, "new", at=desk.clock.now)

    await desk.db.write(work)

    async with desk.at_work():
        await until(desk.nothing_waits)
    assert desk.hand.subjects == ["new"]


async def test_a_claim_whose_commit_was_not_heard_of_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.jobs.rounds._AWAY", timedelta(milliseconds=20))
    lost: list[str] = []
    write = desk.db.write_apart

    async def lose_an_answer(work: Any) -> Any:
        answer = await write(work)
        if isinstance(answer, tuple) and answer[0] and not lost:
            lost.append(answer[0][0].subject)
            raise OperationalError("commit", None, psycopg.OperationalError("the connection is lost"))
        return answer

    monkeypatch.setattr(desk.db, "write_apart", lose_an_answer)
    async with desk.at_work():
        await desk.promise("first", "second", lane="lane")
        await until(desk.nothing_waits)

    assert lost == ["first"]
    assert [(job.subject, job.attempt) for job in desk.hand.calls] == [("first", 1), ("second", 1)]


# PostgreSQL goes away


async def test_a_replica_survives_a_database_that_is_away_and_forgets_no_ending(
    desk: Desk,
    postgres: Postgres,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("storage.jobs.rounds._AWAY", timedelta(milliseconds=20))
    monkeypatch.setattr("storage.jobs.procrastinate.pulse._AWAY_SECONDS", 0.05)
    door = asyncio.Event()

    async def wait(job: Claimed) -> None:
        if job.subject == "under way":
            await door.wait()

    desk.hand.does = wait
    async with desk.at_work():
        jobs = cast(ProcrastinateJobs, desk.jobs)
        await desk.promise("under way", "behind", lane="lane")
        await until(lambda: "under way" in desk.hand.under_way)
        assert jobs.alive

        postgres.shut(postgres_url)
        door.set()
        await until(lambda: "jobs wait for the database" in caplog.text and not jobs.alive)
        postgres.reopen(postgres_url)
        await until(desk.nothing_waits_once_back)
        await until(lambda: "job engine without its connection" in caplog.text)  # at its next beat
        await until(lambda: jobs.alive)

    assert desk.hand.finished == ["under way", "behind"]


async def test_a_replica_stops_while_the_database_is_away(
    desk: Desk, postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk.at_work(grace=0.05):
        await desk.promise("dlv_1")
        await until(desk.nothing_waits)
        postgres.shut(postgres_url)
        await until(lambda: "job engine without its connection" in caplog.text)

    postgres.reopen(postgres_url)
    assert not cast(ProcrastinateJobs, desk.jobs).working


@pytest.fixture
def only_by_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks for what others promised but when told."""
    for poll in ("_BUSY", "_QUIET"):
        monkeypatch.setattr(f"storage.jobs.procrastinate.engine.{poll}", timedelta(hours=1))


@pytest.mark.usefixtures("only_by_word")
async def test_what_a_replica_has_no_place_for_is_taken_by_one_that_was_told(desk: Desk, postgres_url: str) -> None:
    enough = asyncio.Event()

    async def busy(job: Claimed) -> None:
        if job.subject == "first":
            await enough.wait()

    desk.hand.does = busy
    async with another(desk, postgres_url) as other, other.at_work(), desk.at_work(at_once=1):
        await desk.promise("first")
        await until(lambda: desk.hand.under_way == {"first"})
        await desk.promise("second")
        await until(lambda: desk.hand.finished == ["second"])
        enough.set()
        await until(desk.nothing_waits)


@pytest.mark.usefixtures("only_by_word")
async def test_a_program_that_takes_no_jobs_tells_those_that_do(desk: Desk, postgres_url: str) -> None:
    async with another(desk, postgres_url) as command, desk.at_work():
        await desk.settled()
        await command.promise("dlv_1")
        await until(desk.nothing_waits)

    assert desk.hand.finished == ["dlv_1"]


@pytest.mark.usefixtures("only_by_word")
async def test_promises_of_others_are_found_after_the_listening_connection_was_lost(
    desk: Desk, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    listener = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'signoff wakes'"
    mine = " and datname = current_database()"
    async with another(desk, postgres_url) as other, desk.at_work():
        await desk.settled()
        await other.db.write(lambda tx: tx.run(text(listener + mine)))
        await until(lambda: "other replicas are not heard" in caplog.text)

        await other.promise("dlv_1")
        await until(desk.nothing_waits)

    assert desk.hand.finished == ["dlv_1"]


# Idleness


async def test_a_replica_with_nothing_to_do_asks_the_database_nothing_between_beats(desk: Desk) -> None:
    async with desk.at_work():
        await desk.promise("dlv_1")
        await until(desk.nothing_waits)
        await desk.settled()
        jobs = cast(ProcrastinateJobs, desk.jobs)
        jobs.wake()
        await desk.settled()

        assert jobs.poll > timedelta(seconds=1)


async def test_two_workers_on_one_engine_are_refused(desk: Desk) -> None:
    async with desk.at_work():
        with pytest.raises(RuntimeError, match="at work already"):
            await desk.jobs.work({JobKind.RELAY: Work(handle=desk.hand)})
