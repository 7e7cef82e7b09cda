"""The engine for one process: the `job` table on SQLite.

Where replicas share a PostgreSQL it is storage/jobs/procrastinate. The port is `Jobs` (storage/jobs/words.py).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from storage.database import Tx
from storage.jobs import table_statements as statements
from storage.jobs.ends import Again, Done, Ended, GivenUp, Taken, of
from storage.jobs.rounds import Clock as Clock
from storage.jobs.rounds import Rounds as Rounds
from storage.jobs.words import Claimed as Claimed
from storage.jobs.words import Depth as Depth
from storage.jobs.words import Handler as Handler
from storage.jobs.words import Jobs as Jobs
from storage.jobs.words import Lost as Lost
from storage.jobs.words import Postpone as Postpone
from storage.jobs.words import Retry as Retry
from storage.jobs.words import Work as Work
from storage.tables import JobKind, JobStatus


class TableJobs(Rounds):
    """The engine for one process: the `job` table.

    At the start of `work`, jobs left `running` by a process that died are queued again (there is only one process), and
    so are given up ones that nobody could be told of.
    """

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

    async def depth(self) -> Depth:
        return await self._db.read(partial(_depth, self._clock()))

    def _begin(self, tx: Tx, untold: Collection[JobKind], now: datetime) -> None:
        tx.run(statements.REQUEUE_ALL)
        tx.run(statements.REVIVE, kinds=list(untold), now=now)

    def _recall(self, tx: Tx, running: Collection[int]) -> None:
        tx.run(statements.RECALL, running=list(running))

    def _claim(self, tx: Tx, works: Mapping[JobKind, Work], slots: Mapping[JobKind, int], now: datetime) -> list[Taken]:
        free = {f"slots_{kind}": slots.get(kind, 0) for kind in works}
        claimed = [Taken(**row._mapping) for row in tx.run(statements.claim(tuple(works)), now=now, **free)]
        covered = [
            {"kind": taken.kind, "subject": taken.subject, "now": now}
            for taken in claimed
            if works[JobKind(taken.kind)].merge
        ]
        if covered:
            tx.connection.execute(statements.COVER, covered)
        return claimed

    def _next_due(self, tx: Tx, works: Mapping[JobKind, Work], now: datetime) -> datetime | None:
        at: datetime | None = tx.run(statements.next_due(tuple(works)), now=now)[0][0]
        return at

    def _settle(self, tx: Tx, ended: Sequence[Ended]) -> None:
        done: list[dict[str, Any]] = [{"job_id": one.job.id} for one in of(Done, ended)]
        again: list[dict[str, Any]] = [
            {"job_id": one.job.id, "run_at": one.run_at, "attempts": one.attempts, "error": one.error}
            for one in of(Again, ended)
        ]
        given_up: list[dict[str, Any]] = [{"job_id": one.job.id, "error": one.error} for one in of(GivenUp, ended)]
        for statement, rows in ((statements.DONE, done), (statements.AGAIN, again), (statements.GIVE_UP, given_up)):
            if rows:
                tx.connection.execute(statement, rows)


def _depth(now: datetime, tx: Tx) -> Depth:
    queued: dict[JobKind, int] = {}
    failed: dict[JobKind, int] = {}
    for kind, status, count in tx.run(statements.COUNTS):
        counts = failed if status == JobStatus.FAILED else queued
        counts[kind] = counts.get(kind, 0) + count
    return Depth(queued=queued, failed=failed, oldest_due=tx.run(statements.OLDEST_DUE, now=now)[0][0])
