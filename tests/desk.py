"""The whole bot in one process, without a network: `customer_says`, `press`, `pass_time`, `customer_heard`.

The database, the worker and every step are real. What is across a network is a fake that records: a surface that keeps
cards, and a channel that keeps replies. Tests that need Slack itself run on the local workspace instead.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from fastapi import APIRouter

from adapters.base import Attachment, Automatic, Inbound, Reply, Sender
from bot.core.cards import Action, Card, CardState
from bot.core.decisions import Decision, Press, Presser, Shown, Verdict
from bot.core.drafts import Case, Drafted, DraftUnavailable, ModelTriage, Precedent, Snippet
from bot.core.policy import Policy
from bot.steps.budget import Budget
from bot.steps.deciding import Deciding
from bot.steps.desk import FrontDesk
from bot.steps.drafting import Drafting
from bot.steps.forgetting import Forgetting
from bot.steps.posting import Showing
from bot.steps.receiving import Receiving
from bot.steps.relaying import Relaying
from bot.steps.roster import Roster
from bot.steps.workshop import Workshop
from bot.surfaces.base import Member
from storage.database import Database
from storage.jobs import Postpone, Retry, Work
from storage.jobs.engine import engine
from storage.shared.wakes import wakes
from storage.tables import JobKind, Role
from tests.clock import Clock
from tests.patience import PATIENCE_SECONDS
from tests.promised import open_jobs

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY: dict[str, Any] = {
    "desk": {"hold_seconds": 10, "quiet_seconds": 4},
    "slack": {"channel": "C0SUPPORT", "agents": ["U0ANA"]},
    "categories": [
        {"name": "billing", "title": "Billing", "keywords": ["invoice", "charged"], "channel": "C0BILLING"},
        {"name": "legal", "title": "Legal", "keywords": ["lawyer"], "draft": False, "priority": "high"},
    ],
    "tiers": {"vip": {"title": "VIP", "priority": "high"}},
    "channels": {"web": {"kind": "webhook", "title": "Shop", "secret_env": "SHOP"}},
}


@dataclass
class Cards:
    """A surface that keeps cards."""

    name: str = "slack"
    hanging: dict[str, Card] = field(default_factory=dict)
    threads: dict[str, str | None] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    posts: int = 0
    updates: int = 0
    looked: list[str] = field(default_factory=list)  # keys that a post looked for first
    failures: list[Exception] = field(default_factory=list)  # raised by the next calls, in turn
    waits: list[Postpone] = field(default_factory=list)  # raised by the next turns
    lost: bool = False  # posts arrive, but their answers don't
    people: list[Member] = field(default_factory=list)
    unsaid: list[Exception] = field(default_factory=list)  # raised instead of the next memberships, in turn

    async def turn(self, card: Card, *, place: str) -> None:
        if self.waits:
            raise self.waits.pop(0)

    async def post(self, card: Card, *, place: str, thread: str | None, again: bool) -> str:
        if again:
            self.looked.append(card.key)
            for ref, hung in self.hanging.items():
                if hung.key == card.key:
                    return ref
        if self.failures:
            raise self.failures.pop(0)
        self.posts += 1
        ref = f"{place}/{self.posts}"
        self.hanging[ref], self.threads[ref], self.places[ref] = card, thread, place
        if self.lost:
            self.lost = False
            raise ConnectionError("the answer was lost")
        return ref

    async def update(self, ref: str, card: Card) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.updates += 1
        self.hanging[ref] = card

    async def members(self) -> Sequence[Member]:
        if self.unsaid:
            raise self.unsaid.pop(0)
        return self.people

    async def link(self, ref: str) -> str | None:
        return None


@dataclass
class Channel:
    """A customer channel that keeps replies."""

    name: str = "web"
    title: str = "Shop"
    repeats_safely: bool = True
    routes: APIRouter = field(default_factory=APIRouter)
    sent: list[Reply] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    lost: bool = False  # it takes the reply, but its answer is lost

    async def send(self, reply: Reply) -> str:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(reply)
        if self.lost:
            self.lost = False
            raise ConnectionError("the answer was lost")
        return f"ext-{reply.key}"

    async def close(self) -> None: ...


@dataclass
class Scripted:
    """A drafter that says what it is told to."""

    offline: bool = False
    replies: list[str | Exception] = field(default_factory=list)
    triaged: ModelTriage | None = None
    cases: list[Case] = field(default_factory=list)
    gate: asyncio.Event | None = None  # set: drafting waits for it
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def triage(self, case: Case) -> ModelTriage | None:
        return self.triaged

    async def draft(self, case: Case, snippets: Sequence[Snippet]) -> Drafted:
        self.cases.append(case)
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        reply = self.replies.pop(0) if self.replies else f"Reply to: {case.question}"
        if isinstance(reply, Exception):
            raise reply
        return Drafted(text=reply, sources=(), offline=self.offline, model="scripted", prompt_version="1")


class NoLibrary:
    async def search(self, question: str, *, limit: int = 6) -> list[Snippet]:
        return []

    async def precedents(self, question: str, *, not_of: str, limit: int = 3) -> list[Precedent]:
        return []


def member(external_id: str, name: str, role: Role = Role.AGENT) -> Member:
    return Member(external_id=external_id, name=name, email=f"{external_id.lower()}@larkspur.example", role=role)


PEOPLE = [
    member("U0ANA", "Ana Ruiz"),
    member("U0BO", "Bo Lindqvist"),
    member("U0DEE", "Dee Marsh", Role.SUPERVISOR),
    *(member(f"U1{number:02}", f"Agent {number}") for number in range(20)),
]
IDS = {person.name.split()[0]: person.external_id for person in PEOPLE[:3]}


class Desk:
    """The bot with its people, for one test."""

    def __init__(self, db: Database, **changes: Any) -> None:
        self.db, self.clock = db, Clock(MONDAY)
        policy = {**POLICY, **changes}
        self.policy = Policy.model_validate(policy)
        self.cards, self.channel, self.drafter = Cards(people=list(PEOPLE)), Channel(), Scripted()
        self.jobs = engine(db, self.clock, wakes(db), grace=timedelta(seconds=5))
        self.shop = Workshop(db=db, jobs=self.jobs, policy=self.policy, clock=self.clock, surfaces=("slack",))
        surfaces = {"slack": self.cards}
        self.library: Any = NoLibrary()
        self.showing = Showing(self.shop, self.library, surfaces)
        self.roster = Roster(self.shop, surfaces)
        self.front = FrontDesk(self.shop, Deciding(self.shop), self.showing, self.roster, "scripted")
        self.receive = Receiving(self.shop)
        self.relaying = Relaying(self.shop, {"web": self.channel})
        self.drafting = Drafting(self.shop, self.drafter, self.library, Budget(db, self.policy.models), lambda _: None)
        self._messages = 0
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.roster.read_all()
        self.open_shop()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close_shop()

    def open_shop(self) -> None:
        retry = Retry(first=timedelta(seconds=1), cap=timedelta(minutes=5), attempts=80)
        works = {
            JobKind.DRAFT: Work(handle=self.drafting, retry=retry),
            JobKind.SHOW: Work(handle=self.showing, retry=retry),
            JobKind.RELEASE: Work(handle=self.relaying.release, retry=retry),
            JobKind.RELAY: Work(handle=self.relaying.relay, retry=retry, given_up=self.relaying.given_up),
            JobKind.ROSTER: Work(handle=self.roster, retry=retry),
            JobKind.FORGET: Work(handle=Forgetting(self.db, self.clock), retry=retry),
        }
        self._worker = asyncio.create_task(self.jobs.work(works))

    async def close_shop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
            self._worker = None

    async def settle(self) -> None:
        """Wait until nothing is due and nothing is under way."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                due = await self.db.read(lambda tx: open_jobs(tx, self.clock.now))
                if not due and not self.jobs.busy:
                    return
                await asyncio.sleep(0.005)

    async def pass_time(self, seconds: float) -> None:
        """Move the clock and let everything that is due happen. Retries due on the way happen at its end."""
        self.clock.now += timedelta(seconds=seconds)
        self.jobs.wake()
        await self.settle()

    async def customer_says(
        self,
        text: str,
        *,
        thread: str = "t1",
        name: str = "Ada Kern",
        tier: str | None = None,
        automatic: Automatic | None = None,
        files: tuple[Attachment, ...] = (),
        id: str | None = None,
        quiet: bool = True,
    ) -> None:
        """A message, and the quiet time after it unless a burst goes on."""
        self._messages += 1
        await self.receive(
            Inbound(
                channel="web",
                thread=thread,
                external_id=id or f"m{self._messages}",
                sender=Sender(external_id=f"customer of {thread}", name=name, tier=tier),
                text=text,
                attachments=files,
                automatic=automatic,
            )
        )
        if quiet:
            await self.pass_time(self.policy.desk.quiet_seconds)

    @property
    def card(self) -> Card:
        """The newest card."""
        return list(self.cards.hanging.values())[-1]

    @property
    def open_cards(self) -> list[Card]:
        return [card for card in self.cards.hanging.values() if card.state is CardState.WAITING]

    async def press(
        self, decision: Decision, *, by: str, on: Card | Shown | None = None, event: str | None = None
    ) -> Verdict:
        """On the newest card, unless another is given; what follows from it at once has happened when this returns."""
        verdict = await self.press_only(decision, by=by, on=on, event=event)
        await self.settle()
        return verdict

    async def press_only(
        self, decision: Decision, *, by: str, on: Card | Shown | None = None, event: str | None = None
    ) -> Verdict:
        shown = on.shown if isinstance(on, Card) else on or self.card.shown
        who = Presser(surface="slack", external_id=IDS.get(by, by))
        return await self.front.decide(Press(who=who, on=shown, decision=decision, event=event))

    @property
    def customer_heard(self) -> list[str]:
        return [reply.text for reply in self.channel.sent]

    def offers(self, action: Action) -> bool:
        return action in self.card.buttons + self.card.menu


__all__ = ["MONDAY", "POLICY", "Desk", "DraftUnavailable"]
