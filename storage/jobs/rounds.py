"""The worker every engine has: rounds that write down how jobs ended and claim what is due, in one transaction."""

import asyncio
import logging
import math
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, assert_never

from storage.database import Database, Tx
from storage.failpoints import Point, reached
from storage.jobs.ends import Again, Done, Ended, GivenUp, Taken, pause_after, words_of
from storage.jobs.words import Claimed, Depth, Postpone, Work
from storage.tables import JobKind

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_AWAY: Final = timedelta(seconds=1)  # between two looks for a database that is away
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)


class Rounds(ABC):
    """A worker woken on commit; how jobs are kept is its engine's.

    While rounds fail, because the database is away, nothing is forgotten.
    """

    poll = timedelta(seconds=5)  # a net below the wake-up on commit: clocks that jump, promises of other programs
    apart = 0.0  # seconds from one round to the next while jobs are under way, so that it finds more to do

    def __init__(self, db: Database, clock: Clock, *, grace: timedelta = timedelta(seconds=10)) -> None:
        self._db, self._clock, self._grace = db, clock, grace
        self._wake = asyncio.Event()
        self._look = True  # something may be due now
        self._timer = _UNKNOWN  # nothing else will be due before
        self._running: dict[asyncio.Task[None], Taken] = {}
        self._ended: list[Ended] = []  # not written down yet
        self._round: asyncio.Task[None] | None = None
        self._last_round = -math.inf
        self._begun = self._stopping = self._away = self._doubtful = False
        self.done: Counter[JobKind] = Counter()
        self.retried: Counter[JobKind] = Counter()
        self.given_up: Counter[JobKind] = Counter()
        self.working = False

    # What an engine does, each in a transaction of a round

    @abstractmethod
    def _begin(self, tx: Tx, untold: Collection[JobKind], now: datetime) -> None:
        """At the start of `work`. Jobs of the kinds `untold` that were given up begin anew."""

    @abstractmethod
    def _settle(self, tx: Tx, ended: Sequence[Ended]) -> None:
        """Write down how jobs ended."""

    @abstractmethod
    def _claim(self, tx: Tx, works: Mapping[JobKind, Work], slots: Mapping[JobKind, int], now: datetime) -> list[Taken]:
        """Take what is due, of each kind so many, and remove what those that merge cover."""

    @abstractmethod
    def _next_due(self, tx: Tx, works: Mapping[JobKind, Work], now: datetime) -> datetime | None:
        """When the first of the jobs that are not due yet will be."""

    @abstractmethod
    async def depth(self) -> Depth: ...

    @abstractmethod
    def _recall(self, tx: Tx, running: Collection[int]) -> None:
        """After a round that failed: queue what it may have claimed nevertheless, its commit unheard of."""

    def _again_at_once(self, error: Exception) -> bool:
        """Whether a round that failed so is simply made again."""
        return False

    def _still_ours(self, taken: Taken) -> bool:
        """See Claimed.still_ours."""
        return True

    # The rounds

    def wake(self) -> None:
        """Look again now: for clocks that were moved."""
        self._timer = _UNKNOWN
        self._look_now()

    @property
    def busy(self) -> int:
        """Jobs under way in this process, until their end is written down. 0: nothing is under way, nothing due."""
        open_round = self.working and (self._look or (self._round is not None and not self._round.done()))
        return len(self._running) + len(self._ended) + open_round

    @property
    def alive(self) -> bool:
        """Whether jobs are being taken: the database answers, and with replicas, none takes this one for dead."""
        return not self._away

    async def work(self, works: Mapping[JobKind, Work]) -> None:
        """See Jobs.work."""
        if self.working:
            raise RuntimeError("this worker is at work already")
        self.working, self._stopping, self._begun = True, False, False
        self.wake()
        try:
            while True:
                self._wake.clear()
                if self._look or self._ended or self._clock() >= self._timer:
                    if self._running and (early := self._last_round + self.apart - time.monotonic()) > 0:
                        await asyncio.sleep(early)
                    self._last_round = time.monotonic()
                    self._round = asyncio.create_task(self._settle_and_claim(works))
                    await asyncio.shield(self._round)
                else:
                    await self._rest()
        finally:
            self.working = False
            await self._finish()

    async def _rest(self) -> None:
        """Until woken, or the next timer is due."""
        until = min(self._timer - self._clock(), self.poll)
        try:
            async with asyncio.timeout(max(until.total_seconds(), 0.001)):
                await self._wake.wait()
        except TimeoutError:
            if until == self.poll:
                self.wake()

    def _promised(self, at: datetime) -> None:
        if at <= self._clock():
            self._look_now()
        elif at < self._timer:
            self._timer = at
            self._wake.set()

    def _look_now(self) -> None:
        self._look = True
        self._wake.set()

    async def _settle_and_claim(self, works: Mapping[JobKind, Work]) -> None:
        now = self._clock()
        ended, self._ended = self._ended, []
        self._look, timers = False, now >= self._timer
        if timers:
            self._timer = _NEVER  # what is promised meanwhile lowers it
        busy = Counter(taken.kind for taken in self._running.values())
        most = {kind: work.at_once() if callable(work.at_once) else work.at_once for kind, work in works.items()}
        slots = {kind: allowed - busy[kind] for kind, allowed in most.items() if allowed > busy[kind]}
        running = [taken.id for taken in self._running.values()]

        def settle_and_claim(tx: Tx) -> tuple[list[Taken], datetime | None]:
            if not self._begun:
                self._begin(tx, [kind for kind, work in works.items() if work.given_up is None], now)
            self._settle(tx, ended)
            if self._doubtful:
                self._recall(tx, running)
            return self._claim(tx, works, slots, now), self._next_due(tx, works, now) if timers else None

        try:
            claimed, next_at = await self._db.write_apart(settle_and_claim)
        except BaseException as error:  # the database is away: keep trying, readiness says so
            self._ended, self._doubtful = ended + self._ended, True
            self.wake()
            if not isinstance(error, Exception):
                raise
            if not self._again_at_once(error):
                await self._wait_for_database()
            return
        self._begun, self._away, self._doubtful = True, False, False
        if claimed:
            reached(Point.CLAIMED)
        self._count(ended)
        self._timer = min([self._timer, next_at or _NEVER, *(one.run_at for one in ended if isinstance(one, Again))])
        for taken in sorted(claimed, key=lambda taken: taken.id):
            self._start(taken, works[JobKind(taken.kind)])

    async def _wait_for_database(self) -> None:
        log.error("jobs wait for the database", exc_info=not self._away)
        self._away = True
        if not self._stopping:
            await asyncio.sleep(_AWAY.total_seconds())

    def _start(self, taken: Taken, work: Work) -> None:
        job = Claimed(
            id=taken.id,
            kind=JobKind(taken.kind),
            subject=taken.subject,
            attempt=taken.attempts,
            last=taken.attempts >= work.retry.attempts,
            still_ours=partial(self._still_ours, taken),
        )
        again = Again(job=job, worker=taken.worker, run_at=taken.run_at, attempts=taken.attempts - 1, error=taken.error)
        if self._stopping:
            self._ended.append(again)
        else:
            task = asyncio.create_task(self._run(job, work, again), name=f"job {job.id} {job.kind}")
            self._running[task] = taken

    async def _run(self, job: Claimed, work: Work, again: Again) -> None:
        ended: Ended = again  # if we are cancelled, it is as if it had not begun
        task = asyncio.current_task()
        try:
            ended = await self._keep(job, work, again)
            reached(Point.HANDLED)
        finally:
            if task is not None:
                self._running.pop(task, None)
            self._ended.append(ended)
            self._wake.set()

    async def _keep(self, job: Claimed, work: Work, again: Again) -> Ended:
        task = asyncio.current_task()
        try:
            await work.handle(job)
        except Postpone as postponed:
            return replace(again, run_at=postponed.until)
        except (GeneratorExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # the product's one: what a step raises is retried or shown
            if isinstance(failure, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            return await self._failed(job, work, failure, again)
        log.debug("job done", extra=_context(job))
        return Done(job=job, worker=again.worker)

    async def _failed(self, job: Claimed, work: Work, failure: BaseException, before: Again) -> Ended:
        words = words_of(failure)
        at = self._clock() + pause_after(failure, job.attempt, work.retry)
        again = replace(before, run_at=at, attempts=job.attempt, error=words, failed=True)
        if not job.last:
            log.warning("job will be retried", extra=_context(job), exc_info=failure if job.attempt <= 2 else None)
            return again
        log.error("job given up", extra=_context(job), exc_info=failure)
        if work.given_up is not None:
            try:
                await work.given_up(job, words)
            except Exception:
                log.exception("nobody could be told of a job given up: it is tried once more", extra=_context(job))
                return again
        return GivenUp(job=job, worker=before.worker, error=words)

    def _count(self, ended: Iterable[Ended]) -> None:
        for one in ended:
            match one:
                case Done(job=job):
                    self.done[job.kind] += 1
                case GivenUp(job=job):
                    self.given_up[job.kind] += 1
                case Again(job=job, failed=failed):
                    self.retried[job.kind] += failed
                case _:
                    assert_never(one)

    async def _finish(self) -> None:
        """Let what is under way end within the grace, cancel the rest, and write down how it ended."""
        self._stopping = True
        grace = self._grace.total_seconds()
        tasks = list(self._running)
        if self._round is not None:
            tasks.append(self._round)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=max(grace, 1))
        if self._ended:
            ended, self._ended = self._ended, []
            try:
                await asyncio.wait_for(self._db.write_apart(partial(self._settle, ended=ended)), max(grace, 1))
            except Exception:
                log.exception("jobs under way could not be put back: the next start does it")
            else:
                self._count(ended)


def _context(job: Claimed) -> dict[str, object]:
    return {"job": job.id, "kind": str(job.kind), "subject": job.subject, "attempt": job.attempt}
