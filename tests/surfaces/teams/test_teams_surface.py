"""Teams as a surface, on the fake of Microsoft's side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bot.surfaces.base import SurfaceUnavailable
from bot.surfaces.teams.credentials import LocalTokens
from bot.surfaces.teams.history import History
from bot.surfaces.teams.hosts import Hosts
from bot.surfaces.teams.pacing import Pacer
from bot.surfaces.teams.roster import Roster
from bot.surfaces.teams.surface import TeamsSurface
from bot.surfaces.teams.wire import Client
from storage.jobs import Postpone
from storage.shared.slots import MemorySlots
from storage.tables import Role
from tests.fakes.teams import ANA, BO, CY, DEE, ELI, FakeTeams, Fault, Trouble
from tests.surfaces.cards import ended, waiting
from tests.surfaces.contract import PacedContract, SurfaceContract, put_up
from tests.surfaces.recording import Clock
from tests.surfaces.teams.hanging import OnTeams
from tests.surfaces.teams.working import known_as, policy, working


@asynccontextmanager
async def hanging(teams: FakeTeams, *, sends_per_second: float = 1000.0, **changes: Any) -> AsyncIterator[OnTeams]:
    clock, given = Clock(), policy(teams, **changes)
    client = Client(app_id=teams.app_id, tokens=LocalTokens(), hosts=Hosts.of(teams.url))
    history = History(LocalTokens(), graph_url=teams.graph_url)
    slots = MemorySlots(lambda: clock().timestamp())
    surface = TeamsSurface(
        client=client,
        history=history,
        policy=given,
        tenant=teams.tenant,
        pacer=Pacer(tenant=teams.tenant, slots=slots, clock=clock, sends_per_second=sends_per_second),
        roster=Roster(client, given, teams.tenant),
    )
    yield OnTeams(teams, surface, clock)
    await client.stop()
    await history.stop()


class TestTeamsKeepsTheContract(SurfaceContract):
    @pytest.fixture
    async def hung(self, teams: FakeTeams) -> AsyncIterator[OnTeams]:
        async with hanging(teams) as hung:
            yield hung


class TestTeamsIsPaced(PacedContract):
    @pytest.fixture
    async def hung(self, teams: FakeTeams) -> AsyncIterator[OnTeams]:
        async with hanging(teams, sends_per_second=1.0) as hung:
            yield hung


async def test_every_member_of_the_team_may_press_in_the_role_they_are_named_for(teams: FakeTeams) -> None:
    async with hanging(teams) as hung:
        members = {member.external_id: member for member in await hung.surface.members()}

    assert {name: member.role for name, member in members.items()} == {
        known_as(teams, ANA): Role.AGENT,
        known_as(teams, BO): Role.AGENT,
        known_as(teams, CY): Role.AGENT,
        known_as(teams, DEE): Role.SUPERVISOR,
        known_as(teams, ELI): Role.ADMIN,
    }
    assert members[known_as(teams, ANA)].name == "Ana Ruiz"
    assert members[known_as(teams, ANA)].email == "ana@larkspur.example"


async def test_where_agents_are_named_nobody_else_may_press(teams: FakeTeams) -> None:
    async with hanging(teams, agents=("BO@larkspur.example",), supervisors=(), admins=()) as hung:
        [member] = await hung.surface.members()

    assert (member.external_id, member.role) == (known_as(teams, BO), Role.AGENT)


@pytest.mark.parametrize(
    "said", [{"userRole": "guest"}, {"userRole": "anonymous"}, {"tenantId": "another"}, {"aadObjectId": None}]
)
async def test_guests_strangers_and_the_unnamed_are_no_agents(
    teams: FakeTeams, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ANA.member(teams.tenant) | {"objectId": None} | said
    async with hanging(teams) as hung:

        async def members(conversation: str, *, service_url: str) -> list[dict[str, Any]]:
            return [told]

        monkeypatch.setattr(hung.surface._client, "members", members)  # type: ignore[attr-defined]
        assert await hung.surface.members() == []


async def test_a_guest_who_is_named_may_press(teams: FakeTeams, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hanging(teams, agents=(ANA.aad,)) as hung:

        async def members(conversation: str, *, service_url: str) -> list[dict[str, Any]]:
            return [ANA.member(teams.tenant) | {"userRole": "guest"}]

        monkeypatch.setattr(hung.surface._client, "members", members)  # type: ignore[attr-defined]
        assert [member.role for member in await hung.surface.members()] == [Role.AGENT]


@pytest.mark.parametrize("without", ["a group", "consent"])
async def test_where_nobody_can_tell_whether_a_card_arrived_it_is_posted_again(teams: FakeTeams, without: str) -> None:
    """Twice is better than never; a decision counts once, whichever of the two is pressed."""
    teams.graph.consented = without != "consent"
    card = waiting()
    async with hanging(teams, **({"group": None} if without == "a group" else {})) as hung:
        hung.lose_the_answer_of_the_next_post(by_dropping=True)
        with pytest.raises(SurfaceUnavailable):
            await put_up(hung.surface, card, place=hung.place, thread=None, again=False)

        ref = await put_up(hung.surface, card, place=hung.place, thread=None, again=True)

        assert hung.keys() == [card.key, card.key]
        assert "Where is my tent?" in hung.words(ref)


async def test_a_rate_limit_holds_that_channel_for_as_long_as_teams_says(teams: FakeTeams) -> None:
    card = waiting()
    async with hanging(teams) as hung:
        teams.faults.add(Fault(Trouble.RATE_LIMITED, retry_after="30"))
        with pytest.raises(SurfaceUnavailable) as limited:
            await put_up(hung.surface, card, place=hung.place, thread=None, again=False)
        with pytest.raises(Postpone) as postponed:
            await put_up(hung.surface, card, place=hung.place, thread=None, again=False)
        await put_up(hung.surface, waiting(), place="19:billing@thread.tacv2", thread=None, again=False)

        assert limited.value.retry_after_seconds == 30
        assert 25 < (postponed.value.until - hung.now()).total_seconds() <= 30


async def test_a_card_of_another_channel_begins_a_thread_here(teams: FakeTeams) -> None:
    async with hanging(teams) as hung:
        first = await put_up(hung.surface, waiting(), place="19:billing@thread.tacv2", thread=None, again=False)
        card = waiting()
        await put_up(hung.surface, card, place=hung.place, thread=first, again=False)

        assert hung.keys() == [card.key]
        assert hung.in_thread_of(first) == []


async def test_the_link_leads_to_the_card_in_its_thread(teams: FakeTeams) -> None:
    async with hanging(teams) as hung:
        root = await put_up(hung.surface, waiting(), place=hung.place, thread=None, again=False)
        reply = await put_up(hung.surface, waiting(), place=hung.place, thread=root, again=False)
        link = await hung.surface.link(reply)

    [first, second] = [hung.posted(ref).id for ref in (root, reply)]
    assert link == (
        f"https://teams.microsoft.com/l/message/19%3Asupport%40thread.tacv2/{second}"
        f"?tenantId={teams.tenant}&groupId={teams.journal.team.aad_group}&parentMessageId={first}"
    )


async def test_a_redrawn_card_is_still_found_by_its_key(teams: FakeTeams) -> None:
    card = waiting()
    async with hanging(teams) as hung:
        ref = await put_up(hung.surface, card, place=hung.place, thread=None, again=False)
        await hung.surface.update(ref, ended(key=card.key))

        assert await put_up(hung.surface, card, place=hung.place, thread=None, again=True) == ref


async def test_entra_away_is_no_reason_not_to_start_and_is_told_until_it_is_back(
    teams: FakeTeams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", teams.certificate)
    teams.login.broken = True
    async with working(teams) as team:
        assert (await team.connected.trouble() or "").startswith("Teams gives us no token: token: ")
        teams.login.broken = False
        assert await team.connected.trouble()  # Entra was asked a moment ago
        team.clock.passed += timedelta(seconds=11)

        assert await team.connected.trouble() is None
