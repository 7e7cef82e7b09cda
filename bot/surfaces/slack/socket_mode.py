"""Socket Mode: the same payloads over a connection the bot opens, where no public address is to be had."""

import asyncio
import contextlib
import json
import logging
from typing import Any

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.surfaces.slack.door import Door
from bot.surfaces.slack.wire import Client, is_loopback

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 5.0
AGAIN_SECONDS = 5.0
LAST_WAIT_SECONDS = 2.0
_FAILURES = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)


class Socket:
    """One connection, renewed by slack_sdk for as long as it is open."""

    def __init__(self, door: Door, client: Client, *, app_token: str) -> None:
        self._door, self._client, self._app_token = door, client, app_token
        self._open: SocketModeClient | None = None
        self._connecting: asyncio.Task[Any] | None = None

    async def start(self) -> None:
        """Begin to connect; return once connected, or soon: it goes on trying."""
        self._open = SocketModeClient(app_token=self._app_token, web_client=self._client.web, logger=log)
        if is_loopback(self._client.web.base_url):
            self._open.proxy = None
        self._open.socket_mode_request_listeners.append(self._heard)
        self._connecting = asyncio.create_task(self._connect(self._open), name="slack socket")
        await asyncio.wait({self._connecting}, timeout=FIRST_WAIT_SECONDS)

    async def stop(self) -> None:
        if self._open is None or self._connecting is None:
            return
        self._connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._connecting
        self._open.closed = True  # no new connection from here on; one being renewed is waited for
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._open.connect_operation_lock.acquire(), LAST_WAIT_SECONDS)
        await self._open.close()  # type: ignore[no-untyped-call]  # slack_sdk's
        self._open = None

    async def connected(self) -> bool:
        return self._open is not None and await self._open.is_connected()

    async def _connect(self, client: SocketModeClient) -> None:
        """slack_sdk keeps a connection; for the first one it gives up at once when no address is to be had."""
        while not client.closed:
            try:
                await client.connect_to_new_endpoint()
                return
            except _FAILURES as failure:
                log.warning("no socket yet", extra={"failure": type(failure).__name__})
                await asyncio.sleep(AGAIN_SECONDS)

    async def _heard(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Only what was dealt with is acknowledged: Slack hands the rest over again."""
        if not isinstance(request.payload, dict):
            return
        response = await self._door.dispatch(request.payload)
        if response.status != 200:
            log.warning("not acknowledged", extra={"kind": request.type, "status": response.status})
            return
        payload = json.loads(response.body) if response.body.startswith("{") else None
        try:
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))
        except (ConnectionError, aiohttp.ClientError) as failure:  # between two connections; the press is recorded
            log.warning("acknowledged too late", extra={"kind": request.type, "failure": type(failure).__name__})
