"""POST /api/messages: who is not Teams is turned away here, and what Teams sends is read once, for the listeners."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

from starlette.types import Receive, Scope, Send

from bot.surfaces.teams.adapter import Adapter, Answer
from bot.surfaces.teams.guard import BODY_BYTES, Admitted, Unauthorized
from bot.surfaces.teams.metrics import REJECTED
from storage.database import Unavailable

log = logging.getLogger(__name__)

READ_SECONDS: Final = 10.0  # for the whole body: Teams itself waits fifteen for its answer
_ACCEPTED: Final = 202


class Gate(Protocol):
    async def admit(self, authorization: str | None, body: bytes) -> Admitted:
        """Raises Unauthorized."""


class Door:
    """The route as a bare ASGI application."""

    def __init__(
        self,
        gate: Gate,
        adapter: Adapter,
        listen: Callable[[Admitted], Awaitable[Answer | None]],
        *,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._gate, self._adapter, self._listen = gate, adapter, listen
        self._read_seconds = read_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            body = await self._body(headers, receive)
            authorization = headers.get(b"authorization")
            admitted = await self._gate.admit(authorization.decode("latin-1") if authorization else None, body)
        except Unauthorized as refusal:
            await _send(send, refusal.status, b"invalid request", b"text/plain")
            return
        try:
            answer = await self._adapter.turn(admitted.body, admitted.claims, partial(self._listen, admitted))
        except Unavailable as away:  # presses and words are answered before: this is what nobody waits for
            log.warning("teams met no database", extra={"why": type(away).__name__})
            await _send(send, 503, b"the database is away", b"text/plain")
            return
        if answer is None:
            await _send(send, _ACCEPTED, b"", b"text/plain")
        else:
            await _send(send, answer.status, json.dumps(answer.body).encode(), b"application/json")

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Whole and in time: a stranger who sends a letter an hour would keep a connection, and what was read."""
        try:
            if not headers.get(b"content-type", b"").lower().startswith(b"application/json"):
                raise Unauthorized(415, "not_json")  # a page in somebody's browser could send anything else unasked
            async with asyncio.timeout(self._read_seconds):
                return await _read(receive)
        except TimeoutError as error:
            REJECTED.labels(reason="slow").inc()
            raise Unauthorized(408, "slow") from error
        except Unauthorized as refusal:
            REJECTED.labels(reason=refusal.reason).inc()
            raise


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unauthorized(400, "disconnected")
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES:
            raise Unauthorized(413, "too_large")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
