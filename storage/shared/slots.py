"""Slots: whose turn it is at a remote that takes only so much, across all who ask it.

Slots are times of a rate, given out in the order they are asked for. One that is not used is simply unused.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Column, Float, Text, text

from storage.database import Database, Tx
from storage.shared.wakes import Wakes

KEYS_MOST: Final = 1000
_SOON: Final = 0.2  # seconds
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
# In order of the keys: replicas that take several at once wait for each other, and never in a circle.
_TAKE: Final = text(
    f"insert into pace (key, next_at) select key, {_NOW} + make_interval(secs => length) "
    "from unnest(cast(:keys as text[]), cast(:lengths as float[])) as asked (key, length) order by key "
    "on conflict (key) do update "
    f"set next_at = greatest(pace.next_at, {_NOW}) + (excluded.next_at - {_NOW}) "
    f"returning key, extract(epoch from next_at - {_NOW})::float as ends, "
    f"extract(epoch from held_until - {_NOW})::float as held, {_AT_ONCE} as sync"
).columns(Column("key", Text), Column("ends", Float), Column("held", Float), Column("sync", Text))
_HOLD: Final = text(
    "insert into pace (key, next_at, held_until) values (:key, "
    f"{_NOW} + make_interval(secs => :resumed), {_NOW} + make_interval(secs => :seconds)) "
    "on conflict (key) do update set next_at = greatest(pace.next_at, excluded.next_at), "
    f"held_until = greatest(pace.held_until, excluded.held_until) returning {_AT_ONCE}"
)


@dataclass(frozen=True)
class _Asked:
    rate: Rate
    takers: "list[asyncio.Future[float]]"


class SharedSlots(_Holds):
    """For replicas on PostgreSQL: a row for each key, by the database's clock, so that nobody's own matters.

    What is asked for while a transaction takes slots is taken together by the next.
    """

    def __init__(self, db: Database, wakes: Wakes, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__(monotonic)
        self._db, self._wakes = db, wakes
        self._asked: dict[str, _Asked] = {}
        self._taking: asyncio.Task[None] | None = None
        wakes.subscribe(_HELD, self._heard)

    async def take(self, key: str, rate: Rate) -> float:
        taker: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(key, _Asked(rate, [])).takers.append(taker)
        if self._taking is None:
            self._taking = asyncio.create_task(self._take_what_is_asked_for(), name="slots")
        return max(await taker - self.monotonic(), 0.0)

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

    async def _take_what_is_asked_for(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                await self._take(asked)
        finally:
            self._taking = None

    async def _take(self, asked: dict[str, _Asked]) -> None:
        lengths = {key: len(each.takers) * each.rate.interval for key, each in asked.items()}
        keys, seconds = list(lengths), list(lengths.values())
        try:
            rows = await self._db.write(lambda tx: tx.run(_TAKE, keys=keys, lengths=seconds))
        except BaseException as error:
            for taker in (taker for each in asked.values() for taker in each.takers if not taker.done()):
                taker.set_exception(error) if isinstance(error, Exception) else taker.cancel()
            if not isinstance(error, Exception):
                raise
            return
        now = self.monotonic()
        for key, ends, held, _ in rows:
            if held is not None and held > 0:
                self._hold(key, held)
            rate, first = asked[key].rate, max(ends - lengths[key], 0.0)
            for place, taker in enumerate(asked[key].takers):
                if not taker.done():  # whose taker was cancelled stays unused
                    taker.set_result(now + max(first + place * rate.interval - rate.allowance, 0.0))


def slots(db: Database, wakes: Wakes) -> Slots:
    return MemorySlots() if db.sqlite else SharedSlots(db, wakes)
