"""The sandbox as a server: everything built together, listening on loopback, started and stopped in-process."""

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from bot.sandbox.api import Api
from bot.sandbox.control import Control
from bot.sandbox.delivery import DEADLINE_SECONDS, Delivery
from bot.sandbox.demo import larkspur
from bot.sandbox.faults import Faults
from bot.sandbox.hands import Person
from bot.sandbox.journal import Call, Delivered
from bot.sandbox.limits import Limits
from bot.sandbox.messages import Message
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.workspace import Workspace


class SandboxServer:
    """A Slack of one's own::

        async with SandboxServer() as sandbox:
            sandbox.connect("http://127.0.0.1:8000/slack/events")   # or the bot connects by Socket Mode
            client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
            ana = sandbox.person("U0ANA")
            seen = await ana.click("approve", on=sandbox.messages("C0SUPPORT")[-1])

    `limited=False` turns rate limits off; `retry_scale` shortens the waits between an event's retries; `routes` are
    served beside the sandbox's own (the demo's page). Port 0 takes a free one.
    """

    def __init__(
        self,
        workspace: Workspace | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limited: bool = True,
        retry_scale: float = 1.0,
        deadline_seconds: float = DEADLINE_SECONDS,
        seed: int = 0,
        bot_token: str | None = None,
        app_token: str | None = None,
        signing_secret: str | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the sandbox has no passwords: it listens on loopback only, not on {host}")
        self.workspace = workspace or larkspur()
        self.bot_token = bot_token or f"xoxb-sandbox-{secrets.token_hex(8)}"
        self.app_token = app_token or f"xapp-sandbox-{secrets.token_hex(8)}"
        self.signing_secret = signing_secret or secrets.token_hex(16)
        self.faults = Faults(seed)
        self.limits = Limits(self.workspace.clock, enabled=limited)
        self.sockets = SocketMode(self.workspace)
        self.delivery = Delivery(
            self.workspace,
            self.faults,
            self.sockets,
            signing_secret=self.signing_secret,
            retry_scale=retry_scale,
            deadline_seconds=deadline_seconds,
        )
        self.stopping = False
        self._address = (host, port)
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.app = self._build(routes)

    # -- life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises: OSError when the port is taken."""
        listening = _listening(self._address)
        host, port = listening.getsockname()[:2]
        self.workspace.base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        await self.attach(self.workspace.base_url)
        self._server = _Server(
            uvicorn.Config(
                self.app,
                lifespan="off",
                log_config=None,
                access_log=False,
                ws="websockets-sansio",
                timeout_graceful_shutdown=1,
            )
        )
        serving = asyncio.create_task(self._server.serve(sockets=[listening]), name="sandbox")
        self._serving = serving
        while not self._server.started:
            if serving.done():
                serving.result()
                raise RuntimeError("the sandbox did not start")
            await asyncio.sleep(0.005)

    async def attach(self, base_url: str) -> None:
        """For a host that mounts `app` itself at that address: everything but listening.

        There a dropped connection is a 500, because the connections are the host's.
        """
        self.workspace.base_url = base_url.rstrip("/")
        await self.delivery.start()

    async def stop(self) -> None:
        self.stopping = True
        self.workspace.changed()  # wakes the streams, which then end
        await self.delivery.stop()
        if self._server and self._serving:
            self._server.stop()
            await self._serving

    def drop(self, scope: Any) -> bool:
        """Close that request's connection without an answer. False where we do not serve it ourselves."""
        for connection in list(self._server.server_state.connections) if self._server else []:
            transport = getattr(connection, "transport", None)
            if transport is not None and getattr(connection, "client", None) == scope.get("client"):
                transport.abort()
                return True
        return False

    # -- addresses -----------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return self.workspace.base_url

    @property
    def api_url(self) -> str:
        """What the bot takes as SLACK_API_URL."""
        return f"{self.workspace.base_url}/api/"

    def connect(self, request_url: str) -> None:
        """From now on the bot is told by signed HTTP at its request URL."""
        self.delivery.request_url = request_url

    def environment(self) -> dict[str, str]:
        """The variables that make the bot talk to this sandbox."""
        return {
            "SLACK_API_URL": self.api_url,
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_SIGNING_SECRET": self.signing_secret,
            "SLACK_APP_TOKEN": self.app_token,
        }

    # -- what tests and people do --------------------------------------------------------------------------------

    def person(self, user: str) -> Person:
        return Person(self.workspace, self.delivery, user)

    def messages(self, channel: str) -> list[Message]:
        """What the channel shows, oldest first; replies are in their parents' `replies`."""
        return list(self.workspace.channels[channel].top)

    def calls(self, method: str | None = None) -> list[Call]:
        return self.workspace.calls(method)

    def deliveries(self, kind: str | None = None) -> list[Delivered]:
        return self.workspace.deliveries(kind)

    async def until(self, look: Callable[[], Any], *, timeout_seconds: float = 60) -> Any:
        """What `look` returns as soon as it is true; looked at again after every change. Raises: TimeoutError."""
        return await self.workspace.until(look, timeout_seconds=timeout_seconds)

    async def quiet(self, *, timeout_seconds: float = 60) -> None:
        """Return once everything on its way to the bot has arrived. Raises: TimeoutError."""
        await self.delivery.quiet(timeout_seconds=timeout_seconds)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _build(self, routes: Sequence[BaseRoute]) -> Starlette:
        api = Api(self.workspace, self.faults, self.limits, self.bot_token, self.app_token, self.drop)
        return Starlette(
            routes=[
                Route("/api/{method}", api.call, methods=["GET", "POST"]),
                Route("/hooks/response/{token}", api.response_url, methods=["POST"]),
                Route("/upload/{file_id}", api.upload, methods=["POST"]),
                Route("/files/{file_id}", api.file, methods=["GET"]),
                WebSocketRoute("/link", self.sockets.serve),
                *Control(self).routes(),
                *routes,
            ]
        )


def _listening(address: tuple[str, int]) -> socket.socket:
    """A listening socket. It names its protocol, or asyncio would not set TCP_NODELAY and each answer cost 40 ms."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


class _Server(uvicorn.Server):
    """uvicorn that leaves the process's signals alone (whoever started us handles them) and stops when told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        """Wait to be told, where uvicorn looks ten times a second."""
        await self.on_tick(0)
        await self._told.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
