"""The webhook channel's two ends: the signed POST it takes, and the signed POST it makes."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from fastapi import APIRouter, Request, Security
from fastapi.security import APIKeyHeader

from adapters.base import PermanentFailure, Receive, Reply, TemporaryFailure
from adapters.bodies import ID_CHARS, parse, read_body
from adapters.refusals import channel_route
from adapters.webhook.messages import (
    Accepted,
    PostedMessage,
    PostedReply,
    ReplyTaken,
    described_refusals,
    described_request,
)
from adapters.webhook.signatures import SIGNATURE, Signatures

BODY_BYTES: Final = 512 * 1024
ANSWER_BYTES: Final = 64 * 1024  # more of an answer is not read
TIMEOUT_SECONDS: Final = 20.0  # the specification recommends 15 to 30
RETRY_AFTER_SECONDS: Final = 86_400.0  # more than a day is nonsense; how much of it is waited for, the worker decides
# Refusals that pass: request timeout, too early, too many requests.
PASSING: Final = frozenset({408, 425, 429})

_signed = APIKeyHeader(
    name=SIGNATURE,
    scheme_name="Standard Webhooks",
    description="HMAC-SHA256 over id, timestamp and body. standardwebhooks.com has libraries for most languages.",
    auto_error=False,
)


class Webhook:
    """A channel over signed HTTP. The receiver drops a `webhook-id` it has seen, so a reply may be sent again."""

    repeats_safely = True

    def __init__(
        self,
        *,
        name: str,
        title: str,
        receive: Receive,
        url: str | None,
        secrets: Sequence[str],
        clock: Callable[[], datetime],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("a webhook's reply URL is an http or https address")
        self.name = name
        self.title = title
        self._receive = receive
        self._url = url
        self._signatures = Signatures(secrets, clock=clock)
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._http: aiohttp.ClientSession | None = None
        self.routes = self._routes()

    def _routes(self) -> APIRouter:
        router = APIRouter(route_class=channel_route(self.name), tags=[f"channel: {self.name}"])
        router.add_api_route(
            "/messages",
            self._take,
            methods=["POST"],
            status_code=HTTPStatus.ACCEPTED,
            response_model=Accepted,
            operation_id=f"post_message_{self.name}",
            summary="Hand in a customer's message",
            description=f"A 2xx answer means that the message is committed. At most {BODY_BYTES // 1024} KiB.",
            responses=described_refusals(
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.REQUEST_TIMEOUT,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNPROCESSABLE_ENTITY,
            ),
            dependencies=[Security(_signed)],
            openapi_extra=described_request(),
            callbacks=_described_replies().routes,
        )
        return router

    async def _take(self, request: Request) -> Accepted:
        body = await read_body(request, most_bytes=BODY_BYTES)
        webhook_id = self._signatures.check(request.headers, body)
        message = parse(PostedMessage, body)
        return Accepted.of(await self._receive(message.inbound(channel=self.name, webhook_id=webhook_id)))

    async def send(self, reply: Reply) -> str:
        if self._url is None:
            raise PermanentFailure("no reply URL configured")
        body = PostedReply.of(reply).model_dump_json()
        headers = {"content-type": "application/json", **self._signatures.headers(reply.key, body)}
        try:
            async with self._session().post(
                self._url, data=body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                self._check(answer)
                return await _their_id(answer) or reply.key
        except TimeoutError as error:
            raise TemporaryFailure(f"reply URL: no answer within {self._timeout_seconds:g} s") from error
        except aiohttp.ClientError as error:
            raise TemporaryFailure(f"reply URL: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "Signoff-Webhook/1"},
            )
        return self._http

    def _check(self, answer: aiohttp.ClientResponse) -> None:
        if 200 <= answer.status < 300:
            return
        words = f"reply URL: HTTP {answer.status}"
        if 300 <= answer.status < 400:
            words += " (redirects are not followed)"
        if 400 <= answer.status < 500 and answer.status not in PASSING:
            raise PermanentFailure(words)
        wait_seconds = retry_after_seconds(answer.headers.get("retry-after", ""), now=self._clock())
        raise TemporaryFailure(words, retry_after_seconds=wait_seconds)


def retry_after_seconds(value: str, *, now: datetime) -> float | None:
    """Retry-After in seconds, from either form RFC 9110 allows; at most a day; None where it says nothing sensible."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), RETRY_AFTER_SECONDS)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), RETRY_AFTER_SECONDS)


async def _their_id(answer: aiohttp.ClientResponse) -> str | None:
    """The receiver's own id of the reply, where its answer is JSON and has one. It took the reply in any case."""
    body = bytearray()
    try:
        async for chunk in answer.content.iter_chunked(8192):
            body += chunk
            if len(body) > ANSWER_BYTES:
                return None
        said: Any = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError, aiohttp.ClientError, TimeoutError):
        return None
    theirs = said.get("id") if isinstance(said, dict) else None
    sound = isinstance(theirs, str) and 0 < len(theirs) <= ID_CHARS and theirs.isprintable()
    return theirs if sound else None


def _described_replies() -> APIRouter:
    """What we post to the receiver, for /docs only: nothing is served here."""
    described = APIRouter()

    @described.post(
        "{your_reply_url}",
        response_model=ReplyTaken,
        summary="Receive an approved reply",
        description="Signed the same way. 2xx: delivered. 4xx: refused for good (408, 425 and 429 are tried again). "
        "Anything else, or no answer, is tried again with the same webhook-id.",
    )
    def reply(body: PostedReply) -> None:
        """Never called: its signature is the documentation."""

    return described
