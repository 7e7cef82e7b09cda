"""Teams' pace: what is sent to one channel or thread, and what one app sends to one tenant. See bot.surfaces.turns.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit: to a thread 7 a second, 8 in two, 60 in half
a minute and 1800 an hour; to a tenant 50 a second, whatever is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.surfaces.turns import Turns
from storage.shared.slots import Rate, Slots

SENDS_PER_SECOND: Final = 1.85  # lasting half a minute, with the burst: the most that keeps the first three limits
BURST: Final = 4
_HOURLY: Final = Rate(interval=4.0, burst=890)  # at most 1790 in any hour
_TENANT: Final = Rate(interval=1 / 36, burst=8)  # at most 44 in any second: members are read beside it


@dataclass(frozen=True)
class _Stage:
    name: str
    key: str
    rate: Rate


class Pacer:
    """Slots of one tenant. A channel is paced as one thread: whoever takes a turn does not yet know the thread."""

    def __init__(
        self,
        *,
        tenant: str,
        slots: Slots,
        clock: Callable[[], datetime],
        sends_per_second: float = SENDS_PER_SECOND,
    ) -> None:
        burst = min(BURST, max(1, int(sends_per_second * BURST / SENDS_PER_SECOND)))
        self._sends = Rate(interval=1 / sends_per_second, burst=burst)
        self._tenant = f"teams {tenant}"
        self.turns = Turns(slots, clock)

    async def post_turn(self, channel: str, card: str) -> None:
        """Return when this card may be posted now. Raises: Postpone to the slot that is reserved for it."""
        await self._come("post", channel, card)

    async def update_turn(self, thread: str, card: str) -> None:
        """The same for redrawing a card in its thread."""
        await self._come("update", thread, card)

    async def hold_posts(self, channel: str, seconds: float) -> None:
        """Teams asked for rest in this channel: nobody posts there before."""
        await self.turns.hold(_key("post", channel), self._sends, seconds)

    async def hold_updates(self, thread: str, seconds: float) -> None:
        await self.turns.hold(_key("update", thread), self._sends, seconds)

    async def _come(self, what: str, conversation: str, card: str) -> None:
        """First its turn in the conversation, at last in the tenant: who waits in one takes nothing from the others."""
        key = _key(what, conversation)
        stages = (
            _Stage(what, key, self._sends),
            _Stage(f"{what} in this hour", f"{key} hourly", _HOURLY),
            _Stage(f"{what} in the tenant", self._tenant, _TENANT),
        )
        waits_at = next((index for index, stage in enumerate(stages) if (stage.name, card) in self.turns), 0)
        for stage in stages[0 if self.turns.held(key) else waits_at :]:
            await self.turns.come(stage.key, stage.rate, (stage.name, card))


def _key(what: str, conversation: str) -> str:
    return f"teams {what} {conversation}"
