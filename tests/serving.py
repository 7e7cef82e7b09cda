"""Real HTTP: an application on a free loopback port, for as long as a test needs it."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from adapters.base import Adapter
from tests.patience import PATIENCE_SECONDS

_CHANCE = random.SystemRandom()  # the same seed in several workers would find the same ports


class Server(uvicorn.Server):
    """Ends open streams before it waits for them, as the host does."""

    def __init__(self, config: uvicorn.Config, hang_up: Callable[[], Awaitable[None]] | None) -> None:
        super().__init__(config)
        self._hang_up = hang_up
        self.ending = asyncio.Event()

    async def main_loop(self) -> None:
        await self.ending.wait()  # uvicorn looks every 0.1 s: too slow for hundreds of tests

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._hang_up is not None:
            await self._hang_up()
        for _ in range(10):  # let connections that are just closing go
            await asyncio.sleep(0)
        if self.server_state.connections:
            await super().shutdown(sockets)
        for server in self.servers:  # nobody is left to wait for, and uvicorn would still rest for 0.1 s
            server.close()


@asynccontextmanager
async def serve(
    app: ASGIApp, *, port: int = 0, hang_up: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[str]:
    """Yields the address. Leaving ends the server, and fails when it does not end."""
    # Named as TCP: asyncio turns Nagle's delay off only where it is, and 40 ms a request are a slow suite.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    server = Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"), hang_up)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.ending.set()
        await asyncio.wait_for(running, timeout=PATIENCE_SECONDS)
        listening.close()


def free_port() -> int:
    """A port for a process of its own to listen on: below those that systems hand out, so that nobody else gets it."""
    while True:
        port = _CHANCE.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def app_of(adapter: Adapter) -> FastAPI:
    app = FastAPI()
    app.include_router(adapter.routes, prefix=f"/channels/{adapter.name}")
    return app


async def until(condition: Callable[[], bool], *, within_seconds: float = PATIENCE_SECONDS) -> None:
    """Waits for something to become true, and fails when it does not."""
    async with asyncio.timeout(within_seconds):
        while not condition():  # noqa: ASYNC110 - the conditions are plain facts that nobody announces
            await asyncio.sleep(0.01)
