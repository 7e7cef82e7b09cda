"""Jobs: promises to touch the world, and the worker that keeps them.

The port is `Jobs` (promise, cancel, work; storage/job_words.py); `TableJobs` is its engine for one process, on the
`job` table. A job says only "look at row X": its handler looks before it acts, because it may run twice.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, assert_never

from sqlalchemy import Executable, Row

from storage import job_statements as statements
from storage.database import Database, Tx
from storage.failpoints import Point, reached
from storage.job_words import Claimed as Claimed
from storage.job_words import Depth as Depth
from storage.job_words import Handler as Handler
from storage.job_words import Jobs as Jobs
from storage.job_words import Postpone as Postpone
from storage.job_words import Retry as Retry
from storage.job_words import Work as Work
from storage.tables import JobKind, JobStatus

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_POLL: Final = timedelta(seconds=5)  # a net below the wake-up on commit: clocks that jump, promises of other programs
_AWAY: Final = timedelta(seconds=1)  # between two looks for a database that is away
_ERROR_CHARS: Final = 500
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class _Done:
    job: Claimed


@dataclass(frozen=True, kw_only=True)
class _Again:
    """Queued once more: after a failure, a postponement, or because the worker stopped."""

    job: Claimed
    run_at: datetime
    attempts: int
    error: str | None
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class _GivenUp:
    job: Claimed
    error: str


_Ended = _Done | _Again | _GivenUp


class TableJobs:
    """The engine for one process: the `job` table, an in-process worker woken on commit.

    A round writes down how jobs ended and claims what is due, in one transaction; while rounds fail, because the
    database is away, nothing is forgotten. At the start of `work`, jobs left `running` by a process that died are
    queued again (there is only one process), and so are given up ones that nobody could be told of.
    """

    def __init__(self, db: Database, clock: Clock, *, grace: timedelta = timedelta(seconds=10)) -> None:
        self._db, self._clock, self._grace = db, clock, grace
        self._wake = asyncio.Event()
        self._look = True  # something may be due now
        self._timer = _UNKNOWN  # nothing else will be due before
        self._running: dict[int, tuple[JobKind, asyncio.Task[None]]] = {}
        self._ended: list[_Ended] = []  # not written down yet
        self._round: asyncio.Task[None] | None = None
        self._recovered = self._stopping = self._away = False
        self.done: Counter[JobKind] = Counter()
        self.retried: Counter[JobKind] = Counter()
        self.given_up: Counter[JobKind] = Counter()
        self.working = False

    def promise(self, tx: Tx, kind: JobKind, subject: str, *, at: datetime, lane: str | None = None) -> None:
        now = self._clock()
        if lane is not None and at > now:
            raise ValueError(f"a {kind} timer in lane {lane} would hold up everything behind it")
        tx.run(statements.PROMISE, kind=kind, subject=subject, lane=lane, run_at=at, created_at=now)
        tx.after_commit(partial(self._promised, at))

    def cancel(self, tx: Tx, kind: JobKind, subject: str) -> None:
        cancelled = tx.run(statements.CANCEL, kind=kind, subject=subject)
        if any(lane is not None for (lane,) in cancelled):
            tx.after_commit(self._look_now)  # what waited behind it is free

    def wake(self) -> None:
        """Look again now: for clocks that were moved."""
        self._timer = _UNKNOWN
        self._look_now()

    async def depth(self) -> Depth:
        return await self._db.read(partial(_depth, self._clock()))

    @property
    def busy(self) -> int:
        """Jobs under way in this process, until their end is written down. 0: nothing is under way, nothing due."""
        open_round = self.working and (self._look or (self._round is not None and not self._round.done()))
        return len(self._running) + len(self._ended) + open_round

    async def work(self, works: Mapping[JobKind, Work]) -> None:
        if self.working:
            raise RuntimeError("this worker is at work already")
        self.working, self._stopping, self._recovered = True, False, False
        self.wake()
        claim, next_due = statements.claim(works), statements.next_due(works)
        try:
            while True:
                self._wake.clear()
                if self._look or self._ended or self._clock() >= self._timer:
                    self._round = asyncio.create_task(self._settle_and_claim(works, claim, next_due))
                    await asyncio.shield(self._round)
                else:
                    await self._rest()
        finally:
            self.working = False
            await self._finish()

    async def _rest(self) -> None:
        """Until woken, or the next timer is due."""
        until = min(self._timer - self._clock(), _POLL)
        try:
            async with asyncio.timeout(max(until.total_seconds(), 0.001)):
                await self._wake.wait()
        except TimeoutError:
            if until == _POLL:
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

    async def _settle_and_claim(self, works: Mapping[JobKind, Work], claim: Executable, next_due: Executable) -> None:
        now = self._clock()
        ended, self._ended = self._ended, []
        self._look, timers = False, now >= self._timer
        if timers:
            self._timer = _NEVER  # what is promised meanwhile lowers it
        busy = Counter(kind for kind, _ in self._running.values())
        slots = {f"slots_{kind}": max(work.at_once - busy[kind], 0) for kind, work in works.items()}

        untold = [kind for kind, work in works.items() if work.given_up is None]

        def settle_and_claim(tx: Tx) -> tuple[Sequence[Row[Any]], datetime | None]:
            if not self._recovered:
                tx.run(statements.REQUEUE_ALL)
                tx.run(statements.REVIVE, kinds=untold, now=now)
            _record(tx, ended)
            return tx.run(claim, now=now, **slots), tx.run(next_due, now=now)[0][0] if timers else None

        try:
            claimed, next_at = await self._db.write(settle_and_claim)
        except BaseException as error:  # the database is away: keep trying, readiness says so
            self._ended = ended + self._ended
            self.wake()
            if not isinstance(error, Exception):
                raise
            await self._wait_for_database()
            return
        self._recovered, self._away = True, False
        if claimed:
            reached(Point.CLAIMED)
        self._count(ended)
        self._timer = min([self._timer, next_at or _NEVER, *(one.run_at for one in ended if isinstance(one, _Again))])
        for row in sorted(claimed, key=lambda row: row.id):
            self._start(row, works[row.kind])

    async def _wait_for_database(self) -> None:
        log.error("jobs wait for the database", exc_info=not self._away)
        self._away = True
        if not self._stopping:
            await asyncio.sleep(_AWAY.total_seconds())

    def _start(self, row: Row[Any], work: Work) -> None:
        last = row.attempts >= work.retry.attempts
        job = Claimed(id=row.id, kind=row.kind, subject=row.subject, attempt=row.attempts, last=last)
        again = _Again(job=job, run_at=row.run_at, attempts=row.attempts - 1, error=row.error)
        if self._stopping:
            self._ended.append(again)
        else:
            task = asyncio.create_task(self._run(job, work, again), name=f"job {job.id} {job.kind}")
            self._running[job.id] = (job.kind, task)

    async def _run(self, job: Claimed, work: Work, again: _Again) -> None:
        ended: _Ended = again  # if we are cancelled, it is as if it had not begun
        try:
            ended = await self._keep(job, work, again)
            reached(Point.HANDLED)
        finally:
            self._running.pop(job.id, None)
            self._ended.append(ended)
            self._wake.set()

    async def _keep(self, job: Claimed, work: Work, again: _Again) -> _Ended:
        task = asyncio.current_task()
        try:
            await work.handle(job)
        except Postpone as postponed:
            return _Again(job=job, run_at=postponed.until, attempts=again.attempts, error=again.error)
        except (GeneratorExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # the product's one: what a step raises is retried or shown
            if isinstance(failure, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            return await self._failed(job, work, failure)
        log.info("job done", extra=_context(job))
        return _Done(job=job)

    async def _failed(self, job: Claimed, work: Work, failure: BaseException) -> _Ended:
        words = _legible(f"{type(failure).__name__}: {failure}")
        after = getattr(failure, "retry_after_seconds", None)
        seconds = float(after) if isinstance(after, int | float) else None
        wait = work.retry.wait(job.attempt, after_seconds=seconds, chance=random.random())  # jitter, no secret
        again = _Again(job=job, run_at=self._clock() + wait, attempts=job.attempt, error=words, failed=True)
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
        return _GivenUp(job=job, error=words)

    def _count(self, ended: Iterable[_Ended]) -> None:
        for one in ended:
            match one:
                case _Done(job=job):
                    self.done[job.kind] += 1
                case _GivenUp(job=job):
                    self.given_up[job.kind] += 1
                case _Again(job=job, failed=failed):
                    self.retried[job.kind] += failed
                case _:
                    assert_never(one)

    async def _finish(self) -> None:
        """Let what is under way end within the grace, cancel the rest, and write down how it ended."""
        self._stopping = True
        grace = self._grace.total_seconds()
        tasks = [task for _, task in self._running.values()]
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
                await asyncio.wait_for(self._db.write(partial(_record, ended=ended)), max(grace, 1))
            except Exception:
                log.exception("jobs under way could not be put back: the next start does it")
            else:
                self._count(ended)


def _record(tx: Tx, ended: Iterable[_Ended]) -> None:
    done: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    given_up: list[dict[str, Any]] = []
    for one in ended:
        match one:
            case _Done(job=job):
                done.append({"job_id": job.id})
            case _Again(job=job):
                again.append({"job_id": job.id, "run_at": one.run_at, "attempts": one.attempts, "error": one.error})
            case _GivenUp(job=job):
                given_up.append({"job_id": job.id, "error": one.error})
            case _:
                assert_never(one)
    for statement, rows in ((statements.DONE, done), (statements.AGAIN, again), (statements.GIVE_UP, given_up)):
        if rows:
            tx.connection.execute(statement, rows)


def _legible(words: str) -> str:
    """What both databases can keep: a remote's words may hold anything."""
    return words[:_ERROR_CHARS].encode("utf-8", "replace").decode().replace("\0", "")


def _context(job: Claimed) -> dict[str, object]:
    return {"job": job.id, "kind": str(job.kind), "subject": job.subject, "attempt": job.attempt}


def _depth(now: datetime, tx: Tx) -> Depth:
    queued: dict[JobKind, int] = {}
    failed: dict[JobKind, int] = {}
    for kind, status, count in tx.run(statements.COUNTS):
        counts = failed if status == JobStatus.FAILED else queued
        counts[kind] = counts.get(kind, 0) + count
    return Depth(queued=queued, failed=failed, oldest_due=tx.run(statements.OLDEST_DUE, now=now)[0][0])
