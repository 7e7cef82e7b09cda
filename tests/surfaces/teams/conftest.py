"""Teams as the bot sees it: Microsoft's side, over HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.teams import FakeTeams


@pytest.fixture
async def teams() -> AsyncIterator[FakeTeams]:
    async with FakeTeams() as fake:
        yield fake
