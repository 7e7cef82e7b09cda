"""The whole loop, for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.loop.running import Loop, running


@pytest.fixture
async def loop(sqlite_url: str) -> AsyncIterator[Loop]:
    async with running(sqlite_url) as loop:
        yield loop
