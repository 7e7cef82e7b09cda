"""The desk that random sequences happen to: real steps, database and worker, in a world that can be told to fail."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from adapters.base import Automatic, Inbound, PermanentFailure, Reply, Sender, TemporaryFailure
from bot.core.cards import Card
from bot.core.decisions import Shown
from bot.core.drafts import Case, Drafted, DraftUnavailable
from bot.surfaces.base import SurfaceUnavailable
from storage.database import Database, Tx, table_of
from storage.joins.facts import facts_behind
from storage.tables import (
    AgentIdentity,
    Conversation,
    Decision,
    Delivery,
    Draft,
    Feedback,
    Message,
    Posting,
    Review,
)
from tests.desk import Cards, Channel, Desk, Scripted
from tests.promised import Promised, open_jobs, promised

CHANNELS = {"ada": "web", "ben": "web", "cleo": "mail"}  # whose words come by which channel


@dataclass(frozen=True)
class View:
    """A card as somebody may have seen it; None: none hung there yet."""

    card: Card | None

    @property
    def shown(self) -> Shown | None:
        return self.card.shown if self.card else None


@dataclass
class Wall(Cards):
    """A surface that may be away."""

    away: bool = False

    async def post(self, card: Card, *, place: str, thread: str | None, again: bool) -> str:
        if self.away:
            raise SurfaceUnavailable("away")
        return await super().post(card, place=place, thread=thread, again=again)

    async def update(self, ref: str, card: Card) -> None:
        if self.away:
            raise SurfaceUnavailable("away")
        await super().update(ref, card)


@dataclass
class Wire(Channel):
    """A customer channel in one of its moods, with its own log of what became of each attempt."""

    mood: str = "takes"  # takes, is away, refuses
    log: list[tuple[str, str]] = field(default_factory=list)  # the reply's key; taken, lost, away, refused

    async def send(self, reply: Reply) -> str:
        if self.mood == "is away":
            self.log.append((reply.key, "away"))
            raise TemporaryFailure("503")
        if self.mood == "refuses":
            self.log.append((reply.key, "refused"))
            raise PermanentFailure("410")
        self.log.append((reply.key, "lost" if self.lost else "taken"))
        return await super().send(reply)


@dataclass
class Moody(Scripted):
    """A drafter that drafts, cannot, or takes its time: then it waits until it is let go."""

    mood: str = "drafts"  # drafts, cannot, repeats itself, takes its time
    waiting: list[asyncio.Event] = field(default_factory=list)
    made: dict[str, list[str]] = field(default_factory=dict)  # draft -> the questions it was made for

    async def draft(self, case: Case, snippets: Any) -> Drafted:
        mood = self.mood
        self.cases.append(case)
        number = len(self.cases)
        if mood == "takes its time":
            gate = asyncio.Event()
            self.waiting.append(gate)
            await gate.wait()
        if mood == "cannot":
            raise DraftUnavailable("overloaded", "The model is overloaded.")
        text = "We are looking into it." if mood == "repeats itself" else f"Draft {number}: {case.question}"
        self.made.setdefault(text, []).append(case.question)
        return Drafted(text=text, sources=(), offline=False, model="scripted", prompt_version="1")

    def let_go(self) -> None:
        gates, self.waiting = self.waiting, []
        for gate in gates:
            gate.set()


@dataclass(frozen=True)
class Rows:
    """Everything in the database that a promise speaks about."""

    conversations: dict[str, Conversation]  # by the name of their thread
    reviews: list[Review]
    drafts: dict[str, Draft]
    messages: list[Message]
    deliveries: dict[str, Delivery]  # by message
    decisions: dict[str, Decision]
    feedback: list[Feedback]
    postings: list[Posting]
    jobs: list[Promised]
    agents: dict[str, str]  # id -> the surface's own

    def of(self, thread: str) -> list[Message]:
        found = self.conversations.get(thread)
        return [one for one in self.messages if found and one.conversation_id == found.id]


def _every(tx: Tx, model: Any) -> list[Any]:
    table = table_of(model)
    return tx.all(model, select(table).order_by(table.c.id))


class World(Desk):
    """The bot with three customers on two channels: `mail` does not recognise what it got before."""

    def __init__(self, db: Database) -> None:
        desk = {"hold_seconds": 10, "quiet_seconds": 4, "quiet_most_seconds": 20, "draft_deadline_seconds": 300}
        super().__init__(db, desk=desk)
        self.cards = self.wall = Wall(people=self.cards.people)
        self.drafter = self.moody = Moody()
        self.wires = {"web": Wire(), "mail": Wire(name="mail", repeats_safely=False)}
        surfaces = {"slack": self.wall}
        self.showing = replace(self.showing, surfaces=surfaces)
        self.roster = replace(self.roster, surfaces=surfaces)
        self.front = replace(self.front, showing=self.showing, roster=self.roster)
        self.relaying = replace(self.relaying, adapters=self.wires)
        self.drafting = replace(self.drafting, drafter=self.moody)

    async def settle(self) -> None:
        """Until all that is due has been done, apart from drafts whose drafter takes its time."""
        async with asyncio.timeout(60):
            while True:
                due = await self.db.read(lambda tx: open_jobs(tx, self.clock.now))
                if due == self.jobs.busy == len(self.moody.waiting):
                    return
                await asyncio.sleep(0.002)

    async def hear(self, thread: str, words: str, *, key: str, automatic: bool) -> None:
        sender = Sender(external_id=f"customer {thread}", name=thread.capitalize())
        kind = Automatic.AUTO_REPLY if automatic else None
        await self.receive(
            Inbound(channel=CHANNELS[thread], thread=thread, external_id=key, sender=sender, text=words, automatic=kind)
        )

    async def rows(self) -> Rows:
        return await self.db.read(self._rows)

    def _rows(self, tx: Tx) -> Rows:
        messages = sorted(_every(tx, Message), key=lambda one: (one.conversation_id, one.sequence))
        identity = table_of(AgentIdentity)
        people = tx.run(select(identity.c.agent_id, identity.c.external_id))
        return Rows(
            conversations={one.external_id: one for one in _every(tx, Conversation)},
            reviews=_every(tx, Review),
            drafts={one.id: one for one in _every(tx, Draft)},
            messages=messages,
            deliveries={one.message_id: one for one in _every(tx, Delivery)},
            decisions={one.id: one for one in _every(tx, Decision)},
            feedback=_every(tx, Feedback),
            postings=sorted(_every(tx, Posting), key=lambda one: (one.created_at, one.id)),
            jobs=promised(tx),
            agents={row.agent_id: row.external_id for row in people},
        )

    async def drawn_anew(self, posting: Posting) -> Card:
        facts = await self.db.read(lambda tx: facts_behind(tx, posting.id))
        assert facts is not None
        return await self.showing.card(facts)
