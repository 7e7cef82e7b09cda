"""Slots: whose turn it is at a remote that takes only so much, across all who ask it.

Slots are times of a rate, given out in the order they are asked for. One that is not used is simply unused.
"""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import text

from storage.database import Database, Tx
from storage.shared.wakes import Wakes

KEYS_MOST: Final = 1000
_SOON: Final = 0.2  # seconds
_LEASE: Final = 0.25  # seconds of slots that a replica takes in one go
_HELD: Final = "slots-held"

Monotonic = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A slot every `interval` seconds, with up to `burst` at once after a rest.

    In any time t at most burst + t / interval.
    """

    interval: float
    burst: int

    @property
    def soon(self) -> float:
        """Seconds: nearer than that is now."""
        return min(_SOON, self.interval / 5)

    @property
    def allowance(self) -> float:
        return self.interval * (self.burst - 1)

    def late(self, seconds: float) -> bool:
        """Whether a slot so long past would crowd the ones that follow, if it were used now."""
        return seconds > self.interval + self.soon


class Slots(Protocol):
    @property
    def monotonic(self) -> Monotonic:
        """The seconds in which slots are counted here."""

    async def take(self, key: str, rate: Rate) -> float:
        """The seconds until the next free slot, which is taken; 0 if it is now."""

    async def hold(self, key: str, rate: Rate, seconds: float) -> None:
        """No slot before that for anybody, and no burst right after. Slots taken for a time before it are void."""

    def held(self, key: str) -> float:
        """The seconds until the end of a hold, as far as it is known here; 0: none."""


class _Holds:
    """Until when each key is held, in this process' monotonic time."""

    def __init__(self, monotonic: Monotonic) -> None:
        self.monotonic: Final = monotonic
        self._until: dict[str, float] = {}

    def held(self, key: str) -> float:
        until = self._until.get(key)
        if until is None:
            return 0.0
        left = until - self.monotonic()
        if left <= 0:
            del self._until[key]
        return max(left, 0.0)

    def _hold(self, key: str, seconds: float) -> None:
        if len(self._until) >= KEYS_MOST:
            now = self.monotonic()
            self._until = {key: until for key, until in self._until.items() if until > now}
        self._until[key] = max(self._until.get(key, -math.inf), self.monotonic() + seconds)


class MemorySlots(_Holds):
    """For the one process there is on SQLite. By monotonic time: a wall clock that jumps moves no slot."""

    def __init__(self, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__(monotonic)
        self._next: OrderedDict[str, float] = OrderedDict()  # when the next slot would be due if there were no burst

    async def take(self, key: str, rate: Rate) -> float:
        now = self.monotonic()
        due = max(self._next.pop(key, now), now)
        self._next[key] = due + rate.interval
        while len(self._next) > KEYS_MOST:
            self._next.popitem(last=False)
        return max(due - rate.allowance - now, 0.0)

    async def hold(self, key: str, rate: Rate, seconds: float) -> None:
        self._hold(key, seconds)
        resumed = self.monotonic() + seconds + rate.allowance
        self._next[key] = max(self._next.get(key, resumed), resumed)


_HELD_MOST_SECONDS: Final = 86_400.0
_NOW: Final = "clock_timestamp()"
# Nothing is lost with the last slots given out before the server dies: no need to wait for its disk.
_AT_ONCE: Final = "set_config('synchronous_commit', 'off', true)"
_TAKE: Final = text(
    f"insert into pace (key, next_at) values (:key, {_NOW} + make_interval(secs => :length)) "
    f"on conflict (key) do update set next_at = greatest(pace.next_at, {_NOW}) + make_interval(secs => :length) "
    f"returning extract(epoch from next_at - {_NOW})::float - :length, "
    f"extract(epoch from held_until - {_NOW})::float, {_AT_ONCE}"
)
_HOLD: Final = text(
    "insert into pace (key, next_at, held_until) values (:key, "
    f"{_NOW} + make_interval(secs => :resumed), {_NOW} + make_interval(secs => :seconds)) "
    "on conflict (key) do update set next_at = greatest(pace.next_at, excluded.next_at), "
    f"held_until = greatest(pace.held_until, excluded.held_until) returning {_AT_ONCE}"
)


class SharedSlots(_Holds):
    """For replicas on PostgreSQL: a row for each key, by the database's clock, so that nobody's own matters.

    Where slots are close together a quarter of a second of them is taken in one statement and used from memory.
    """

    def __init__(self, db: Database, wakes: Wakes, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__(monotonic)
        self._db, self._wakes = db, wakes
        self._leased: OrderedDict[str, _Lease] = OrderedDict()
        wakes.subscribe(_HELD, self._heard)

    async def take(self, key: str, rate: Rate) -> float:
        lease = self._leased.setdefault(key, _Lease())
        self._leased.move_to_end(key)
        while len(self._leased) > KEYS_MOST:
            self._leased.popitem(last=False)
        async with lease.one_at_a_time:  # or all who wait would each take a lease
            slot = self._from(lease, key, rate)
            if slot is None:
                await self._fill(lease, key, rate)
                slot = lease.slots.popleft()
        return max(slot - self.monotonic(), 0.0)

    async def hold(self, key: str, rate: Rate, seconds: float) -> None:
        self._hold(key, seconds)

        def hold(tx: Tx) -> None:
            tx.run(_HOLD, key=key, seconds=seconds, resumed=seconds + rate.allowance)
            self._wakes.tell(tx, _HELD, f"{seconds:.3f} {key}")

        await self._db.write(hold)

    def _heard(self, words: str) -> None:
        seconds, key = words.split(" ", 1)
        if 0 < (held := float(seconds)) <= _HELD_MOST_SECONDS:  # anyone who may connect may tell us anything
            self._hold(key, held)

    def _from(self, lease: "_Lease", key: str, rate: Rate) -> float | None:
        """The next of the leased slots that can still be used."""
        now = self.monotonic()
        void = now + self.held(key) if self.held(key) else -math.inf
        while lease.slots:
            slot = lease.slots.popleft()
            if slot >= void and not rate.late(now - slot):
                return slot
        return None

    async def _fill(self, lease: "_Lease", key: str, rate: Rate) -> None:
        count = max(1, int(_LEASE / rate.interval))
        length = count * rate.interval
        row = (await self._db.write(lambda tx: tx.run(_TAKE, key=key, length=length)))[0]
        now = self.monotonic()
        if row[1] is not None and row[1] > 0:
            self._hold(key, row[1])
        first = max(row[0], 0.0)
        lease.slots.extend(now + max(first + n * rate.interval - rate.allowance, 0.0) for n in range(count))


class _Lease:
    def __init__(self) -> None:
        self.slots: deque[float] = deque()
        self.one_at_a_time = asyncio.Lock()


def slots(db: Database, wakes: Wakes) -> Slots:
    return MemorySlots() if db.sqlite else SharedSlots(db, wakes)
