"""Slack's Web API at the wire: one session, no hidden repeats, and every failure as one of two kinds."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.slack.metrics import CALLS

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_SECONDS: Final = 10
TEMPORARY: Final = frozenset(
    {  # https://docs.slack.dev/reference/methods: what another attempt may cure
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "update_failed",
        "external_channel_migrating",
        "failed_for_some_reason",
    }
)
ADVICE: Final = {
    "channel_not_found": "there is no such channel, or the app is not in it: invite it",
    "not_in_channel": "the app is not in this channel: invite it",
    "is_archived": "the channel is archived",
    "invalid_auth": "the bot token is wrong: check SLACK_BOT_TOKEN",
    "not_authed": "no bot token: set SLACK_BOT_TOKEN",
    "token_revoked": "the bot token was revoked: install the app again and set SLACK_BOT_TOKEN",
    "account_inactive": "the app was removed from the workspace: install it again",
    "missing_scope": "the app lacks a scope: install it again from manifest.yml",
    "message_not_found": "the message is gone from Slack: somebody deleted it",
    "cant_update_message": "the message is not the app's own any more",
    "no_such_subteam": "there is no such user group: check signoff.toml",
    "msg_blocks_too_long": "the card is too long",
    "invalid_blocks": "Slack does not take these blocks",
}


class Client:
    """The Web API behind one token. Use it between `start` and `stop`.

    slack_sdk's own retry would send chat.postMessage twice after a dropped connection: it is off, and whoever calls
    comes again. Without a session of ours slack_sdk opens a connection per call.
    """

    def __init__(self, *, token: str, api_url: str) -> None:
        self.web = AsyncWebClient(
            token=token,
            base_url=api_url.rstrip("/") + "/",
            timeout=TIMEOUT_SECONDS,
            retry_handlers=[],
            logger=_quiet(),
        )
        if is_loopback(api_url):
            self.web.proxy = None  # slack_sdk takes one from the environment; none reaches loopback

    async def start(self) -> None:
        if self.web.session is None or self.web.session.closed:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self.web.session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        if self.web.session is not None:
            await self.web.session.close()

    async def call(self, method: str, *, channel: str = "", get: bool = False, **arguments: Any) -> dict[str, Any]:
        """The answer's JSON. `get`: a reading method, which takes a query; the others take a JSON body.

        Raises:
            SurfaceUnavailable: no or an unusable answer, or a temporary error; it may still have been done.
            SurfaceRefused: Slack said no for good.
        """
        if channel:
            arguments["channel"] = channel
        given = {key: value for key, value in arguments.items() if value is not None}
        with _failures(method):
            if get:
                query = {key: int(value) if isinstance(value, bool) else value for key, value in given.items()}
                response = await self.web.api_call(method, http_verb="GET", params=query)
            else:
                response = await self.web.api_call(method, json=given)
            data = response.data
        if not isinstance(data, dict):
            raise SurfaceUnavailable(f"{method}: an answer that is not JSON")
        return data


def _quiet() -> logging.Logger:
    """slack_sdk looks at its logger's own level alone: unset, it writes every request and answer out, for nobody."""
    logger = logging.getLogger("slack_sdk.quiet")
    logger.setLevel(logging.WARNING)
    return logger


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


@contextmanager
def _failures(method: str) -> Iterator[None]:
    """Every failure of a call as SurfaceUnavailable or SurfaceRefused, from its cause."""
    try:
        yield
    except SlackApiError as error:
        code, status = _code(error), _status(error)
        CALLS.labels(method=method, result=code[:40]).inc()
        if status == 429 or code in ("ratelimited", "rate_limited"):
            raise SurfaceUnavailable(f"{method}: ratelimited", retry_after_seconds=_retry_after(error)) from error
        if status >= 500 or code in TEMPORARY or code.startswith("http_"):
            raise SurfaceUnavailable(f"{method}: {code}") from error
        raise SurfaceRefused(_refusal(method, code, error)) from error
    except (TimeoutError, aiohttp.ClientError, OSError, SlackClientError, ValueError, AttributeError) as error:
        # the last one is slack_sdk's own, at an answer 200 that is text or a list
        CALLS.labels(method=method, result="no_answer").inc()
        raise SurfaceUnavailable(f"{method}: {type(error).__name__}") from error
    else:
        CALLS.labels(method=method, result="ok").inc()


def _code(error: SlackApiError) -> str:
    data = getattr(error.response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return code if isinstance(code, str) and code else f"http_{_status(error)}"


def _status(error: SlackApiError) -> int:
    """slack_sdk raises with its own response, or with aiohttp's where the body was not JSON."""
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", None)
    return status if isinstance(status, int) else 0


def _retry_after(error: SlackApiError) -> float:
    headers = getattr(error.response, "headers", None) or {}
    try:
        return min(max(float(headers.get("Retry-After", headers.get("retry-after", "1"))), 0.0), 3600.0)
    except ValueError:
        return 1.0


def _refusal(method: str, code: str, error: SlackApiError) -> str:
    words = f"{method}: {code}"
    if code in ADVICE:
        words += f" ({ADVICE[code]})"
    data = getattr(error.response, "data", None)
    if code == "missing_scope" and isinstance(data, dict) and isinstance(data.get("needed"), str):
        words += f"; it needs {data['needed'][:200]}"
    return words


async def within(seconds: float, what: str, work: Awaitable[T]) -> T | None:
    """The result of a call made while somebody waits, or None if Slack was too slow or said no: never raised."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except (TimeoutError, SurfaceUnavailable, SurfaceRefused) as failure:
        log.warning("slack could not be told", extra={"what": what, "failure": f"{type(failure).__name__}: {failure}"})
        return None
