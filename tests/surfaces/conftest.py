"""Slack as the bot sees it: the local workspace, over HTTP."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox import SandboxServer
from tests.patience import PATIENCE_SECONDS
from tests.surfaces.recording import Office, opened


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxServer]:
    async with SandboxServer(limited=False, retry_scale=0.0, deadline_seconds=PATIENCE_SECONDS) as server:
        yield server


@pytest.fixture
async def office(sandbox: SandboxServer) -> AsyncIterator[Office]:
    async with opened(sandbox) as office:
        yield office
