"""What hangs in a channel, read from Microsoft Graph: the Bot Connector cannot tell whether a post arrived.

https://learn.microsoft.com/graph/api/channel-list-messages, with the consent ChannelMessage.Read.Group of the team.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.connector_http import Answered, ask, client
from bot.surfaces.teams.credentials import Tokens
from bot.surfaces.teams.hosts import GRAPH_URL, is_loopback
from bot.surfaces.teams.metrics import CALLS

log = logging.getLogger(__name__)

GRAPH_SCOPE: Final = f"{GRAPH_URL}/.default"
LOOKED_AT: Final = 5  # pages
PAGE: Final = 50  # the most it gives
SKEW: Final = timedelta(minutes=2)  # between our clock and Microsoft's
DEADLINE_SECONDS: Final = 15.0


class History:
    """`tokens` are for GRAPH_SCOPE. Use it until `stop`."""

    def __init__(self, tokens: Tokens, *, graph_url: str = GRAPH_URL) -> None:
        self._tokens, self._url = tokens, graph_url.rstrip("/")
        self._http = client(local=is_loopback(graph_url))

    async def stop(self) -> None:
        await self._http.aclose()

    async def find(self, key: str, *, group: str, channel: str, root: str | None, since: datetime | None) -> str | None:
        """The activity id of the message whose card carries this key as a value, in a channel or under a root.

        `group`: the team's aadGroupId. `since`: nothing older is looked for. None: it does not hang there.

        Raises:
            SurfaceUnavailable: it cannot be told now.
            SurfaceRefused: the team did not consent to reading.
        """
        where = f"{self._url}/v1.0/teams/{_quoted(group)}/channels/{_quoted(channel)}/messages"
        where += f"/{_quoted(root)}/replies" if root else ""
        url = f"{where}?$top={PAGE}"
        for _ in range(LOOKED_AT):
            page = await self._page(url)
            messages = [each for each in page.get("value") or () if isinstance(each, dict)]
            found = next((each.get("id") for each in messages if _carries(each, key)), None)
            if isinstance(found, str):
                return found
            following = self._next(page)
            if following is None or (since is not None and messages and _all_before(messages, since - SKEW)):
                return None
            url = following
        log.error("a card could not be looked for further back", extra={"key": key, "pages": LOOKED_AT})
        return None

    async def _page(self, url: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {await self._tokens.token()}"}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                body = await ask(self._http, "GET", url, headers=headers)
            page = json.loads(body)
        except Answered as answer:
            CALLS.labels(call="history", result=str(answer.status)).inc()
            words = f"history: http_{answer.status} {answer.code}".rstrip()
            if answer.status in (401, 403):
                raise SurfaceRefused(f"{words} (the team did not consent to ChannelMessage.Read.Group)") from answer
            raise SurfaceUnavailable(words, retry_after_seconds=answer.retry_after_seconds) from answer
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            CALLS.labels(call="history", result="no_answer").inc()
            raise SurfaceUnavailable(f"history: {type(error).__name__}") from error
        CALLS.labels(call="history", result="ok").inc()
        if not isinstance(page, dict):
            raise SurfaceUnavailable("history: an answer that is no page")
        return page

    def _next(self, page: Mapping[str, Any]) -> str | None:
        """The address of the page after it, where it is of the same host: our token goes there."""
        url = page.get("@odata.nextLink")
        if not isinstance(url, str) or urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            return None
        return url


def _carries(message: Mapping[str, Any], key: str) -> bool:
    """Cards come back as text: the key stands in it between quotation marks."""
    attachments = message.get("attachments")
    contents = [each.get("content") for each in attachments or () if isinstance(each, dict)]
    return any(isinstance(content, str) and json.dumps(key) in content for content in contents)


def _all_before(messages: list[dict[str, Any]], when: datetime) -> bool:
    """Graph gives the newest first. A time that cannot be read is none before."""
    try:
        return all(datetime.fromisoformat(str(each.get("createdDateTime"))) < when for each in messages)
    except (ValueError, TypeError):
        return False


def _quoted(part: str) -> str:
    return quote(part, safe="")
