"""Jobs: promises to touch the world, and the worker that keeps them.

The port is `Jobs` (promise, cancel, work); `TableJobs` is its engine for one process, on the `job` table. A job says
only "look at row X": its handler looks before it acts, because it may run twice.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import and_, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from storage.database import Database, Tx, table_of
from storage.tables import Job, JobKind, JobStatus

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_JOB: Final = table_of(Job)
_POLL: Final = timedelta(seconds=5)  # a net below the wake-up on commit, for clocks that jump
_CLAIM: Final = 32  # jobs claimed in one statement


class Postpone(Exception):
    """Raised by a handler: not now, and no failure either (a pace, a quiet time). The job keeps its place."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"until {until.isoformat()}")
        self.until = until


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A job in the hands of a handler."""

    id: int
    kind: JobKind
    subject: str
    attempt: int  # 1 the first time
    last: bool  # no further attempt follows a failure of this one


Handler = Callable[[Claimed], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often a kind of job is tried, and how long between: doubling from `first` to `cap`, plus up to a fifth."""

    first: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=5)
    attempts: int = 20

    def wait(self, attempt: int, *, after_seconds: float | None, chance: float) -> timedelta:
        """The pause after failed attempt number `attempt` (from 1). A Retry-After counts, up to the cap.

        With the defaults the pauses are 1, 2, 4 … 256 s, then 5 min each: the twentieth and last attempt comes between
        58 and 71 minutes after the first.
        """
        doubled = self.first * (2 ** min(attempt - 1, 16))
        asked = timedelta(seconds=after_seconds or 0)
        return timedelta(seconds=min(max(doubled, asked), self.cap).total_seconds() * (1 + 0.2 * chance))


@dataclass(frozen=True, kw_only=True)
class Work:
    """What handles a kind of job, how many at once, and how failures are repeated."""

    handle: Handler
    at_once: int = 16
    retry: Retry = field(default_factory=Retry)
    given_up: Callable[[Claimed, str], Awaitable[None]] | None = None  # told after the last failure, with its words


@dataclass(frozen=True, kw_only=True)
class Depth:
    """What waits and what failed, by kind; `oldest_due` is when the most overdue queued job should have run."""

    queued: Mapping[JobKind, int]
    failed: Mapping[JobKind, int]
    oldest_due: datetime | None


class Jobs(Protocol):
    """The port. Every engine passes tests/storage/jobs_contract.py."""

    def promise(self, tx: Tx, kind: JobKind, subject: str, *, at: datetime, lane: str | None = None) -> None:
        """Promise a job in the transaction of its cause. Jobs with a lane run in order, and must be due now.

        A timer (`at` in the future) takes no lane: it would hold up everything behind it.
        """

    def cancel(self, tx: Tx, kind: JobKind, subject: str) -> None:
        """Forget queued jobs of this kind about this row. One that runs goes on: its handler looks first."""

    async def work(self, works: Mapping[JobKind, Work]) -> None:
        """Keep promises until cancelled; jobs under way get `grace` to finish, or are promised again."""

    async def depth(self) -> Depth: ...


class TableJobs:
    """The engine for one process: the `job` table, an in-process worker woken on commit.

    At the start of `work`, jobs left `running` by a process that died are queued again: there is only one process.
    """

    def __init__(self, db: Database, clock: Clock, *, grace: timedelta = timedelta(seconds=10)) -> None:
        self._db, self._clock, self._grace = db, clock, grace
        self._wake = asyncio.Event()
        self._running: dict[int, tuple[JobKind, asyncio.Task[None]]] = {}
        self.done: Counter[JobKind] = Counter()
        self.retried: Counter[JobKind] = Counter()
        self.given_up: Counter[JobKind] = Counter()
        self.working = False

    def promise(self, tx: Tx, kind: JobKind, subject: str, *, at: datetime, lane: str | None = None) -> None:
        now = self._clock()
        if lane is not None and at > now:
            raise ValueError(f"a {kind} timer in lane {lane} would hold up everything behind it")
        tx.run(_PROMISE, kind=kind, subject=subject, lane=lane, run_at=at, created_at=now)
        tx.after_commit(self._wake.set)

    def cancel(self, tx: Tx, kind: JobKind, subject: str) -> None:
        tx.run(_CANCEL, kind=kind, subject=subject)

    def wake(self) -> None:
        """Look again now: for clocks that were moved."""
        self._wake.set()

    async def depth(self) -> Depth:
        return await self._db.read(_depth)

    @property
    def busy(self) -> int:
        """Jobs under way in this process."""
        return len(self._running)

    async def work(self, works: Mapping[JobKind, Work]) -> None:
        await self._db.write(lambda tx: tx.run(_REQUEUE_ALL) and None)
        self.working = True
        try:
            while True:
                self._wake.clear()
                try:
                    wait = await self._round(works)
                except Exception:  # the database is away: keep trying, readiness says so
                    log.exception("jobs could not be claimed")
                    wait = 1.0
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait)
        finally:
            self.working = False
            await self._finish()

    async def _round(self, works: Mapping[JobKind, Work]) -> float:
        """Claim and start what is due; seconds until the next look."""
        while free := self._free(works):
            claimed = await self._claim(free)
            for job in claimed:
                assert job.id is not None
                task = asyncio.create_task(self._run(job, works[job.kind]), name=f"job {job.id} {job.kind}")
                self._running[job.id] = (job.kind, task)
            if not claimed:
                break
        next_at = await self._db.read(lambda tx: tx.run(_NEXT)[0][0])
        now = self._clock()
        until = min(next_at - now, _POLL) if next_at is not None and next_at > now else _POLL
        return max(until.total_seconds(), 0.001)

    def _free(self, works: Mapping[JobKind, Work]) -> list[JobKind]:
        busy = Counter(kind for kind, _ in self._running.values())
        return [kind for kind, work in works.items() if busy[kind] < work.at_once]

    async def _claim(self, kinds: list[JobKind]) -> list[Job]:
        now = self._clock()
        if not await self._db.read(lambda tx: tx.run(_ANY_DUE, kinds=kinds, now=now)):
            return []  # a look costs no write
        return await self._db.write(lambda tx: tx.all(Job, _CLAIM_DUE, kinds=kinds, now=now))

    async def _run(self, job: Job, work: Work) -> None:
        assert job.id is not None
        claimed = Claimed(
            id=job.id,
            kind=job.kind,
            subject=job.subject,
            attempt=job.attempts,
            last=job.attempts >= work.retry.attempts,
        )
        context = {"job": job.id, "kind": str(job.kind), "subject": job.subject, "attempt": job.attempts}
        try:
            await work.handle(claimed)
        except Postpone as postponed:
            await self._requeue(job.id, postponed.until, attempts=job.attempts - 1, error=None)
        except asyncio.CancelledError:
            await asyncio.shield(self._requeue(job.id, self._clock(), attempts=job.attempts - 1, error=None))
            raise
        except Exception as failure:  # noqa: BLE001  # the product's one: what a step raises is retried or shown
            await self._failed(claimed, work, failure, context)
        else:
            await self._db.write(lambda tx: tx.run(_DONE, job_id=claimed.id) and None)
            self.done[job.kind] += 1
            log.info("job done", extra=context)
        finally:
            self._running.pop(job.id, None)
            self._wake.set()

    async def _failed(self, job: Claimed, work: Work, failure: Exception, context: dict[str, object]) -> None:
        words = f"{type(failure).__name__}: {failure}"[:500]
        if job.last:
            self.given_up[job.kind] += 1
            log.error("job given up", extra=context, exc_info=failure)
            await self._db.write(lambda tx: tx.run(_GIVE_UP, job_id=job.id, error=words) and None)
            if work.given_up is not None:
                await work.given_up(job, words)
            return
        self.retried[job.kind] += 1
        log.warning("job will be retried", extra=context, exc_info=failure if job.attempt <= 2 else None)
        after = getattr(failure, "retry_after_seconds", None)
        wait = work.retry.wait(job.attempt, after_seconds=after, chance=random.random())  # jitter, no secret
        await self._requeue(job.id, self._clock() + wait, attempts=job.attempt, error=words)

    async def _requeue(self, job_id: int, at: datetime, *, attempts: int, error: str | None) -> None:
        await self._db.write(
            lambda tx: tx.run(_REQUEUE, job_id=job_id, run_at=at, attempts=attempts, error=error) and None
        )

    async def _finish(self) -> None:
        tasks = [task for _, task in self._running.values()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._grace.total_seconds())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


_earlier = aliased(_JOB)
_open = (JobStatus.QUEUED, JobStatus.RUNNING)
_is_due = and_(
    _JOB.c.status == JobStatus.QUEUED,
    _JOB.c.run_at <= bindparam("now"),
    _JOB.c.kind.in_(bindparam("kinds", expanding=True)),
    or_(
        _JOB.c.lane.is_(None),
        ~exists().where(_earlier.c.lane == _JOB.c.lane, _earlier.c.id < _JOB.c.id, _earlier.c.status.in_(_open)),
    ),
)
_ANY_DUE: Final = select(_JOB.c.id).where(_is_due).limit(1)
_CLAIM_DUE: Final = (
    update(_JOB)
    .where(_JOB.c.id.in_(select(_JOB.c.id).where(_is_due).order_by(_JOB.c.id).limit(_CLAIM)))
    .values(status=JobStatus.RUNNING, attempts=_JOB.c.attempts + 1)
    .returning(*_JOB.c)
)
_NEXT: Final = select(func.min(_JOB.c.run_at)).where(_JOB.c.status == JobStatus.QUEUED)
_PROMISE: Final = insert(_JOB).values(
    kind=bindparam("kind"),
    subject=bindparam("subject"),
    lane=bindparam("lane"),
    run_at=bindparam("run_at"),
    created_at=bindparam("created_at"),
    status=JobStatus.QUEUED,
    attempts=0,
    error=None,
)
_CANCEL: Final = delete(_JOB).where(
    _JOB.c.kind == bindparam("kind"), _JOB.c.subject == bindparam("subject"), _JOB.c.status == JobStatus.QUEUED
)
_DONE: Final = delete(_JOB).where(_JOB.c.id == bindparam("job_id"))
_REQUEUE: Final = (
    update(_JOB)
    .where(_JOB.c.id == bindparam("job_id"))
    .values(
        status=JobStatus.QUEUED, run_at=bindparam("run_at"), attempts=bindparam("attempts"), error=bindparam("error")
    )
)
_REQUEUE_ALL: Final = update(_JOB).where(_JOB.c.status == JobStatus.RUNNING).values(status=JobStatus.QUEUED)
_GIVE_UP: Final = (
    update(_JOB).where(_JOB.c.id == bindparam("job_id")).values(status=JobStatus.FAILED, error=bindparam("error"))
)
_COUNTS: Final = select(_JOB.c.kind, _JOB.c.status, func.count()).group_by(_JOB.c.kind, _JOB.c.status)


def _depth(tx: Tx) -> Depth:
    queued: dict[JobKind, int] = {}
    failed: dict[JobKind, int] = {}
    for kind, status, count in tx.run(_COUNTS):
        counts = failed if status == JobStatus.FAILED else queued
        counts[kind] = counts.get(kind, 0) + count
    return Depth(queued=queued, failed=failed, oldest_due=tx.run(_NEXT)[0][0])
