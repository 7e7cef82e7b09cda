"""The words of jobs: what is promised, how it is repeated, and the port every engine keeps to."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from storage.database import Tx
from storage.tables import JobKind


class Postpone(Exception):
    """Raised by a handler: not now, and no failure either (a pace, a quiet time). The job keeps its place."""

    def __init__(self, until: datetime) -> None:
        if until.utcoffset() is None:
            raise ValueError("a job is postponed until a time with a zone")
        super().__init__(f"until {until.isoformat()}")
        self.until = until


class Lost(Exception):
    """This replica was silent for so long that another may have taken its jobs. Whoever has it now does it."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A job in the hands of a handler."""

    id: int
    kind: JobKind
    subject: str
    attempt: int  # 1 the first time
    last: bool  # no further attempt follows a failure of this one
    # False: this replica may have been taken for dead, so another may have begun this job. Ask right before an effect.
    still_ours: Callable[[], bool] = field(default=lambda: True, compare=False, repr=False)

    def confirm(self) -> None:
        """To be called right before an effect. Raises Lost."""
        if not self.still_ours():
            raise Lost(f"job {self.id} may be another replica's by now")


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
        doubled = (self.first * 2 ** min(attempt - 1, 16)).total_seconds()
        cap = self.cap.total_seconds()
        asked = after_seconds if after_seconds is not None and after_seconds > 0 else 0.0  # it may be anything, NaN too
        return timedelta(seconds=min(max(doubled, asked), cap) * (1 + 0.2 * chance))


@dataclass(frozen=True, kw_only=True)
class Work:
    """What handles a kind of job, how many at once, and how failures are repeated."""

    handle: Handler
    at_once: int | Callable[[], int] = 16  # a callable is asked at every round; it should never say 0 for long
    retry: Retry = field(default_factory=Retry)
    # Told of the last failure, in its words, before the job counts as failed: after a crash in between, told again.
    # None: nobody can be told, so a job of this kind that failed for good begins anew when the worker next starts.
    given_up: Callable[[Claimed, str], Awaitable[None]] | None = None
    # One look covers every promise made before it: when a job starts, queued ones of the same kind about the same row,
    # committed by then and due, are removed in the transaction that claims it.
    merge: bool = False


@dataclass(frozen=True, kw_only=True)
class Depth:
    """What waits (or runs) and what failed, by kind.

    `oldest_due` is when the most overdue queued job should have run; None: nothing is overdue.
    """

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
        """Forget queued and given up jobs of this kind about this row.

        One that runs goes on: its handler looks first.
        """

    async def work(self, works: Mapping[JobKind, Work]) -> None:
        """Keep promises until cancelled; jobs under way get `grace` to finish, or are promised again."""

    async def depth(self) -> Depth: ...
