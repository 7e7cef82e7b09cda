"""How a job's run ended, until it is written down."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from storage.jobs.words import Claimed, Retry

E = TypeVar("E")

_ERROR_CHARS: Final = 500


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A job as its claim found it. `attempts` counts this one; `worker` is who took it, where there are several."""

    id: int
    kind: str
    subject: str
    run_at: datetime
    attempts: int
    error: str | None
    worker: int | None = None


@dataclass(frozen=True, kw_only=True)
class Done:
    job: Claimed
    worker: int | None


@dataclass(frozen=True, kw_only=True)
class Again:
    """Queued once more: after a failure, a postponement, or because the worker stopped."""

    job: Claimed
    worker: int | None
    run_at: datetime
    attempts: int
    error: str | None
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class GivenUp:
    job: Claimed
    worker: int | None
    error: str


Ended = Done | Again | GivenUp


def of(kind: type[E], ended: Iterable[Ended]) -> Sequence[E]:
    """Those that ended in this way."""
    return [one for one in ended if isinstance(one, kind)]


def words_of(failure: BaseException) -> str:
    """What both databases can keep: a remote's words may hold anything."""
    words = f"{type(failure).__name__}: {failure}"
    return words[:_ERROR_CHARS].encode("utf-8", "replace").decode().replace("\0", "")


def pause_after(failure: BaseException, attempt: int, retry: Retry) -> timedelta:
    """Until the next attempt. A remote that said when is asked again then."""
    after = getattr(failure, "retry_after_seconds", None)
    seconds = float(after) if isinstance(after, int | float) else None
    return retry.wait(attempt, after_seconds=seconds, chance=random.random())  # jitter, no secret
