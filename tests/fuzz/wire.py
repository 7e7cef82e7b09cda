"""Raw HTTP/1.1 by hand: a client library would correct what is to arrive broken."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30  # a server that has not answered by then hangs
TRACES = (b"Traceback (most recent call last)", b'File "', b"sqlalchemy", b"pydantic_core")


@dataclass
class Wire:
    """Sends, and keeps count. Every answer is searched for what must never leave the house."""

    url: str
    canaries: tuple[str, ...]
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)  # by endpoint and status

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> int:
        """The status of the answer. `length` announces another than the body's; 0: the server hung up unanswered."""
        lines = {
            "host": "127.0.0.1",
            "connection": "close",
            "content-length": str(len(body) if length is None else length),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **(headers or {})}.items())
        request = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace") + body
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await self._exchange(request, hang_up=length is not None and length > len(body))
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
        self._check(method, path, status, answer)
        return status

    async def _exchange(self, request: bytes, *, hang_up: bool) -> bytes:
        where = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(request)
            await writer.drain()
            if hang_up:  # or both would wait for the rest
                writer.write_eof()
            return await reader.read(1_000_000)
        except ConnectionError:  # it refused before all was sent
            return b""
        finally:
            writer.close()

    def _check(self, method: str, path: str, status: int, answer: bytes) -> None:
        self.answers[path.partition("?")[0], status] += 1
        assert status < 500, f"{method} {path}: {answer[:2000]!r}"
        told = [trace for trace in TRACES if trace in answer]
        assert not told, f"{method} {path} tells of its inside: {answer[:2000]!r}"
        leaked = [canary[:6] for canary in self.canaries if canary.encode() in answer]
        assert not leaked, f"{method} {path} leaks a secret that begins with {leaked}"

    def statuses(self, endpoint: str) -> set[int]:
        return {status for name, status in self.answers if name == endpoint}

    def report(self) -> str:
        """How many requests, by endpoint, and how many of them got which status; 0: hung up on."""
        endpoints: dict[str, Counter[int]] = defaultdict(Counter)
        for (endpoint, status), count in self.answers.items():
            endpoints[endpoint][status] += count
        rows = [f"{sum(each.values()):6} {name}: {dict(sorted(each.items()))}" for name, each in endpoints.items()]
        return "\n".join(["", *sorted(rows, reverse=True)])
