"""What every job engine keeps, on whatever database: inherit JobsContract and give it `desk`."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from storage.database import Database, Tx
from storage.jobs import Claimed, Jobs, Postpone, Retry, Work
from storage.tables import JobKind
from tests.clock import NOON, Clock
from tests.patience import PATIENCE_SECONDS

DRAFT, SHOW, RELEASE, RELAY = JobKind.DRAFT, JobKind.SHOW, JobKind.RELEASE, JobKind.RELAY
AT_ONCE = Retry(first=timedelta(0), cap=timedelta(0))


async def until(true: Callable[[], bool | Awaitable[bool]], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition, not for a time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = true()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError("it never came true") from None


class Hand:
    """A handler that records, and does what the test wants done for a subject."""

    def __init__(self) -> None:
        self.calls: list[Claimed] = []
        self.finished: list[str] = []
        self.under_way: set[str] = set()
        self.most = 0
        self.does: Callable[[Claimed], Awaitable[None]] | None = None

    async def __call__(self, job: Claimed) -> None:
        self.calls.append(job)
        self.under_way.add(job.subject)
        self.most = max(self.most, len(self.under_way))
        try:
            if self.does is not None:
                await self.does(job)
            self.finished.append(job.subject)
        finally:
            self.under_way.discard(job.subject)

    @property
    def subjects(self) -> list[str]:
        return [job.subject for job in self.calls]

    @property
    def attempts(self) -> list[int]:
        return [job.attempt for job in self.calls]


class Desk:
    """An engine on a database, with a clock in hand."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        engine: Callable[[timedelta], Jobs],
        *,
        busy: Callable[[Jobs], bool],
        look: Callable[[Jobs], None],
    ) -> None:
        """`busy`: whether anything is under way or may be due; `look`: tell the engine that the clock moved."""
        self.db, self.clock, self._engine, self._busy, self._look = db, clock, engine, busy, look
        self.jobs = engine(timedelta(seconds=10))
        self.hand = Hand()

    def works(self, **options: Any) -> dict[JobKind, Work]:
        return {kind: Work(handle=self.hand, **options) for kind in JobKind}

    @asynccontextmanager
    async def at_work(
        self, works: Mapping[JobKind, Work] | None = None, *, grace: float = 10, **options: Any
    ) -> AsyncIterator["asyncio.Task[None]"]:
        """A worker; it is stopped at the end. A new one each time, as after a restart."""
        self.jobs = self._engine(timedelta(seconds=grace))
        worker = asyncio.create_task(self.jobs.work(works or self.works(**options)))
        await asyncio.sleep(0)
        try:
            yield worker
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    async def promise(
        self,
        *subjects: str,
        kind: JobKind = RELAY,
        lane: str | None = None,
        after: float = 0,
    ) -> None:
        def work(tx: Tx) -> None:
            for subject in subjects:
                self.jobs.promise(tx, kind, subject, at=self.clock.now + timedelta(seconds=after), lane=lane)

        await self.db.write(work)

    async def cancel(self, subject: str, kind: JobKind = RELAY) -> None:
        await self.db.write(lambda tx: self.jobs.cancel(tx, kind, subject))

    async def pass_time(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)
        self._look(self.jobs)

    async def nothing_waits(self) -> bool:
        depth = await self.jobs.depth()
        return not depth.queued

    async def nothing_waits_once_back(self) -> bool:
        """Like `nothing_waits`, while the database may be away."""
        try:
            return await self.nothing_waits()
        except OperationalError:
            return False

    async def settled(self) -> None:
        """Until nothing is under way and everything that can run now has run."""
        await until(lambda: not self._busy(self.jobs))


class JobsContract:
    """Tests that take a `desk`."""

    async def test_a_promise_is_kept_once(self, desk: Desk) -> None:
        async with desk.at_work():
            await desk.promise("dlv_1")
            await until(desk.nothing_waits)

        assert [(job.kind, job.subject, job.attempt, job.last) for job in desk.hand.calls] == [
            (RELAY, "dlv_1", 1, False)
        ]

    async def test_a_promise_made_before_the_worker_started_is_kept(self, desk: Desk) -> None:
        await desk.promise("dlv_1")

        async with desk.at_work():
            await until(desk.nothing_waits)

        assert desk.hand.subjects == ["dlv_1"]

    async def test_a_promise_vanishes_with_the_transaction_of_its_cause(self, desk: Desk) -> None:
        def work(tx: Tx) -> None:
            desk.jobs.promise(tx, RELAY, "never", at=desk.clock.now)
            raise LookupError

        async with desk.at_work():
            with pytest.raises(LookupError):
                await desk.db.write(work)
            await desk.settled()

        assert desk.hand.subjects == []

    async def test_a_promise_is_not_kept_before_its_cause_is_committed(self, desk: Desk) -> None:
        seen: list[int] = []

        async def look(job: Claimed) -> None:
            counts = await desk.jobs.depth()
            seen.append(sum(counts.queued.values()))

        desk.hand.does = look
        async with desk.at_work():
            await desk.promise("a", "b", "c")
            await until(desk.nothing_waits)

        assert seen[0] == 3

    async def test_a_commit_wakes_the_worker_without_waiting_for_a_poll(self, desk: Desk) -> None:
        async with desk.at_work():
            await desk.promise("first")
            await until(desk.nothing_waits)
            for number in range(20):  # twenty polls would take more than a minute
                await desk.promise(f"{number}")
                await until(lambda number=number: f"{number}" in desk.hand.finished, seconds=4)  # type: ignore[misc]

    async def test_a_job_may_promise_another(self, desk: Desk) -> None:
        async def go_on(job: Claimed) -> None:
            if job.subject == "first":
                await desk.promise("second", lane="lane")

        desk.hand.does = go_on
        async with desk.at_work():
            await desk.promise("first", lane="lane")
            await until(desk.nothing_waits)

        assert desk.hand.finished == ["first", "second"]

    async def test_a_timer_fires_when_its_time_has_come_and_not_before(self, desk: Desk) -> None:
        async with desk.at_work():
            await desk.promise("timer", after=10)
            await desk.pass_time(9.9)
            await desk.settled()
            assert desk.hand.subjects == []

            await desk.pass_time(0.1)
            await until(desk.nothing_waits)

        assert desk.hand.subjects == ["timer"]

    async def test_a_timer_that_came_due_while_nobody_worked_fires_at_the_start(self, desk: Desk) -> None:
        await desk.promise("timer", after=10)
        await desk.pass_time(3600)

        async with desk.at_work():
            await until(desk.nothing_waits)

        assert desk.hand.subjects == ["timer"]

    async def test_an_earlier_timer_promised_later_fires_first(self, desk: Desk) -> None:
        async with desk.at_work():
            await desk.promise("late", after=100)
            await desk.promise("early", after=10)
            await desk.pass_time(10)
            await until(lambda: desk.hand.finished == ["early"])
            await desk.pass_time(90)
            await until(desk.nothing_waits)

        assert desk.hand.finished == ["early", "late"]

    async def test_a_lane_refuses_timers(self, desk: Desk) -> None:
        with pytest.raises(ValueError, match="hold up everything behind it"):
            await desk.promise("timer", lane="lane", after=1)

    async def test_the_jobs_of_a_lane_run_one_at_a_time_in_the_order_promised(self, desk: Desk) -> None:
        async def pause(job: Claimed) -> None:
            await asyncio.sleep(0)

        desk.hand.does = pause
        await desk.promise(*"abcdefgh", lane="lane")
        async with desk.at_work():
            await desk.promise(*"ijklmnop", lane="lane")
            await until(desk.nothing_waits)

        assert desk.hand.finished == list("abcdefghijklmnop")
        assert desk.hand.most == 1

    async def test_a_lane_orders_jobs_of_different_kinds(self, desk: Desk) -> None:
        await desk.promise("a", kind=SHOW, lane="lane")
        await desk.promise("b", kind=RELAY, lane="lane")
        await desk.promise("c", kind=DRAFT, lane="lane")

        async with desk.at_work():
            await until(desk.nothing_waits)

        assert desk.hand.finished == ["a", "b", "c"]

    async def test_a_lane_that_waits_for_a_retry_holds_only_itself(self, desk: Desk) -> None:
        failures = ["first of x"]

        async def fail_once(job: Claimed) -> None:
            if job.subject in failures:
                failures.remove(job.subject)
                raise ConnectionError

        desk.hand.does = fail_once
        async with desk.at_work():
            await desk.promise("first of x", "second of x", lane="x")
            await until(lambda: desk.hand.subjects == ["first of x"])
            await desk.promise("first of y", "second of y", lane="y")
            await desk.promise("free")
            await until(lambda: set(desk.hand.finished) == {"first of y", "second of y", "free"})

            await desk.pass_time(2)
            await until(desk.nothing_waits)

        assert desk.hand.finished[-2:] == ["first of x", "second of x"]

    async def test_a_timer_fires_on_time_while_jobs_wait_behind_a_blocked_lane(self, desk: Desk) -> None:
        async def fail(job: Claimed) -> None:
            if job.subject == "head":
                raise ConnectionError

        desk.hand.does = fail
        retry = Retry(first=timedelta(hours=1), cap=timedelta(hours=1))
        async with desk.at_work(retry=retry):
            await desk.promise("head", "behind", lane="lane")
            await until(lambda: desk.hand.subjects == ["head"])
            await desk.promise("timer", after=10)
            await desk.pass_time(10)
            await until(lambda: "timer" in desk.hand.finished, seconds=4)

        assert desk.hand.subjects == ["head", "timer"]

    async def test_two_hundred_jobs_keep_their_order_in_twenty_lanes(self, desk: Desk) -> None:
        ran: dict[str, list[str]] = defaultdict(list)
        tripped: set[str] = set()

        async def stumble(job: Claimed) -> None:
            lane, number = job.subject.split()
            await asyncio.sleep(0)
            if int(number) % 4 == 1 and job.subject not in tripped:
                tripped.add(job.subject)
                raise ConnectionError
            ran[lane].append(number)

        desk.hand.does = stumble
        async with desk.at_work(retry=AT_ONCE):
            for number in range(10):
                await asyncio.gather(*(desk.promise(f"lane{lane} {number}", lane=f"lane{lane}") for lane in range(20)))
            await until(desk.nothing_waits)

        assert len(ran) == 20
        assert all(numbers == [str(number) for number in range(10)] for numbers in ran.values())

    async def test_no_more_of_a_kind_run_at_once_than_allowed(self, desk: Desk) -> None:
        door, witness = asyncio.Event(), Hand()

        async def wait(job: Claimed) -> None:
            await door.wait()

        desk.hand.does = wait
        await desk.promise(*(f"{number}" for number in range(40)))
        async with desk.at_work({RELAY: Work(handle=desk.hand, at_once=3), SHOW: Work(handle=witness)}):
            await until(lambda: len(desk.hand.under_way) == 3)
            await desk.promise(*(f"more {number}" for number in range(5)))
            await desk.promise("witness", kind=SHOW)
            await until(lambda: witness.finished == ["witness"])
            door.set()
            await until(desk.nothing_waits)

        assert desk.hand.most == 3
        assert len(desk.hand.finished) == 45

    async def test_how_many_run_at_once_may_change_while_they_do(self, desk: Desk) -> None:
        allowed, doors = 1, {f"{number}": asyncio.Event() for number in range(6)}

        async def wait(job: Claimed) -> None:
            await doors[job.subject].wait()

        desk.hand.does = wait
        await desk.promise(*doors)
        async with desk.at_work({RELAY: Work(handle=desk.hand, at_once=lambda: allowed)}):
            await until(lambda: len(desk.hand.under_way) == 1)
            allowed = 3
            doors[next(iter(desk.hand.under_way))].set()
            await until(lambda: len(desk.hand.under_way) == 3)
            assert desk.hand.most == 3
            for door in doors.values():
                door.set()
            await until(desk.nothing_waits)

        assert sorted(desk.hand.finished) == sorted(doors)

    async def test_a_kind_that_is_busy_starves_no_other(self, desk: Desk) -> None:
        door, other = asyncio.Event(), Hand()

        async def wait(job: Claimed) -> None:
            await door.wait()

        desk.hand.does = wait
        works = {DRAFT: Work(handle=desk.hand, at_once=2), RELAY: Work(handle=other, at_once=2)}
        await desk.promise(*(f"{number}" for number in range(100)), kind=DRAFT)
        async with desk.at_work(works):
            await until(lambda: len(desk.hand.under_way) == 2)
            await desk.promise(*(f"{number}" for number in range(10)), kind=RELAY)
            await until(lambda: len(other.finished) == 10)
            assert desk.hand.finished == []
            door.set()

    async def test_a_kind_nobody_handles_waits_and_holds_up_no_other(self, desk: Desk) -> None:
        async with desk.at_work({RELAY: Work(handle=desk.hand)}):
            await desk.promise("for another release", kind=SHOW)
            await desk.settled()

        assert desk.hand.subjects == []
        assert (await desk.jobs.depth()).queued == {SHOW: 1}

    async def test_a_postponed_job_keeps_its_place_and_its_attempts(self, desk: Desk) -> None:
        async def twice_not_now(job: Claimed) -> None:
            if job.subject == "first" and len(desk.hand.calls) <= 2:
                raise Postpone(desk.clock.now + timedelta(seconds=5))

        desk.hand.does = twice_not_now
        async with desk.at_work():
            await desk.promise("first", "second", lane="lane")
            await until(lambda: desk.hand.subjects == ["first"])
            await desk.settled()
            await desk.pass_time(5)
            await until(lambda: desk.hand.subjects.count("first") == 2)
            await desk.pass_time(5)
            await until(desk.nothing_waits)

        assert [job.attempt for job in desk.hand.calls if job.subject == "first"] == [1, 1, 1]
        assert desk.hand.finished == ["first", "second"]

    def test_a_job_cannot_be_postponed_until_a_time_without_a_zone(self) -> None:
        with pytest.raises(ValueError, match="with a zone"):
            Postpone(datetime(2026, 11, 22))  # noqa: DTZ001  # what is refused

    async def test_one_look_covers_what_was_promised_about_the_same_row_before_it(self, desk: Desk) -> None:
        await desk.promise("a", "a", "b", "a", lane="lane", kind=SHOW)
        await desk.promise("a", lane="lane", kind=RELAY)

        async with desk.at_work({SHOW: Work(handle=desk.hand, merge=True), RELAY: Work(handle=desk.hand)}):
            await until(desk.nothing_waits)

        assert [(job.kind, job.subject) for job in desk.hand.calls] == [(SHOW, "a"), (SHOW, "b"), (RELAY, "a")]

    async def test_a_look_promised_after_another_began_is_taken(self, desk: Desk) -> None:
        door = asyncio.Event()

        async def wait(job: Claimed) -> None:
            await door.wait()

        desk.hand.does = wait
        async with desk.at_work(merge=True):
            await desk.promise("a", lane="lane")
            await until(lambda: "a" in desk.hand.under_way)
            await desk.promise("a", "a", lane="lane")
            door.set()
            await until(desk.nothing_waits)

        assert desk.hand.subjects == ["a", "a"]

    async def test_a_look_for_later_is_not_covered_by_one_now(self, desk: Desk) -> None:
        await desk.promise("a", after=10)
        await desk.promise("a")

        async with desk.at_work(merge=True):
            await until(lambda: desk.hand.subjects == ["a"])
            await desk.settled()
            await desk.pass_time(10)
            await until(desk.nothing_waits)

        assert desk.hand.subjects == ["a", "a"]

    async def test_a_look_that_failed_covers_what_waits_behind_it_when_it_is_repeated(self, desk: Desk) -> None:
        async def fail_once(job: Claimed) -> None:
            if job.attempt == 1:
                raise ConnectionError

        desk.hand.does = fail_once
        async with desk.at_work(merge=True):
            await desk.promise("a", lane="lane")
            await desk.settled()
            await desk.promise("a", "a", lane="lane")
            await desk.pass_time(2)
            await until(desk.nothing_waits)

        assert desk.hand.attempts == [1, 2]

    async def test_without_merging_every_promise_is_kept(self, desk: Desk) -> None:
        await desk.promise("a", "a")

        async with desk.at_work():
            await until(desk.nothing_waits)

        assert desk.hand.subjects == ["a", "a"]

    async def test_failures_are_repeated_by_the_schedule(self, desk: Desk) -> None:
        desk.hand.does = self.fail
        async with desk.at_work():
            await desk.promise("dlv_1")
            await desk.settled()
            for attempt, pause in ((2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0)):
                await desk.pass_time(pause - 0.01)
                await desk.settled()
                assert desk.hand.attempts[-1] == attempt - 1
                await desk.pass_time(pause * 0.2 + 0.01)
                await desk.settled()
                assert desk.hand.attempts[-1] == attempt

    async def fail(self, job: Claimed) -> None:
        raise ConnectionError(f"no answer about {job.subject}")

    async def test_a_remote_that_says_when_is_asked_again_then_within_our_cap(self, desk: Desk) -> None:
        class Busy(Exception):
            retry_after_seconds: float = 30

        async def busy(job: Claimed) -> None:
            if job.attempt <= 2:
                raise Busy

        desk.hand.does = busy
        async with desk.at_work(retry=Retry(cap=timedelta(minutes=1))):
            await desk.promise("dlv_1")
            await desk.settled()
            await desk.pass_time(29.9)
            await desk.settled()
            assert desk.hand.attempts == [1]

            Busy.retry_after_seconds = 3600
            await desk.pass_time(6.2)
            await desk.settled()
            assert desk.hand.attempts == [1, 2]

            await desk.pass_time(72.1)
            await until(desk.nothing_waits)

        assert desk.hand.attempts == [1, 2, 3]

    @pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -5, 1e300, "soon", None])
    async def test_nonsense_about_when_to_ask_again_does_no_harm(self, desk: Desk, nonsense: Any) -> None:
        class Busy(Exception):
            retry_after_seconds = nonsense

        async def busy(job: Claimed) -> None:
            if job.attempt == 1:
                raise Busy

        desk.hand.does = busy
        async with desk.at_work():
            await desk.promise("dlv_1")
            await desk.settled()
            await desk.pass_time(360)
            await until(desk.nothing_waits)

        assert desk.hand.attempts == [1, 2]

    async def test_after_the_last_attempt_a_job_is_given_up_and_stays_visible(self, desk: Desk) -> None:
        desk.hand.does = self.fail
        async with desk.at_work(retry=Retry(first=timedelta(0), cap=timedelta(0), attempts=3)):
            await desk.promise("dlv_1", "behind", lane="lane")
            await until(desk.nothing_waits)

        assert [(job.subject, job.attempt, job.last) for job in desk.hand.calls] == [
            ("dlv_1", 1, False),
            ("dlv_1", 2, False),
            ("dlv_1", 3, True),
            ("behind", 1, False),
            ("behind", 2, False),
            ("behind", 3, True),
        ]
        assert (await desk.jobs.depth()).failed == {RELAY: 2}

    async def test_somebody_is_told_of_a_job_given_up_with_its_words(self, desk: Desk) -> None:
        told: list[tuple[str, str]] = []

        async def tell(job: Claimed, words: str) -> None:
            told.append((job.subject, words))

        desk.hand.does = self.fail
        async with desk.at_work(retry=Retry(attempts=1), given_up=tell):
            await desk.promise("dlv_1")
            await until(desk.nothing_waits)

        assert told == [("dlv_1", "ConnectionError: no answer about dlv_1")]

    async def test_what_nobody_was_told_of_begins_anew_with_the_next_start(self, desk: Desk) -> None:
        desk.hand.does = self.fail
        async with desk.at_work(retry=Retry(attempts=1)):
            await desk.promise("dlv_1")
            await until(desk.nothing_waits)
        desk.hand.does = None

        async with desk.at_work(retry=Retry(attempts=1)):
            await until(lambda: desk.hand.attempts == [1, 1])
            await until(desk.nothing_waits)

        assert (await desk.jobs.depth()).failed == {}

    async def test_what_somebody_was_told_of_stays_given_up(self, desk: Desk) -> None:
        async def tell(job: Claimed, words: str) -> None: ...

        desk.hand.does = self.fail
        for _ in range(2):
            async with desk.at_work(retry=Retry(attempts=1), given_up=tell):
                if not desk.hand.calls:
                    await desk.promise("dlv_1")
                await until(desk.nothing_waits)

        assert (await desk.jobs.depth()).failed == {RELAY: 1}

    async def test_a_job_is_not_given_up_until_somebody_could_be_told(self, desk: Desk) -> None:
        told: list[int] = []

        async def tell(job: Claimed, words: str) -> None:
            told.append(job.attempt)
            if len(told) == 1:
                raise ConnectionError

        desk.hand.does = self.fail
        async with desk.at_work(retry=Retry(attempts=1), given_up=tell):
            await desk.promise("dlv_1")
            await desk.settled()
            assert (await desk.jobs.depth()).failed == {}
            await desk.pass_time(2)
            await until(desk.nothing_waits)

        assert told == [1, 2]
        assert (await desk.jobs.depth()).failed == {RELAY: 1}

    @pytest.mark.parametrize("words", ["\0", "\ud800", "🏔️" * 5000, "{}%s%(x)s"])
    async def test_whatever_a_remote_says_can_be_noted(self, desk: Desk, words: str) -> None:
        async def fail(job: Claimed) -> None:
            raise RuntimeError(words)

        desk.hand.does = fail
        async with desk.at_work(retry=Retry(attempts=1)):
            await desk.promise("dlv_1")
            await until(desk.nothing_waits)

        assert (await desk.jobs.depth()).failed == {RELAY: 1}

    async def test_a_cancelled_job_does_not_run(self, desk: Desk) -> None:
        async with desk.at_work():
            await desk.promise("dlv_1", "dlv_2", after=10)
            await desk.cancel("dlv_1")
            await desk.pass_time(10)
            await until(desk.nothing_waits)

        assert desk.hand.subjects == ["dlv_2"]

    async def test_a_cancellation_that_is_rolled_back_cancels_nothing(self, desk: Desk) -> None:
        await desk.promise("dlv_1")

        def change_of_mind(tx: Tx) -> None:
            desk.jobs.cancel(tx, RELAY, "dlv_1")
            raise LookupError

        with pytest.raises(LookupError):
            await desk.db.write(change_of_mind)

        async with desk.at_work():
            await until(desk.nothing_waits)
        assert desk.hand.subjects == ["dlv_1"]

    async def test_cancelling_the_head_of_a_lane_frees_what_waits_behind_it(self, desk: Desk) -> None:
        async def fail_head(job: Claimed) -> None:
            if job.subject == "head":
                raise ConnectionError

        desk.hand.does = fail_head
        async with desk.at_work(retry=Retry(first=timedelta(hours=1), cap=timedelta(hours=1))):
            await desk.promise("head", "behind", lane="lane")
            await desk.settled()
            assert desk.hand.subjects == ["head"]

            await desk.cancel("head")
            await until(lambda: desk.hand.finished == ["behind"], seconds=4)

    async def test_a_job_given_up_is_forgotten_when_a_person_has_seen_to_it(self, desk: Desk) -> None:
        async def tell(job: Claimed, words: str) -> None: ...

        desk.hand.does = self.fail
        async with desk.at_work(retry=Retry(attempts=1), given_up=tell):
            await desk.promise("dlv_1", "dlv_2")
            await until(desk.nothing_waits)
            await desk.cancel("dlv_1")

        assert (await desk.jobs.depth()).failed == {RELAY: 1}

    async def test_a_running_job_is_not_cancelled(self, desk: Desk) -> None:
        door = asyncio.Event()

        async def wait(job: Claimed) -> None:
            await door.wait()

        desk.hand.does = wait
        async with desk.at_work():
            await desk.promise("dlv_1")
            await until(lambda: "dlv_1" in desk.hand.under_way)
            await desk.cancel("dlv_1")
            door.set()
            await until(desk.nothing_waits)

        assert desk.hand.finished == ["dlv_1"]

    async def test_a_stopping_worker_lets_jobs_under_way_finish(self, desk: Desk) -> None:
        door = asyncio.Event()

        async def wait(job: Claimed) -> None:
            await door.wait()

        desk.hand.does = wait
        async with desk.at_work() as worker:
            await desk.promise("dlv_1")
            await until(lambda: "dlv_1" in desk.hand.under_way)
            worker.cancel()
            await desk.promise("too late for this worker")
            await asyncio.sleep(0)
            door.set()
            with pytest.raises(asyncio.CancelledError):
                await worker

        assert desk.hand.finished == ["dlv_1"]
        assert (await desk.jobs.depth()).queued == {RELAY: 1}

    async def test_what_does_not_finish_in_time_is_promised_again_as_if_never_begun(self, desk: Desk) -> None:
        async def hang(job: Claimed) -> None:
            await asyncio.Event().wait()

        desk.hand.does = hang
        async with desk.at_work(grace=0.01):
            await desk.promise("first", "second", lane="lane")
            await until(lambda: "first" in desk.hand.under_way)
        desk.hand.does = None
        async with desk.at_work():
            await until(desk.nothing_waits)

        assert [(job.subject, job.attempt) for job in desk.hand.calls] == [("first", 1), ("first", 1), ("second", 1)]

    async def test_a_handler_that_will_not_stop_does_not_keep_the_worker_from_stopping(self, desk: Desk) -> None:
        stubborn = asyncio.Event()

        async def refuse_to_stop(job: Claimed) -> None:
            while not stubborn.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await stubborn.wait()

        desk.hand.does = refuse_to_stop
        async with desk.at_work(grace=0.01):
            await desk.promise("dlv_1")
            await until(lambda: "dlv_1" in desk.hand.under_way)
        assert desk.hand.under_way == {"dlv_1"}
        stubborn.set()
        await until(lambda: not desk.hand.under_way)

    async def test_a_worker_that_is_stopped_at_any_moment_forgets_nothing(self, desk: Desk) -> None:
        for number in range(30):
            async with desk.at_work(grace=0.5) as worker:
                await desk.promise(f"{number}", lane=f"{number % 3}")
                for _ in range(number):
                    await asyncio.sleep(0)
                worker.cancel()

        async with desk.at_work():
            await until(desk.nothing_waits)
        assert sorted(set(desk.hand.finished)) == sorted(str(number) for number in range(30))
        assert max(desk.hand.attempts) == 1

    @pytest.mark.parametrize("exit", [asyncio.CancelledError, BaseException], ids=["cancelled", "base"])
    async def test_a_handler_that_ends_oddly_has_failed(self, desk: Desk, exit: type[BaseException]) -> None:
        async def end_oddly(job: Claimed) -> None:
            if job.attempt == 1:
                raise exit

        desk.hand.does = end_oddly
        async with desk.at_work():
            await desk.promise("dlv_1")
            await desk.settled()
            assert desk.hand.attempts == [1]
            await desk.pass_time(2)
            await until(desk.nothing_waits)

        assert desk.hand.attempts == [1, 2]

    async def test_the_depth_says_what_waits_and_since_when(self, desk: Desk) -> None:
        await desk.promise("a", kind=DRAFT)
        await desk.pass_time(30)
        await desk.promise("b", "c")
        await desk.promise("timer", kind=RELEASE, after=60)

        depth = await desk.jobs.depth()

        assert depth.queued == {DRAFT: 1, RELAY: 2, RELEASE: 1}
        assert depth.failed == {}
        assert depth.oldest_due == NOON

    async def test_timers_that_are_not_due_are_not_overdue(self, desk: Desk) -> None:
        await desk.promise("timer", after=60)

        assert (await desk.jobs.depth()).oldest_due is None
