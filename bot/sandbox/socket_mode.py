"""Socket Mode: the bot connects to us, payloads travel in envelopes, each to one of its connections."""

import asyncio
import itertools
import json
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.wire import JSON
from bot.sandbox.workspace import Workspace

MOST_CONNECTIONS = 10
ACCEPTS_RESPONSE = frozenset({"interactive", "slash_commands"})


@dataclass(eq=False)
class Link:
    """One open connection and the envelopes it has not acknowledged yet."""

    socket: WebSocket
    awaited: dict[str, asyncio.Future[JSON | None]] = field(default_factory=dict)


class SocketMode:
    """Every open connection. Payloads go round them in turn, as Slack may send each to any."""

    def __init__(self, workspace: Workspace) -> None:
        self.links: list[Link] = []
        self._workspace = workspace
        self._turn = itertools.count()
        self._ever = False

    @property
    def connected(self) -> bool:
        """Whether a bot is, or ever was, connected: events for one that is away are failed deliveries."""
        return self._ever

    async def serve(self, socket: WebSocket) -> None:
        """Hold one connection until either side ends it. A ticket from `apps.connections.open` admits once."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._workspace.tickets:
            await socket.close(code=4001)
            return
        self._workspace.tickets.discard(ticket)
        await socket.accept()
        if len(self.links) >= MOST_CONNECTIONS:
            await socket.send_text(json.dumps({"type": "disconnect", "reason": "too_many_websockets"}))
            await socket.close()
            return
        link = Link(socket)
        self.links.append(link)
        self._ever = True
        try:
            await socket.send_text(json.dumps(self._hello()))
            self._workspace.changed()
            while True:
                self._acknowledge(link, await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._forget(link)

    async def send(
        self, kind: str, payload: JSON, *, attempt: int, reason: str | None, timeout_seconds: float
    ) -> JSON | None:
        """The payload of the acknowledgement. Raises: TimeoutError, ConnectionError."""
        if not self.links:
            raise ConnectionError("no connection")
        link = self.links[next(self._turn) % len(self.links)]
        envelope_id = self._workspace.new_id("E-")
        envelope: JSON = {
            "envelope_id": envelope_id,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind in ACCEPTS_RESPONSE,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason or ""}
        acknowledged: asyncio.Future[JSON | None] = asyncio.get_running_loop().create_future()
        link.awaited[envelope_id] = acknowledged
        try:
            async with asyncio.timeout(timeout_seconds):
                await link.socket.send_text(json.dumps(envelope))
                return await acknowledged
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionError("connection lost") from error
        finally:
            link.awaited.pop(envelope_id, None)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to go, as Slack does every few hours (`warning`, `refresh_requested`, ...)."""
        for link in list(self.links):
            await link.socket.send_text(
                json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
            )
            if reason != "warning":
                await link.socket.close()
                self._forget(link)

    def _hello(self) -> JSON:
        return {
            "type": "hello",
            "num_connections": len(self.links),
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._workspace.app_id},
        }

    def _acknowledge(self, link: Link, text: str) -> None:
        try:
            told = json.loads(text)
        except ValueError:
            return
        if not isinstance(told, dict):
            return
        acknowledged = link.awaited.get(str(told.get("envelope_id")))
        if acknowledged is not None and not acknowledged.done():
            acknowledged.set_result(told.get("payload"))

    def _forget(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
        for acknowledged in link.awaited.values():
            if not acknowledged.done():
                acknowledged.set_exception(ConnectionError("connection lost"))
        self._workspace.changed()
