"""The job table's engine keeps the contract on both databases, and what only it can show."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from storage.database import Database, Tx, table_of
from storage.database.switching import elsewhere
from storage.jobs import Claimed, Retry, Work
from storage.jobs.table import TableJobs
from storage.tables import Job, JobStatus
from tests.clock import Clock
from tests.databases import Postgres
from tests.patience import PATIENCE_SECONDS
from tests.processes import started
from tests.storage.jobs_contract import RELAY, Desk, JobsContract, until

JOB = table_of(Job)


def desk_on(database: Database) -> Desk:
    clock = Clock()
    return Desk(
        database,
        clock,
        lambda grace: TableJobs(database, clock, grace=grace),
        busy=lambda jobs: cast(TableJobs, jobs).busy > 0,
        look=lambda jobs: cast(TableJobs, jobs).wake(),
    )


@pytest.fixture
def desk(database: Database) -> Desk:
    return desk_on(database)


class TestTableJobs(JobsContract):
    """On SQLite and on PostgreSQL."""


# Words in Retry.wait's docstring


def pauses(chance: float) -> list[float]:
    retry = Retry()
    waits = [retry.wait(attempt, after_seconds=None, chance=chance) for attempt in range(1, retry.attempts)]
    return [wait.total_seconds() for wait in waits]


def test_the_pauses_are_those_in_the_docstring() -> None:
    assert pauses(0) == [1, 2, 4, 8, 16, 32, 64, 128, 256] + [300] * 10


@pytest.mark.parametrize("chance", [0, 0.5, 1])
def test_the_last_attempt_comes_when_the_docstring_says(chance: float) -> None:
    assert 58 * 60 <= sum(pauses(chance)) <= 71 * 60


@pytest.mark.parametrize("attempt", [1, 20, 1000])
def test_no_pause_is_longer_than_a_fifth_over_the_cap(attempt: int) -> None:
    assert Retry().wait(attempt, after_seconds=1e9, chance=1) == timedelta(minutes=6)


# Crashes

RUN_AND_HANG = """
import asyncio, sys
from datetime import UTC, datetime
from storage.database import Database
from storage.jobs.table import TableJobs
from storage.jobs import Work
from storage.tables import JobKind

async def hang(job):
    print(f"running {job.subject}", flush=True)
    await asyncio.Event().wait()

async def main():
    async with Database(sys.argv[1]) as db:
        await TableJobs(db, lambda: datetime.now(UTC)).work({JobKind.RELAY: Work(handle=hang)})

asyncio.run(main())
"""


async def test_jobs_under_way_in_a_killed_process_are_run_again(database: Database, database_url: str) -> None:
    desk = desk_on(database)
    desk.clock.now = datetime.now(UTC) - timedelta(seconds=1)
    await desk.promise("first", "second", lane="lane")
    await desk.promise("free")
    with started(RUN_AND_HANG, database_url) as child:
        await asyncio.to_thread(child.says, "running free")
        child.kill()

    async with desk.at_work():
        await until(desk.nothing_waits)

    assert sorted(desk.hand.finished) == ["first", "free", "second"]
    assert desk.hand.finished.index("first") < desk.hand.finished.index("second")
    assert {job.subject: job.attempt for job in desk.hand.calls} == {"first": 2, "second": 1, "free": 2}


async def test_a_job_that_crashed_its_process_on_the_last_attempt_gets_one_more(desk: Desk) -> None:
    await desk.promise("dlv_1")
    await desk.db.write(lambda tx: tx.run(update(JOB).values(status=JobStatus.RUNNING, attempts=20)))

    async with desk.at_work():
        await until(desk.nothing_waits)

    assert [(job.attempt, job.last) for job in desk.hand.calls] == [(21, True)]


async def test_a_job_never_has_the_id_of_an_earlier_one(desk: Desk) -> None:
    async with desk.at_work():
        for number in range(5):
            await desk.promise(f"{number}")
            await until(desk.nothing_waits)

    assert len({job.id for job in desk.hand.calls}) == 5


async def test_a_lane_runs_one_at_a_time_though_postgresql_commits_its_jobs_out_of_order(postgres_url: str) -> None:
    entered, leave, door = threading.Event(), threading.Event(), asyncio.Event()

    async def wait(job: Claimed) -> None:
        if job.subject == "committed first":
            await door.wait()

    async with Database(postgres_url) as database:
        desk = desk_on(database)
        desk.hand.does = wait
        async with desk.at_work():

            def promise_slowly(tx: Tx) -> None:
                desk.jobs.promise(tx, RELAY, "promised first", at=desk.clock.now, lane="lane")
                entered.set()
                assert elsewhere(partial(leave.wait, PATIENCE_SECONDS))

            slow = asyncio.ensure_future(database.write(promise_slowly))
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


# The database is away


async def test_a_worker_survives_a_database_that_is_away_and_forgets_no_ending(
    postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("storage.jobs.rounds._AWAY", timedelta(milliseconds=20))
    door = asyncio.Event()

    async def wait(job: Claimed) -> None:
        if job.subject == "under way":
            await door.wait()

    async with Database(postgres_url) as database:
        desk = desk_on(database)
        desk.hand.does = wait
        async with desk.at_work():
            await desk.promise("under way", "behind", lane="lane")
            await until(lambda: "under way" in desk.hand.under_way)

            postgres.shut(postgres_url)
            door.set()
            await until(lambda: "jobs wait for the database" in caplog.text)
            postgres.reopen(postgres_url)
            await until(desk.nothing_waits)

        assert desk.hand.finished == ["under way", "behind"]
        assert sum(record.exc_info is not None and bool(record.exc_info) for record in caplog.records) == 1


async def test_a_worker_started_while_sqlite_is_locked_begins_when_it_is_free(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("storage.jobs.rounds._AWAY", timedelta(milliseconds=20))
    async with Database(sqlite_url) as database:
        desk = desk_on(database)
        await desk.promise("dlv_1")
        await database.write(lambda tx: tx.run(text("pragma busy_timeout = 10")))
        locker = sqlite3.connect(Path(str(database.url.database)), isolation_level=None)
        locker.execute("begin immediate")
        async with desk.at_work():
            await until(lambda: "jobs wait for the database" in caplog.text)
            assert desk.hand.calls == []

            locker.execute("rollback")
            locker.close()
            await until(desk.nothing_waits)

        assert desk.hand.finished == ["dlv_1"]


# Idleness


async def test_an_idle_worker_asks_the_database_nothing(desk: Desk) -> None:
    async with desk.at_work():
        await desk.settled()
        asked = desk.db.asked

        await asyncio.sleep(0.3)  # an absence cannot be awaited

        assert desk.db.asked == asked


async def test_a_worker_whose_jobs_all_wait_asks_the_database_nothing(desk: Desk) -> None:
    """Behind a blocked lane, behind a busy kind, for a timer: none of them is looked for again and again."""
    door = asyncio.Event()

    async def wait(job: Claimed) -> None:
        if job.subject == "failing":
            raise ConnectionError
        await door.wait()

    desk.hand.does = wait
    retry = Retry(first=timedelta(hours=1), cap=timedelta(hours=1))
    async with desk.at_work({RELAY: Work(handle=desk.hand, at_once=2, retry=retry)}):
        await desk.promise("failing", *(f"behind {number}" for number in range(20)), lane="blocked")
        await desk.promise("running", *(f"behind {number}" for number in range(20)), lane="busy")
        await desk.promise(*(f"beyond the limit {number}" for number in range(20)))
        await desk.promise(*(f"timer {number}" for number in range(20)), after=3600)
        await until(lambda: len(desk.hand.under_way) == 2 and cast(TableJobs, desk.jobs).busy == 2)
        asked = desk.db.asked

        await asyncio.sleep(0.3)  # an absence cannot be awaited

        assert desk.db.asked == asked
        door.set()


async def test_a_timer_far_away_that_is_promised_behind_a_nearer_one_wakes_nobody(desk: Desk) -> None:
    async with desk.at_work():
        await desk.promise("near", after=60)
        await desk.settled()
        asked = desk.db.asked

        await desk.promise("far", after=600)
        await desk.settled()

        assert desk.db.asked == asked + 1  # the promise


# What is logged


async def test_one_line_ends_a_job_with_ids_and_without_words(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "storage.jobs.rounds")
    async with desk.at_work():
        await desk.promise("dlv_1")
        await until(desk.nothing_waits)

    [line] = caplog.records
    assert (line.message, line.levelname) == ("job done", "DEBUG")
    assert (line.__dict__["kind"], line.__dict__["subject"], line.__dict__["attempt"]) == ("relay", "dlv_1", 1)


async def test_only_the_first_two_troubles_come_with_a_traceback(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(job: Claimed) -> None:
        raise ConnectionError

    desk.hand.does = fail
    async with desk.at_work(retry=Retry(first=timedelta(0), cap=timedelta(0), attempts=4)):
        await desk.promise("dlv_1")
        await until(desk.nothing_waits)

    lines = [(record.message, record.levelname, bool(record.exc_info)) for record in caplog.records]
    assert lines == [
        ("job will be retried", "WARNING", True),
        ("job will be retried", "WARNING", True),
        ("job will be retried", "WARNING", False),
        ("job given up", "ERROR", True),
    ]


async def test_the_counters_tell_what_became_of_jobs(desk: Desk) -> None:
    async def fail_some(job: Claimed) -> None:
        if job.subject == "never" or (job.subject == "second time" and job.attempt == 1):
            raise ConnectionError

    desk.hand.does = fail_some
    async with desk.at_work(retry=Retry(first=timedelta(0), cap=timedelta(0), attempts=3)):
        jobs = cast(TableJobs, desk.jobs)
        assert jobs.working
        await desk.promise("at once", "second time", "never")
        await until(desk.nothing_waits)
        await desk.settled()

    assert not jobs.working
    assert (jobs.done[RELAY], jobs.retried[RELAY], jobs.given_up[RELAY]) == (2, 3, 1)


async def test_two_workers_on_one_engine_are_refused(desk: Desk) -> None:
    async with desk.at_work():
        with pytest.raises(RuntimeError, match="at work already"):
            await desk.jobs.work({})


async def test_a_claim_whose_commit_was_not_heard_of_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.jobs.rounds._AWAY", timedelta(milliseconds=20))
    lost: list[str] = []
    write = desk.db.write_apart

    async def lose_an_answer(work: Callable[[Tx], Any]) -> Any:
        answer = await write(work)
        if isinstance(answer, tuple) and answer[0] and not lost:
            lost.append(answer[0][0].subject)
            raise OperationalError("commit", None, sqlite3.OperationalError("disk I/O error"))
        return answer

    monkeypatch.setattr(desk.db, "write_apart", lose_an_answer)
    async with desk.at_work():
        await desk.settled()  # what an earlier process left is queued again
        await desk.promise("first", "second", lane="lane")
        await until(desk.nothing_waits)

    assert lost == ["first"]
    assert [(job.subject, job.attempt) for job in desk.hand.calls] == [("first", 1), ("second", 1)]
