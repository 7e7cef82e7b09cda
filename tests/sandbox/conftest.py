"""A small real Bolt app and a real Slack client, both across HTTP from the sandbox."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox import SandboxServer
from tests.patience import PATIENCE_SECONDS
from tests.serving import serve


@contextlib.asynccontextmanager
async def bolt_served(app: AsyncApp) -> AsyncIterator[str]:
    """Serve a Bolt app; yields its request URL."""
    handler = AsyncSlackRequestHandler(app)

    async def endpoint(request: Request) -> Response:
        return await handler.handle(request)

    async with serve(Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])) as url:
        yield f"{url}/slack/events"


def bolt_for(sandbox: SandboxServer) -> AsyncApp:
    """A Bolt app of that workspace; its own messages reach its listeners too."""
    client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])
    return AsyncApp(
        client=client,
        signing_secret=sandbox.signing_secret,
        process_before_response=True,
        ignoring_self_events_enabled=False,
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxServer]:
    async with SandboxServer(limited=False, retry_scale=0.0, deadline_seconds=PATIENCE_SECONDS) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> AsyncWebClient:
    return AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])


@pytest.fixture
async def bolt(sandbox: SandboxServer) -> AsyncIterator[AsyncApp]:
    app = bolt_for(sandbox)
    async with bolt_served(app) as url:
        sandbox.connect(url)
        yield app
