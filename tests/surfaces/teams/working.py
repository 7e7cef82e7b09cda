"""Teams connected to a desk that records, over real HTTP on both sides."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.applications import Starlette

from bot.core.cards import Card
from bot.core.policy import TeamsPolicy
from bot.surfaces.teams.connect import Connected, connect
from bot.surfaces.teams.hosts import Microsoft
from storage.shared.slots import MemorySlots
from storage.tables import Role
from tests.fakes.teams import ANA, BO, FakeTeams, Person, Posted
from tests.serving import serve
from tests.surfaces.recording import CATEGORIES, Clock, RecordingDesk
from tests.surfaces.teams.cards.drawn import button
from tests.surfaces.teams.hanging import OnTeams

SUPPORT = "19:support@thread.tacv2"


def policy(teams: FakeTeams, **changes: Any) -> TeamsPolicy:
    given = {"team": teams.journal.team.id, "channel": SUPPORT, "group": teams.journal.team.aad_group}
    named = {"supervisors": ("Dee@Larkspur.example",), "admins": ("00000000-0000-4000-8000-0000000000E1",)}
    return TeamsPolicy.model_validate({**given, **named, "service_url": teams.service_url, **changes})


def microsoft(teams: FakeTeams) -> Microsoft:
    return Microsoft(metadata_url=teams.metadata_url, login_url=teams.login_url, graph_url=teams.graph_url)


@dataclass
class Team:
    """A team, the bot's side of it, and the desk behind it."""

    teams: FakeTeams
    connected: Connected
    desk: RecordingDesk
    url: str
    clock: Clock

    async def post(self, card: Card, *, thread: str | None = None) -> tuple[str, Posted]:
        """Put a card up, known to the desk; its ref, and what hangs there."""
        self.desk.cards[card.shown.conversation_id] = card
        await self.connected.surface.turn(card, place=SUPPORT)
        ref = await self.connected.surface.post(card, place=SUPPORT, thread=thread, again=False)
        return ref, OnTeams(self.teams, self.connected.surface).posted(ref)

    async def deliver(self, activity: dict[str, Any]) -> httpx2.Response:
        return await self.teams.deliver(activity, to=self.url)

    async def press(
        self, on: Posted, verb: str, *, by: Person = ANA, card: Any = None, **inputs: str
    ) -> dict[str, Any]:
        """Press a button of the card that hangs there, or of the one that answered an earlier press."""
        data = button(card or on.cards[0], verb)["data"] | inputs
        return await self.invoke(self.teams.says.press(on, verb, data, by=by))

    async def invoke(self, activity: dict[str, Any]) -> dict[str, Any]:
        """The body of the answer, which is 200 whatever became of the press."""
        answer = await self.deliver(activity)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def say(self, text: str, *, by: Person = ANA, conversation: str | None = None) -> list[Posted]:
        """Say it, in the chat or mentioning the bot; what it answered there."""
        chat = self.teams.says.chat(by)
        self.teams.journal.chats.add(chat)
        before = len(self.teams.journal.posted)
        answer = await self.deliver(self.teams.says.says(text, by=by, conversation=conversation))
        assert answer.status_code == 202, answer.text
        return self.teams.journal.posted[before:]


def known_as(teams: FakeTeams, person: Person) -> str:
    return f"{teams.tenant}/{person.aad}"


@contextlib.asynccontextmanager
async def working(teams: FakeTeams, *, local: bool = False, **changes: Any) -> AsyncIterator[Team]:
    """The bot's Teams side at work. The fake's certificate must be trusted, see conftest; not so if it is `local`."""
    desk, clock = RecordingDesk(), Clock()
    desk.agents = {known_as(teams, each): Role.AGENT for each in (ANA, BO)}
    connected = connect(
        policy=policy(teams, **changes),
        categories=CATEGORIES,
        app_id=None if local else teams.app_id,
        password=None if local else teams.password,
        tenant=teams.tenant.upper(),
        desk=desk,
        slots=MemorySlots(lambda: clock().timestamp()),
        clock=clock,
        wall=clock,
        microsoft=microsoft(teams),
    )
    async with serve(Starlette(routes=connected.routes)) as url:
        await connected.start()
        try:
            yield Team(teams, connected, desk, f"{url}/api/messages", clock)
        finally:
            await connected.stop()
