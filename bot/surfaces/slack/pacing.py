"""Slack's pace: posts per channel and in all, updates per workspace. See bot.surfaces.turns."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.surfaces.turns import Turns
from storage.shared.slots import Rate, Slots

POST_BURST: Final = 2
UPDATE_BURST: Final = 10
# Of the whole workspace Slack takes "several hundred" posts a minute, where a channel may have one a second.
WORKSPACE_CHANNELS: Final = 5
_ROOM: Final = 10  # posts less in a burst than Slack's: some come a moment late, with the next ones
_WORKSPACE: Final = "posts"
_UPDATES: Final = "updates"


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
        self.turns = Turns(slots, clock)

    async def post_turn(self, channel: str, card: str) -> None:
        """Return when this card may be posted now. Raises: Postpone to the slot that is reserved for it.

        First its turn in the channel, and once that has come its turn in the workspace: cards that wait in one channel
        take nothing from the others.
        """
        if (_WORKSPACE, card) not in self.turns or self.turns.held(_posts(channel)):
            await self.turns.come(_posts(channel), self._posts, ("post", card))
        await self.turns.come(_WORKSPACE, self._workspace, (_WORKSPACE, card))

    async def update_turn(self, card: str) -> None:
        """The same for redrawing a card."""
        await self.turns.come(_UPDATES, self._updates, (_UPDATES, card))

    async def hold_posts(self, channel: str, seconds: float) -> None:
        """Slack asked for rest in this channel: nobody posts there before."""
        await self.turns.hold(_posts(channel), self._posts, seconds)

    async def hold_updates(self, seconds: float) -> None:
        await self.turns.hold(_UPDATES, self._updates, seconds)


def _posts(channel: str) -> str:
    return f"post {channel}"
