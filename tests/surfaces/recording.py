"""A desk that records what it is asked and answers as it is told, and Slack connected to it over real HTTP."""

import asyncio
import atexit
import contextlib
import functools
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from bot.core import verdicts
from bot.core.cards import Action, Card, Queue, Status
from bot.core.decisions import Answer, Decision, PauseRequest, Press, Presser, Shown, Verdict
from bot.core.policy import SlackPolicy
from bot.sandbox import SandboxServer
from bot.sandbox.messages import Message
from bot.surfaces.slack import Connected, connect
from storage import schema
from storage.database import Database
from storage.shared.slots import MemorySlots
from storage.shared.wakes import LocalWakes, Wakes
from storage.tables import Role
from tests.patience import PATIENCE_SECONDS
from tests.serving import serve

RECORDED = Verdict(answer=Answer.RECORDED, words="")
CATEGORIES = (("billing", "Billing"), ("lost_parcel", "Lost parcel"), ("general", "General"))


@dataclass
class RecordingDesk:
    """`verdicts` are given in turn, then RECORDED; `cards` are known by their conversation's id."""

    presses: list[Press] = field(default_factory=list)
    verdicts: list[Verdict | Exception] = field(default_factory=list)
    cards: dict[str, Card] = field(default_factory=dict)
    threads: dict[str, Card] = field(default_factory=dict)  # by the ref of a thread's first card
    agents: dict[str, Role] = field(default_factory=lambda: dict.fromkeys(("U0ANA", "U0BO", "U0CY"), Role.AGENT))
    queues: dict[str, Queue] = field(default_factory=dict)
    pauses: list[PauseRequest] = field(default_factory=list)
    resumed: list[str | None] = field(default_factory=list)
    hindrances: dict[Action, Verdict] = field(default_factory=dict)
    rosters: list[str] = field(default_factory=list)

    async def decide(self, press: Press) -> Verdict:
        self.presses.append(press)
        verdict = self.verdicts.pop(0) if self.verdicts else RECORDED
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    async def card(self, shown: Shown) -> Card | None:
        return self.cards.get(shown.conversation_id)

    async def card_at(self, surface: str, ref: str) -> Card | None:
        return self.threads.get(ref)

    async def may(self, who: Presser) -> Role | None:
        return self.agents.get(who.external_id)

    async def hindrance(self, who: Presser, on: Shown, action: Action) -> Verdict | None:
        return verdicts.NOT_ALLOWED if who.external_id not in self.agents else self.hindrances.get(action)

    async def queue(self, who: Presser) -> Queue:
        nobody = Queue(agent=None, mine=(), waiting=(), waiting_total=0)
        return self.queues.get(who.external_id, nobody)

    async def status(self) -> Status:
        return Status(
            waiting=3,
            oldest_waiting_since=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
            taken_over=1,
            failed_deliveries=2,
            drafter="claude-sonnet-5-5",
            pauses=("Drafting is paused for billing until 2026-11-22T14:00:00Z (Bo Lindqvist)",),
            sent_today=41,
        )

    async def pause(self, request: PauseRequest) -> Verdict:
        self.pauses.append(request)
        return Verdict(answer=Answer.RECORDED, words="Paused until 2026-11-22T14:00:00Z.")

    async def resume(self, who: Presser, category: str | None) -> Verdict:
        self.resumed.append(category)
        return Verdict(answer=Answer.RECORDED, words="Drafting again.")

    async def roster_changed(self, surface: str) -> None:
        self.rosters.append(surface)

    @property
    def decisions(self) -> list[Decision]:
        return [press.decision for press in self.presses]


class Clock:
    """Real time, plus what a test lets pass."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.passed


def policy(**changes: Any) -> SlackPolicy:
    given = {"channel": "C0SUPPORT", "agents_group": "S0AGENTS", "supervisors_group": "S0LEADS", "admins": ("U0ELI",)}
    return SlackPolicy(**{**given, "posts_per_second": 1000, "updates_per_minute": 100_000, **changes})


@dataclass
class Office:
    """A workspace, the bot's Slack side, and the desk behind it."""

    sandbox: SandboxServer
    slack: Connected
    desk: RecordingDesk
    clock: Clock
    url: str

    async def post(self, card: Card, *, place: str = "C0SUPPORT", thread: str | None = None) -> tuple[str, Message]:
        """Put a card up, known to the desk; its ref, and the message."""
        self.desk.cards[card.shown.conversation_id] = card
        await self.slack.surface.turn(card, place=place)
        ref = await self.slack.surface.post(card, place=place, thread=thread, again=False)
        return ref, self.message(ref)

    def message(self, ref: str) -> Message:
        channel, ts = ref.split("/")[:2]
        return self.sandbox.workspace.message(channel, ts)


@functools.cache
def _migrated() -> Path:
    """A SQLite file to copy, made once a run."""
    folder = tempfile.mkdtemp(prefix="signoff-slack-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    schema.upgrade(f"sqlite:///{folder}/migrated.db")
    return Path(folder) / "migrated.db"


@contextlib.asynccontextmanager
async def opened(
    sandbox: SandboxServer,
    *,
    clock: Callable[[], datetime] | None = None,
    over_socket: bool = False,
    db: Database | None = None,
    wakes: Wakes | None = None,
    **changes: Any,
) -> AsyncIterator[Office]:
    """The bot's Slack side at work, by HTTP or by Socket Mode; on a database of its own unless it shares one."""
    if db is None:
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copy(_migrated(), f"{folder}/signoff.db")
            own = Database(f"sqlite:///{copy}")
            async with own, opened(sandbox, clock=clock, over_socket=over_socket, db=own, **changes) as office:
                yield office
        return
    desk, time = RecordingDesk(), Clock()
    slack = connect(
        policy=policy(**changes),
        categories=CATEGORIES,
        bot_token=sandbox.bot_token,
        signing_secret=sandbox.signing_secret,
        app_token=sandbox.app_token if over_socket else None,
        api_url=sandbox.api_url,
        desk=desk,
        db=db,
        wakes=wakes or LocalWakes(),
        slots=MemorySlots(lambda: (clock or time)().timestamp()),
        clock=clock or time,
    )
    async with serve(Starlette(routes=slack.routes)) as url:
        if not over_socket:
            sandbox.connect(f"{url}/slack/events")
        await slack.start()
        try:
            yield Office(sandbox, slack, desk, time, f"{url}/slack/events")
        finally:
            await slack.stop()


async def eventually(look: Callable[[], Awaitable[bool]], *, within_seconds: float = PATIENCE_SECONDS) -> None:
    """Look until it is so. Raises TimeoutError."""
    async with asyncio.timeout(within_seconds):
        while not await look():  # noqa: ASYNC110 - what is looked for is announced nowhere
            await asyncio.sleep(0.02)
