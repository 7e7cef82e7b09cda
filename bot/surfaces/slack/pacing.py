"""Whose turn it is: posts at Slack's pace per channel, updates per workspace, in the order they were asked for.

A slot is reserved the first time a card asks and kept for it: the worker is told to come again then, and never waits.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage.jobs import Postpone

SOON: Final = timedelta(seconds=0.2)  # nearer than that, and than a fifth of the pace, is now
FORGOTTEN_AFTER: Final = timedelta(minutes=10)
RESERVED_MOST: Final = 10_000
POST_BURST: Final = 2
UPDATE_BURST: Final = 10


class Pace:
    """A slot every `interval`, with up to `burst` at once after a rest: in any time t at most burst + t / interval."""

    def __init__(self, *, interval: timedelta, burst: int) -> None:
        self._interval = interval
        self.soon = min(SOON, interval / 5)
        self._allowance = interval * (burst - 1)
        self._next: datetime | None = None  # when the next slot would be due if there were no burst

    def reserve(self, now: datetime) -> datetime:
        """The next free slot, taken."""
        due = self._next if self._next is not None and self._next > now else now
        self._next = due + self._interval
        return max(now, due - self._allowance)

    def rest_until(self, until: datetime) -> None:
        """No slot before that, and no burst right after it."""
        resumed = until + self._allowance
        self._next = resumed if self._next is None else max(self._next, resumed)

    def late(self, slot: datetime, now: datetime) -> bool:
        """Whether a slot is so long past that using it now could crowd the ones that follow."""
        return now - slot > self._interval + self.soon


@dataclass(frozen=True)
class _Reserved:
    slot: datetime
    pace: Pace


class Pacer:
    """Slots of one workspace."""

    def __init__(self, *, posts_per_second: float, updates_per_minute: float, clock: Callable[[], datetime]) -> None:
        self._post_interval = timedelta(seconds=1 / posts_per_second)
        self._posts: OrderedDict[str, Pace] = OrderedDict()
        burst = min(UPDATE_BURST, max(1, int(updates_per_minute // 5)))
        lasting = max(updates_per_minute - burst, updates_per_minute / 2)  # so that no minute sees more than the limit
        self._updates = Pace(interval=timedelta(minutes=1) / lasting, burst=burst)
        self._reserved: OrderedDict[tuple[str, str], _Reserved] = OrderedDict()
        self._clock = clock

    def post_turn(self, channel: str, key: str, *, held_until: datetime | None = None) -> None:
        """Return when this card may be posted now. Raises: Postpone to the slot that is reserved for it."""
        pace = self._posts.setdefault(channel, Pace(interval=self._post_interval, burst=POST_BURST))
        self._posts.move_to_end(channel)
        while len(self._posts) > 1000:
            self._posts.popitem(last=False)
        self._turn(pace, ("post", key), held_until)

    def update_turn(self, key: str, *, held_until: datetime | None = None) -> None:
        """The same for redrawing a card."""
        self._turn(self._updates, ("update", key), held_until)

    def _turn(self, pace: Pace, name: tuple[str, str], held_until: datetime | None) -> None:
        now = self._clock()
        if held_until is not None and held_until > now:
            pace.rest_until(held_until)
        reserved = self._reserved.pop(name, None)
        if reserved is not None and reserved.pace is pace and not (held_until and reserved.slot < held_until):
            if reserved.slot - now > pace.soon:
                self._keep(name, reserved, now)
            if not pace.late(reserved.slot, now):
                return
        slot = pace.reserve(now)
        if slot - now > pace.soon:
            self._keep(name, _Reserved(slot, pace), now)

    def _keep(self, name: tuple[str, str], reserved: _Reserved, now: datetime) -> None:
        while self._reserved and (
            len(self._reserved) >= RESERVED_MOST or next(iter(self._reserved.values())).slot < now - FORGOTTEN_AFTER
        ):
            self._reserved.popitem(last=False)
        self._reserved[name] = reserved
        raise Postpone(reserved.slot)
