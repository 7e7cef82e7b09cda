"""Whose turn it is: posts at Slack's pace per channel and in all, updates per workspace, in the order asked for.

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
POST_BURST: Final = 2
UPDATE_BURST: Final = 10
# Of the whole workspace Slack takes "several hundred" posts a minute, where a channel may have one a second.
WORKSPACE_CHANNELS: Final = 5
_MOMENT: Final = 0.05  # seconds
_ROOM: Final = 10  # posts less in a burst than Slack's: some come a moment late, with the next ones
_WORKSPACE: Final = "posts"
_UPDATES: Final = "updates"


@dataclass(frozen=True)
class _Reserved:
    key: str
    slot: float  # in the monotonic seconds of the slots


class Pacer:
    """Slots of one workspace. Whatever this machine's clock does, the pace is kept."""

    def __init__(
        self,
        *,
        posts_per_second: float,
        updates_per_minute: float,
        slots: Slots,
        clock: Callable[[], datetime],
    ) -> None:
        self._posts = Rate(interval=1 / posts_per_second, burst=POST_BURST)
        per_minute = 60 * WORKSPACE_CHANNELS * posts_per_second
        self._workspace = Rate(interval=60 / per_minute, burst=max(int(per_minute) - _ROOM, 1))
        burst = min(UPDATE_BURST, max(1, int(updates_per_minute // 5)))
        lasting = max(updates_per_minute - burst, updates_per_minute / 2)  # so that no minute sees more than the limit
        self._updates = Rate(interval=60 / lasting, burst=burst)
        self._reserved: OrderedDict[tuple[str, str], _Reserved] = OrderedDict()  # by what is paced, and the card
        self._slots, self._clock = slots, clock

    async def post_turn(self, channel: str, card: str) -> None:
        """Return when this card may be posted now. Raises: Postpone to the slot that is reserved for it.

        First its turn in the channel, and once that has come its turn in the workspace: cards that wait in one channel
        take nothing from the others.
        """
        if (_WORKSPACE, card) not in self._reserved or self._slots.held(_posts(channel)):
            await self._turn(_posts(channel), self._posts, ("post", card))
        await self._turn(_WORKSPACE, self._workspace, (_WORKSPACE, card))

    async def update_turn(self, card: str) -> None:
        """The same for redrawing a card."""
        await self._turn(_UPDATES, self._updates, (_UPDATES, card))

    async def hold_posts(self, channel: str, seconds: float) -> None:
        """Slack asked for rest in this channel: nobody posts there before."""
        await self._slots.hold(_posts(channel), self._posts, seconds)

    async def hold_updates(self, seconds: float) -> None:
        await self._slots.hold(_UPDATES, self._updates, seconds)

    async def _turn(self, key: str, rate: Rate, name: tuple[str, str]) -> None:
        reserved = self._reserved.pop(name, None)
        if reserved is None or not self._stands(reserved, key, rate):
            wait = await self._slots.take(key, rate)
            reserved = _Reserved(key, self._slots.monotonic() + wait)
        await self._wait_for(reserved, name, rate)

    def _stands(self, reserved: _Reserved, key: str, rate: Rate) -> bool:
        """Whether a slot may still be used: of this channel, not before the end of a hold, and not long past."""
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


def _posts(channel: str) -> str:
    return f"post {channel}"
