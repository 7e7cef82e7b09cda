"""POST /slack/events: who is not Slack is turned away here, and what Slack sends is read once, for Bolt to dispatch."""

import asyncio
import binascii
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from starlette.types import Receive, Scope, Send

from bot.surfaces.slack.metrics import REJECTED

log = logging.getLogger(__name__)

BODY_BYTES: Final = 2_000_000  # a view of 250 kB, percent-encoded, with room
READ_SECONDS: Final = 10.0  # for the whole body: Slack itself waits three for its answer
WINDOW_SECONDS: Final = 300  # https://docs.slack.dev/authentication/verifying-requests-from-slack
_FIELDS: Final = 100
_KINDS: Final = {400: "malformed payload", 401: "invalid request", 408: "too slow", 413: "too large"}


class Rejected(Exception):
    """Not from Slack, or not readable."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status, self.reason = status, reason


class Door:
    """The route as a bare ASGI application, and the one dispatch that HTTP and Socket Mode share."""

    def __init__(
        self,
        app: AsyncApp,
        *,
        signing_secret: str,
        clock: Callable[[], datetime],
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._app = app
        self._secret = signing_secret.encode()
        self._clock = clock
        self._read_seconds = read_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            body = await self._body(headers, receive)
            self._verify(headers, body)
            payload = _parsed(headers.get(b"content-type", b""), body)
        except Rejected as rejected:
            REJECTED.labels(reason=rejected.reason).inc()
            await _answer(send, rejected.status, _KINDS[rejected.status].encode(), b"text/plain")
            return
        response = await self.dispatch(payload)
        kind = response.headers.get("content-type", ["text/plain"])[0]
        await _answer(send, response.status, response.body.encode(), kind.encode("latin-1"))

    async def dispatch(self, payload: dict[str, Any]) -> BoltResponse:
        """What the listeners say. A payload nobody listens to is acknowledged, or Slack would count it as failed."""
        if payload.get("type") == "app_rate_limited":
            log.warning("slack holds back events: too many of them")
            REJECTED.labels(reason="app_rate_limited").inc()
            return BoltResponse(status=200)
        if "ssl_check" in payload:
            return BoltResponse(status=200)
        try:
            response = await self._app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
        except (LookupError, TypeError, AttributeError, ValueError):  # bolt reaches into payloads without looking;
            REJECTED.labels(reason="malformed").inc()  # what listeners raise it answers with 500 itself
            return BoltResponse(status=400, body="malformed payload")
        if response.status == 404:
            REJECTED.labels(reason="unhandled").inc()
            return BoltResponse(status=200)
        return response

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Whole and in time: a stranger who sends a letter an hour would keep a connection, and what was read."""
        try:
            async with asyncio.timeout(self._read_seconds):
                return await _read(headers, receive)
        except TimeoutError as error:
            raise Rejected(408, "slow") from error

    def _verify(self, headers: dict[bytes, bytes], body: bytes) -> None:
        """Over bytes, before anything is decoded: bolt's own check answers 500 to a timestamp that is no number."""
        stamp = headers.get(b"x-slack-request-timestamp", b"")
        signature = headers.get(b"x-slack-signature", b"")
        if not stamp.isdigit() or len(stamp) > 12 or not signature.startswith(b"v0="):
            raise Rejected(401, "unsigned")
        if abs(self._clock().timestamp() - int(stamp)) > WINDOW_SECONDS:
            raise Rejected(401, "stale")
        wanted = hmac.new(self._secret, b"v0:" + stamp + b":" + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(b"v0=" + wanted.encode(), signature):
            raise Rejected(401, "bad_signature")


async def _read(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced[:20]) > BODY_BYTES:
        raise Rejected(413, "too_large")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected(400, "disconnected")
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES:
            raise Rejected(413, "too_large")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _parsed(content_type: bytes, body: bytes) -> dict[str, Any]:
    """Events are JSON; interactions are JSON in the form field `payload`; commands are a form."""
    try:
        if content_type.startswith(b"application/json"):
            payload = json.loads(body)
        elif (only := _only_payload(body)) is not None:
            payload = json.loads(only)
        else:
            text = body.decode("utf-8")
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS, errors="strict"))
            payload = json.loads(fields["payload"]) if "payload" in fields else fields
    except (ValueError, RecursionError) as error:
        raise Rejected(400, "malformed") from error
    if not isinstance(payload, dict) or not payload:
        raise Rejected(400, "malformed")
    return payload


def _only_payload(body: bytes) -> bytes | None:
    """The field `payload` decoded, where it is the only one, as in every press; None: read it as any form.

    urllib takes 0.4 ms for a press of 6 kB, half of all we do with it. Quoted-printable differs from percent-encoding
    in its sign only, and Python decodes it in C; a raw "=" or line end, which would tell the two apart, is excluded.
    """
    name, _, value = body.partition(b"=")
    if name != b"payload" or any(sign in value for sign in (b"=", b"&", b"\n", b"\r", b"%%")):
        return None
    return binascii.a2b_qp(value.replace(b"+", b" ").replace(b"%", b"="))


async def _answer(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
