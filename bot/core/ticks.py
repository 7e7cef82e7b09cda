"""When clocks are due, and what becomes of the moments that nobody was there for. In UTC, whatever zone is meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from storage.tables import TickStatus

ACCOUNTED_MOST: Final = 1000  # ticks of one clock after a long absence: the newest; what is older leaves no trace
ON_TIME: Final = timedelta(minutes=1)  # a tick made within this is no late one
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY_DAY: Final = frozenset(range(7))


class CatchUp(StrEnum):
    """What is done about ticks that were missed."""

    ALL = "all"  # each is made, late
    NEWEST = "newest"  # the last one stands for all
    NONE = "none"  # too late is too late


class Beat(Protocol):
    """When a clock is due, the same for everybody who asks."""

    def until(self, moment: datetime) -> Iterator[datetime]:
        """The ticks not later than a moment, the newest first, without end."""

    def after(self, moment: datetime) -> datetime:
        """The first tick later than a moment."""


@dataclass(frozen=True)
class Every:
    """At whole multiples of an interval since 1970, so that all replicas mean the same ticks."""

    interval: timedelta

    def until(self, moment: datetime) -> Iterator[datetime]:
        tick = _EPOCH + (moment - _EPOCH) // self.interval * self.interval
        while True:
            yield tick
            tick -= self.interval

    def after(self, moment: datetime) -> datetime:
        return next(self.until(moment)) + self.interval


@dataclass(frozen=True, kw_only=True)
class Daily:
    """Once on each of these weekdays (Monday is 0), at a time of day in a zone.

    Where the clocks are put back and the time comes twice, the first counts; where they are put forward and it does not
    come, as much later as they were put forward: 02:30 is then 03:30.
    """

    at: time
    zone: ZoneInfo
    weekdays: frozenset[int] = _EVERY_DAY

    def __post_init__(self) -> None:
        if not self.weekdays & _EVERY_DAY:
            raise ValueError("a clock of no weekday is never due")

    def until(self, moment: datetime) -> Iterator[datetime]:
        day = moment.astimezone(self.zone).date() + timedelta(days=1)
        while True:
            tick = datetime.combine(day, self.at, self.zone).astimezone(UTC)
            if day.weekday() in self.weekdays and tick <= moment:
                yield tick
            day -= timedelta(days=1)

    def after(self, moment: datetime) -> datetime:
        ahead = moment + timedelta(days=9)  # a week holds every weekday, and no zone is further off than a day
        return min(takewhile(lambda tick: tick > moment, self.until(ahead)))


@dataclass(frozen=True, kw_only=True)
class Due:
    """A tick that nobody has accounted for, and what it becomes."""

    at: datetime
    status: TickStatus

    @property
    def made(self) -> bool:
        """Whether its jobs are promised."""
        return self.status is not TickStatus.SKIPPED


def due(beat: Beat, catch_up: CatchUp, *, since: datetime | None, now: datetime) -> list[Due]:
    """What to write down now, the oldest first.

    `since` is the newest tick accounted for; None: this clock never ran, so its past is nobody's, and its last tick is
    only noted for the next time to begin from.
    """
    if since is None:
        return [Due(at=next(beat.until(now)), status=TickStatus.SKIPPED)]
    passed = list(islice(takewhile(lambda tick: tick > since, beat.until(now)), ACCOUNTED_MOST))
    missed = TickStatus.CAUGHT_UP if catch_up is CatchUp.ALL else TickStatus.SKIPPED
    newest = [Due(at=tick, status=_newest(now - tick, catch_up)) for tick in passed[:1]]
    return [*(Due(at=tick, status=missed) for tick in reversed(passed[1:])), *newest]


def _newest(late: timedelta, catch_up: CatchUp) -> TickStatus:
    if late <= ON_TIME:
        return TickStatus.MADE
    return TickStatus.SKIPPED if catch_up is CatchUp.NONE else TickStatus.CAUGHT_UP
