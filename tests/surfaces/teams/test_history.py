"""Whether a post whose answer was lost arrived, as Graph knows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.credentials import LocalTokens
from bot.surfaces.teams.history import LOOKED_AT, History
from tests.fakes.teams import FakeTeams, Fault, Trouble

SUPPORT = "19:support@thread.tacv2"
AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def post(teams: FakeTeams, key: str, root: str | None = None) -> str:
    card = {"type": "AdaptiveCard", "body": [{"type": "Container", "id": key, "items": []}]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    activity: dict[str, Any] = {"type": "message", "attachments": [attachment]}
    return teams.journal.post(activity, f"{SUPPORT};messageid={root}" if root else None, SUPPORT).id


class Eyes:
    def __init__(self, teams: FakeTeams) -> None:
        self.teams = teams
        self.history = History(LocalTokens(), graph_url=teams.graph_url)

    async def find(self, key: str, root: str | None = None, since: datetime = AGES_AGO) -> str | None:
        group = self.teams.journal.team.aad_group
        return await self.history.find(key, group=group, channel=SUPPORT, root=root, since=since)


@pytest.fixture
async def eyes(teams: FakeTeams) -> AsyncIterator[Eyes]:
    made = Eyes(teams)
    yield made
    await made.history.stop()


async def test_a_card_is_found_by_its_key_in_a_channel_and_in_a_thread(teams: FakeTeams, eyes: Eyes) -> None:
    root = post(teams, "pst_root")
    replies = [post(teams, f"pst_{n}", root) for n in range(5)]
    post(teams, "pst_other")

    assert await eyes.find("pst_root") == root
    assert [await eyes.find(f"pst_{n}", root) for n in range(5)] == replies
    assert await eyes.find("pst_0") is None
    assert await eyes.find("pst_root", root) is None


async def test_a_part_of_a_key_is_no_key(teams: FakeTeams, eyes: Eyes) -> None:
    post(teams, "pst_1234")

    assert await eyes.find("pst_123") is None
    assert await eyes.find("Container") is not None  # any value counts: keys are nobody else's words


async def test_nothing_older_than_the_card_is_looked_through(teams: FakeTeams, eyes: Eyes) -> None:
    for number in range(20):
        post(teams, f"pst_{number}")

    assert await eyes.find("pst_none", since=datetime.now(UTC).replace(year=2100)) is None
    assert teams.graph.looks == 1


async def test_looking_ends(teams: FakeTeams, eyes: Eyes) -> None:
    for number in range(40):
        post(teams, f"pst_{number}")

    assert await eyes.find("pst_none") is None
    assert teams.graph.looks == LOOKED_AT


async def test_a_team_that_did_not_consent_is_told_so(teams: FakeTeams, eyes: Eyes) -> None:
    teams.graph.consented = False

    with pytest.raises(SurfaceRefused, match=r"^history: http_403 Forbidden \(.*ChannelMessage\.Read\.Group"):
        await eyes.find("pst_1")


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMITED, Trouble.BAD_GATEWAY, Trouble.ERROR])
async def test_what_cannot_be_told_now_is_asked_again_later(teams: FakeTeams, eyes: Eyes, trouble: Trouble) -> None:
    teams.faults.add(Fault(trouble, call="history"))

    with pytest.raises(SurfaceUnavailable, match=r"^history: http_"):
        await eyes.find("pst_1")


async def test_our_token_goes_to_graph_alone(teams: FakeTeams, eyes: Eyes) -> None:
    for number in range(5):
        post(teams, f"pst_{number}")
    teams.graph.next_host = "https://evil.example"

    assert await eyes.find("pst_0") is None
    assert teams.graph.looks == 1
