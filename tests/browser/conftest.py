"""A workspace with an app of the tests' own, and a window on it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.routing import Route

from bot.sandbox import SandboxServer
from bot.sandbox.page import Scene, page
from tests.browser.app import Bot
from tests.browser.play import Play, playing
from tests.patience import PATIENCE_SECONDS
from tests.serving import serve


@pytest_asyncio.fixture(loop_scope="module")
async def bot() -> AsyncIterator[Bot]:
    async with SandboxServer(limited=False, deadline_seconds=PATIENCE_SECONDS, routes=page(Scene())) as sandbox:
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])
        bot = Bot(sandbox, client)
        async with serve(Starlette(routes=[Route("/slack/events", bot.listen, methods=["POST"])])) as address:
            sandbox.connect(f"{address}/slack/events")
            yield bot


@pytest_asyncio.fixture(loop_scope="module")
async def play(browser: Browser, bot: Bot) -> AsyncIterator[Play]:
    async with playing(browser, bot.sandbox.url, timezone_id="Europe/Madrid", locale="en-GB") as play:
        yield play
