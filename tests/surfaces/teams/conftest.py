"""Teams as the bot sees it: Microsoft's side, over HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.teams import FakeTeams
from tests.surfaces.teams.working import Team, working


@pytest.fixture
async def teams() -> AsyncIterator[FakeTeams]:
    async with FakeTeams() as fake:
        yield fake


@pytest.fixture
async def team(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Team]:
    """At work with tokens of its Entra, and none but those."""
    async with FakeTeams(any_token=False) as fake:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", fake.certificate)  # the one way to have MSAL trust a certificate
        async with working(fake) as team:
            yield team
