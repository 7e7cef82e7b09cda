"""HTTP/1.1 as the load needs it: kept-alive connections that send prepared bytes, and a server that takes everything.

The load shares the machine with what it measures, so it does nothing that it need not do.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import cast

HOST = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_TAKEN = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

Take = Callable[[bytes, bytes], None]
"""Called with the path and the body of each request."""


class ConnectionLost(Exception):
    """The server closed before it answered."""


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answered: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def to(cls, port: int) -> "Connection":
        _, protocol = await asyncio.get_running_loop().create_connection(cls, HOST, port)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionLost(str(exc or "closed")))

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """The answer's status and body."""
        if self._transport is None:
            raise ConnectionLost("closed before it was used")
        self._received = b""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        whole = _whole(self._received)
        if whole is not None and self._answered is not None and not self._answered.done():
            head, body, _ = whole
            self._answered.set_result((int(head[9:12]), body))


class Pool:
    """Connections opened as they are needed, and used again; requests go to the ports in turn."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = cycle(ports)
        self._idle: dict[int, list[Connection]] = {port: [] for port in ports}

    async def send(self, request: bytes) -> tuple[int, bytes]:
        port = next(self._ports)
        connection = self._idle[port].pop() if self._idle[port] else await Connection.to(port)
        answer = await connection.send(request)
        self._idle[port].append(connection)
        return answer

    def close(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop().close()


class Receiver(asyncio.Protocol):
    """Answers 200 to whatever comes, and hands it on."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (whole := _whole(self._received)) is not None:
            head, body, self._received = whole
            if self._transport is not None:
                self._transport.write(_TAKEN)
            self._take(head.split(b" ", 2)[1], body)


def reading(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode()


async def read(port: int, path: str) -> tuple[int, bytes]:
    """One GET on a connection of its own: the answer's status and body."""
    connection = await Connection.to(port)
    try:
        return await connection.send(reading(path))
    finally:
        connection.close()


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"host: {HOST}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _HEAD_END + body


def _whole(received: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Head, body and what follows, once a message is there whole. Bodies come with their length on this wire."""
    end = received.find(_HEAD_END)
    if end < 0:
        return None
    head, start = received[:end], end + len(_HEAD_END)
    length = _length(head)
    if len(received) - start < length:
        return None
    return head, received[start : start + length], received[start + length :]


def _length(head: bytes) -> int:
    lowered = head.lower()
    place = lowered.find(b"\r\ncontent-length:")
    if place < 0:
        return 0
    return int(lowered[place + 17 :].split(b"\r\n", 1)[0])
