"""Who the bot is on Slack: its own ids, and the workspace's address. Asked once, and again until Slack answers."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.slack.wire import Client

_BETWEEN: Final = timedelta(seconds=10)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Known:
    bot_id: str | None
    user_id: str | None
    url: str | None  # "https://larkspur.slack.com/"


class Identity:
    def __init__(self, client: Client, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._asked_at: datetime | None = None
        self.known: Known | None = None  # None: Slack has not answered yet
        self.trouble: str | None = None  # why, the last time; also once Slack knows us no more

    async def ask(self) -> None:
        """auth.test, which also shows whether the token is good. Never raises: the bot works without.

        Not more often than every ten seconds: anybody may ask how the bot is.
        """
        now = self._clock()
        if self._asked_at is not None and timedelta(0) <= now - self._asked_at < _BETWEEN:
            return
        self._asked_at = now
        try:
            answer = await self._client.call("auth.test")
        except (SurfaceUnavailable, SurfaceRefused) as failure:
            self.trouble = str(failure)
            log.warning("slack does not know us", extra={"failure": self.trouble})
            return
        url = answer.get("url")
        self.trouble = None
        self.known = Known(
            bot_id=answer.get("bot_id"),
            user_id=answer.get("user_id"),
            url=(url.rstrip("/") + "/") if isinstance(url, str) and url.startswith(("http://", "https://")) else None,
        )

    async def address(self) -> str | None:
        if self.known is None:
            await self.ask()
        return self.known.url if self.known else None
