"""What every request meets before its route: a size limit, safe headers, a count of refusals, and a clean end."""

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.metrics import refused

BODY_BYTES: Final = 1024 * 1024  # Slack's largest payload, a form of 250 kB, percent-encoded, is three quarters of it
_TOO_LARGE: Final = f"The body is larger than {BODY_BYTES:,} bytes."
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Edge:
    """Wraps the whole web application. Headers a route sets itself are left as they are."""

    def __init__(
        self, inner: ASGIApp, *, place: Callable[[str], str], posts: Mapping[str, ASGIApp] | None = None
    ) -> None:
        self._inner = inner
        self._posts = posts or {}  # by path: where a POST goes at once, without the routing of the others
        self._place = place  # a path's short name in metrics: never the path itself, which strangers choose
        self._closing = asyncio.Event()

    def close(self) -> None:
        """The process ends: whoever streams is told that its reader has gone."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self._closing)
        try:
            if _announced(scope) > BODY_BYTES:
                await exchange.refuse()
            else:
                inner = self._posts.get(scope["path"], self._inner) if scope["method"] == "POST" else self._inner
                await inner(scope, exchange.receive, exchange.send)
                await exchange.finish()
        except ClientDisconnect:
            if not exchange.refused:
                raise
        finally:
            if exchange.status >= 400:
                refused.labels(self._place(scope["path"]), str(exchange.status)).inc()


class _Exchange:
    """One request and its response."""

    def __init__(self, receive: Receive, send: Send, closing: asyncio.Event) -> None:
        self._receive, self._send, self._closing = receive, send, closing
        self._read = 0
        self._whole = False  # the request has been read to its end
        self.status = 0  # none sent yet
        self.refused = False
        self._open = False  # a response has begun and not ended

    async def receive(self) -> Message:
        if self._whole:
            return await self._until_closing()
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > BODY_BYTES:
            await self.refuse()
            return {"type": "http.disconnect"}
        self._whole = not message.get("more_body", False)
        return message

    async def _until_closing(self) -> Message:
        """Only a stream still listens now, for its reader to go away; our own end counts as that."""
        gone = asyncio.ensure_future(self._receive())
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({gone, closing}, return_when=asyncio.FIRST_COMPLETED)
            return gone.result() if gone.done() else {"type": "http.disconnect"}
        finally:
            gone.cancel()
            closing.cancel()

    async def send(self, message: Message) -> None:
        if self.refused:
            return  # it has its answer
        if message["type"] == "http.response.start":
            self.status = message["status"]
            _add_headers(message)
        self._open = message["type"] == "http.response.start" or message.get("more_body", False)
        await self._send(message)

    async def finish(self) -> None:
        """End a stream that our closing cut short as a whole response, so that its reader comes back at once."""
        if self._open and self._closing.is_set():
            await self.send({"type": "http.response.body", "body": b""})

    async def refuse(self) -> None:
        """Answer 413 now, unless an answer has begun; the route then finds its client gone."""
        if not self.status:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": _TOO_LARGE}
            body = json.dumps(problem).encode()
            headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
            # What remains of the body is not read, so the connection cannot carry another request.
            headers.append((b"connection", b"close"))
            await self.send({"type": "http.response.start", "status": int(status), "headers": headers})
            await self.send({"type": "http.response.body", "body": body})
        self.refused = True


def _announced(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _add_headers(message: MutableMapping[str, Any]) -> None:
    headers = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    message["headers"] = [*headers, *(pair for pair in _HEADERS if pair[0] not in present)]
