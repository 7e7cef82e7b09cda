"""Whose turn it is at a remote that takes only so much: a slot for each card that asks, in the order asked for.

A slot is reserved the first time a card asks and kept for it: the worker is told to come again then. Only for moments,
which are shorter than the way back into the queue, it waits.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage.jobs import Postpone
from storage.shared.slots import Rate, Slots

FORGOTTEN_AFTER: Final = timedelta(minutes=10)
RESERVED_MOST: Final = 10_000
_MOMENT: Final = 0.05  # seconds


@dataclass(frozen=True)
class _Reserved:
    key: str
    slot: float  # in the monotonic seconds of the slots


class Turns:
    """Turns of one surface. Whatever this machine's clock does, the pace is kept."""

    def __init__(self, slots: Slots, clock: Callable[[], datetime]) -> None:
        self._slots, self._clock = slots, clock
        self._reserved: OrderedDict[tuple[str, str], _Reserved] = OrderedDict()  # by what is paced, and the card

    def __len__(self) -> int:
        """How many slots wait for their card."""
        return len(self._reserved)

    def __contains__(self, name: tuple[str, str]) -> bool:
        return name in self._reserved

    def held(self, key: str) -> float:
        return self._slots.held(key)

    async def hold(self, key: str, rate: Rate, seconds: float) -> None:
        """The remote asked for rest: nobody goes there before."""
        await self._slots.hold(key, rate, seconds)

    async def come(self, key: str, rate: Rate, name: tuple[str, str]) -> None:
        """Return when it is the turn of `name` at `key`. Raises: Postpone to the slot that is reserved for it."""
        reserved = self._reserved.pop(name, None)
        if reserved is None or not self._stands(reserved, key, rate):
            wait = await self._slots.take(key, rate)
            reserved = _Reserved(key, self._slots.monotonic() + wait)
        await self._wait_for(reserved, name, rate)

    def _stands(self, reserved: _Reserved, key: str, rate: Rate) -> bool:
        """Whether a slot may still be used: of this key, not before the end of a hold, and not long past."""
        now, held = self._slots.monotonic(), self._slots.held(key)
        return reserved.key == key and not (held and reserved.slot < now + held) and not rate.late(now - reserved.slot)

    async def _wait_for(self, reserved: _Reserved, name: tuple[str, str], rate: Rate) -> None:
        """Return when it is now, or nearly. Raises: Postpone."""
        now = self._slots.monotonic()
        wait = reserved.slot - now
        if wait <= rate.soon:
            return
        if wait <= _MOMENT:
            await asyncio.sleep(wait)
            return
        forgotten = now - FORGOTTEN_AFTER.total_seconds()
        while self._reserved and (
            len(self._reserved) >= RESERVED_MOST or next(iter(self._reserved.values())).slot < forgotten
        ):
            self._reserved.popitem(last=False)
        self._reserved[name] = reserved
        raise Postpone(self._clock() + timedelta(seconds=wait))
