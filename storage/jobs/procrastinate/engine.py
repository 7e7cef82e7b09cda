"""The engine for replicas: procrastinate's tables, locks, heartbeats and functions on PostgreSQL, in our rounds.

See docs/decisions/005. Jobs are deferred by one statement as the last of the transaction that promised them.
"""

import asyncio
import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy.exc import DBAPIError

from storage.database import Database, Tx
from storage.jobs.ends import Again, Done, Ended, GivenUp, Taken, of
from storage.jobs.procrastinate import statements
from storage.jobs.procrastinate.pulse import Pulse, Rhythm
from storage.jobs.rounds import Clock, Rounds
from storage.jobs.words import Depth, Work
from storage.shared.wakes import Wakes, hint
from storage.tables import JobKind

log = logging.getLogger(__name__)

_BUSY: Final = timedelta(seconds=0.5)  # between two looks for what other replicas leave in lanes and for later
_QUIET: Final = timedelta(seconds=5)  # the same when nothing is promised at all
_TOPIC: Final = "jobs"
_TOLD_SECONDS: Final = 0.25  # others are told this long after a promise: by then they only take what has to wait here
_FULL_PLACE: Final = "23505"  # unique_violation: an earlier job of a lane was committed while we took a later one


class _Promise(NamedTuple):
    kind: JobKind
    subject: str
    lane: str | None
    at: datetime


class ProcrastinateJobs(Rounds):
    """An engine of one replica; any number of them share the database."""

    apart = 0.02

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        wakes: Wakes,
        grace: timedelta = timedelta(seconds=10),
        rhythm: Rhythm = Rhythm(),  # noqa: B008  # frozen
    ) -> None:
        super().__init__(db, clock, grace=grace)
        self._promises: WeakKeyDictionary[Tx, list[_Promise]] = WeakKeyDictionary()
        self._pulse = Pulse(db.url, rhythm, look=self.wake)
        self._wakes, self._us = wakes, secrets.token_hex(4)
        self._soon: asyncio.TimerHandle | None = None  # the others are told that we promised something
        self._telling: asyncio.Task[None] | None = None
        wakes.subscribe(_TOPIC, self._heard, missed=self.wake)
        self._open = True  # something is promised, as far as we know

    def promise(self, tx: Tx, kind: JobKind, subject: str, *, at: datetime, lane: str | None = None) -> None:
        """See Jobs.promise."""
        if lane is not None and at > self._clock():
            raise ValueError(f"a {kind} timer in lane {lane} would hold up everything behind it")
        promises = self._promises.get(tx)
        if promises is None:
            promises = self._promises[tx] = []
            tx.before_commit(partial(self._defer, tx, promises))
            if not self.working:
                self._wakes.tell(tx, _TOPIC, self._us)  # nobody here takes it
        promises.append(_Promise(kind, subject, lane, at))
        tx.after_commit(partial(self._promised, at))

    def _defer(self, tx: Tx, promises: list[_Promise]) -> None:
        if not promises:
            return
        kinds, subjects, lanes, ats = (list(column) for column in zip(*promises, strict=True))
        tx.run(statements.DEFER, kinds=kinds, subjects=subjects, lanes=lanes, ats=ats)

    def cancel(self, tx: Tx, kind: JobKind, subject: str) -> None:
        """See Jobs.cancel."""
        promises = self._promises.get(tx)
        if promises:
            promises[:] = [one for one in promises if (one.kind, one.subject) != (kind, subject)]
        cancelled = tx.run(statements.CANCEL, kind=kind, subject=subject)
        tx.run(statements.FORGET_FAILED, kind=kind, subject=subject)
        if any(lane is not None for lane, _ in cancelled):
            tx.after_commit(self._look_now)  # what waited behind it is free

    async def depth(self) -> Depth:
        """See Jobs.depth."""
        return await self._db.read(partial(depth, self._clock()))

    @property
    def busy(self) -> int:
        return super().busy + (self.working and self._pulse.worker is None)

    @property
    def alive(self) -> bool:
        return super().alive and self._pulse.alive(self._pulse.worker)

    @property
    def poll(self) -> timedelta:  # type: ignore[override]  # of what is known right now
        return _BUSY if self._open else _QUIET

    async def work(self, works: Mapping[JobKind, Work]) -> None:
        """See Jobs.work."""
        if self.working:
            raise RuntimeError("this worker is at work already")
        pulse = asyncio.create_task(self._pulse.run(), name="job engine's pulse")
        try:
            await super().work(works)
        finally:
            worker = self._pulse.worker
            self._pulse.stop()
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
            pulse.cancel()
            await asyncio.wait([pulse, *([self._telling] if self._telling else [])], timeout=1)
            if worker is not None:
                await self._leave(worker)

    async def _leave(self, worker: int) -> None:
        """What did not end in time is promised again, as if it had not begun."""

        def leave(tx: Tx) -> None:
            self._put_back(tx, worker, [])
            tx.run(statements.LEAVE, worker=worker)
            self._wakes.tell(tx, _TOPIC, self._us)

        try:
            await asyncio.wait_for(self._db.write_apart(leave), max(self._grace.total_seconds(), 1))
        except Exception:
            log.exception("the others find out by themselves that this replica left")

    def _heard(self, who: str) -> None:
        """Somebody promised jobs. Of our own commits we know."""
        if who != self._us:
            self._open = True
            self._look_now()

    def _promised(self, at: datetime) -> None:
        self._open = True
        super()._promised(at)
        if self.working and self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(_TOLD_SECONDS, self._tell_the_others)

    def _tell_the_others(self) -> None:
        """Not in the transactions that promise: PostgreSQL lets one that notifies commit at a time."""
        self._soon = None
        self._telling = asyncio.create_task(hint(self._db, self._wakes, _TOPIC, self._us), name="jobs told")

    # In the transaction of a round

    def _begin(self, tx: Tx, untold: Collection[JobKind], now: datetime) -> None:
        tx.run(statements.FORGIVE, kinds=list(untold))
        tx.run(statements.REVIVE, kinds=list(untold), now=now)

    def _claim(self, tx: Tx, works: Mapping[JobKind, Work], slots: Mapping[JobKind, int], now: datetime) -> list[Taken]:
        worker = self._pulse.worker
        if not slots or not self._pulse.alive(worker):
            return []
        free = {"kinds": list(slots), "slots": list(slots.values())}
        taken = [Taken(**row._mapping) for row in tx.run(statements.CLAIM, worker=worker, now=now, **free)]
        merging = [one for one in taken if works[JobKind(one.kind)].merge]
        if merging:
            kinds, subjects = [one.kind for one in merging], [one.subject for one in merging]
            tx.run(statements.COVER, kinds=kinds, subjects=subjects, now=now)
        return taken

    def _next_due(self, tx: Tx, works: Mapping[JobKind, Work], now: datetime) -> datetime | None:
        at: datetime | None
        at, self._open = tx.run(statements.NEXT_DUE, kinds=list(works), now=now)[0]
        return at

    def _settle(self, tx: Tx, ended: Sequence[Ended]) -> None:
        """Only what is still ours: the others have what was taken from us."""
        again, given_up = of(Again, ended), of(GivenUp, ended)
        if again or given_up:
            tx.run(
                statements.NOTE,
                **_which([*again, *given_up]),
                attempts=[*(one.attempts for one in again), *(one.job.attempt for one in given_up)],
                errors=[*(one.error for one in again), *(one.error for one in given_up)],
            )
        ends = ((statements.DONE, of(Done, ended)), (statements.FAILED, given_up), (statements.AGAIN, again))
        for statement, those in ends:
            if those:
                tx.run(statement, **_which(those), ats=[getattr(one, "run_at", None) for one in those])

    def _recall(self, tx: Tx, running: Collection[int]) -> None:
        worker = self._pulse.worker
        if worker is not None:
            self._put_back(tx, worker, list(running))

    def _put_back(self, tx: Tx, worker: int, running: list[int]) -> None:
        tx.run(statements.EXCUSE, worker=worker, running=running)
        tx.run(statements.RECALL, worker=worker, running=running)

    def _again_at_once(self, error: Exception) -> bool:
        return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == _FULL_PLACE

    def _still_ours(self, taken: Taken) -> bool:
        return self._pulse.alive(taken.worker)


def depth(now: datetime, tx: Tx) -> Depth:
    """What waits and what failed, for engine and doctor alike. Kinds of another release are not counted."""
    queued: dict[JobKind, int] = {}
    failed: dict[JobKind, int] = {}
    for kind, status, count in tx.run(statements.COUNTS):
        counts = {"todo": queued, "doing": queued, "failed": failed}.get(status)
        if counts is not None and kind in set(JobKind):
            counts[JobKind(kind)] = counts.get(JobKind(kind), 0) + count
    return Depth(queued=queued, failed=failed, oldest_due=tx.run(statements.OLDEST_DUE, now=now)[0][0])


def _which(ended: Sequence[Ended]) -> dict[str, Any]:
    return {"ids": [one.job.id for one in ended], "workers": [one.worker for one in ended]}
