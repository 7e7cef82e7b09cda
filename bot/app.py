"""Everything is built here, and only here."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr
from starlette.routing import BaseRoute

from adapters.base import Adapter
from adapters.webchat import WebChat
from adapters.webhook import Webhook
from bot import drafting
from bot.clock import SteadyClock
from bot.core.policy import ChannelPolicy, Policy, WebChatPolicy, WebhookPolicy
from bot.drafting.offline import OfflineDrafter
from bot.drafting.retrieval import FullTextLibrary, import_folder
from bot.metrics import drafts
from bot.settings import Settings
from bot.steps.budget import Budget
from bot.steps.clocks import Clocks, timers
from bot.steps.deciding import Deciding
from bot.steps.desk import FrontDesk
from bot.steps.drafting import Drafting
from bot.steps.forgetting import Forgetting
from bot.steps.posting import Showing
from bot.steps.receiving import Receiving
from bot.steps.relaying import Relaying
from bot.steps.roster import Roster
from bot.steps.transcribing import Transcribing
from bot.steps.workshop import Workshop
from bot.surfaces import slack
from bot.surfaces.base import Surface
from storage.database import Database
from storage.failpoints import Point, reached
from storage.jobs import Retry, Work
from storage.jobs.engine import Engine, engine
from storage.shared.slots import slots
from storage.shared.wakes import Wakes, hint
from storage.shared.wakes import wakes as told_to_all
from storage.tables import JobKind

if TYPE_CHECKING:
    from bot.drafting.claude import ClaudeDrafter

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# Cards and drafts are tried for a day, replies for six hours: longer than a remote's bad afternoon. Then a reply's card
# turns red; of the others the log and `signoff doctor` tell.
CARDS: Final = Retry(cap=timedelta(minutes=1), attempts=1440)
REPLIES: Final = Retry(cap=timedelta(minutes=5), attempts=80)
_RUSH: Final = 4  # presses waiting for their answer at the same moment; people wait, a card's redrawing can
DRAFTS: Final = Retry(cap=timedelta(minutes=1), attempts=1440)


@dataclass
class App:
    """The bot, whole. `start` and `stop` are called once each."""

    settings: Settings
    policy: Policy
    db: Database
    jobs: Engine
    wakes: Wakes
    works: Mapping[JobKind, Work]
    slack: slack.Connected
    adapters: tuple[Adapter, ...]
    drafter: "ClaudeDrafter | OfflineDrafter"
    desk: FrontDesk
    roster: Roster
    clocks: Clocks
    clock: Clock
    _working: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.policy.desk.name

    @property
    def surface_routes(self) -> tuple[BaseRoute, ...]:
        return tuple(self.slack.routes)

    async def start(self) -> None:
        await self.db.__aenter__()
        await self.wakes.start()
        await self._read_knowledge()
        await self.slack.start()
        await self.roster.read_all()
        self._working = asyncio.create_task(self.jobs.work(self.works), name="jobs")
        await self.clocks.start()
        reached(Point.STARTED)

    async def stop(self) -> None:
        """Jobs under way finish or are promised again; then everything closes, the database last."""
        reached(Point.STOPPING)
        self.clocks.stop()
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working
        reached(Point.STOPPED)
        await self.slack.stop()
        for adapter in self.adapters:
            await adapter.close()
        await self.drafter.aclose()
        await self.wakes.stop()
        await self.db.__aexit__()

    async def ready(self) -> dict[str, str | None]:
        if self._working is None or self._working.done():
            return {"jobs": "The worker ended: restart, and look for its last error in the log."}
        return {"jobs": None if self.jobs.alive else "Jobs wait for the database: see that it runs and answers."}

    async def troubles(self) -> dict[str, str | None]:
        """What hinders the surfaces. Customers' messages are kept meanwhile: no reason to be unready."""
        return {slack.NAME: await self.slack.trouble()}

    async def _read_knowledge(self) -> None:
        folder = self.policy.desk.knowledge
        if folder is None:
            return
        imported = await import_folder(self.db, Path(folder), clock=self.clock)
        for rejected in imported.rejected:
            log.warning("article left out", extra={"file": rejected.file, "why": rejected.why})


def build(settings: Settings, policy: Policy, *, clock: Clock | None = None, wall: Clock | None = None) -> App:
    """Nothing is opened or started yet.

    Without a `clock`, the bot waits and writes by a steady one. Signatures are held against `wall`: without one that is
    the `clock` given, or else the machine's.
    """
    wall = wall or clock or _machines_time
    clock = clock or SteadyClock()
    db = Database(settings.database_url)
    wakes = told_to_all(db)
    jobs = engine(db, clock, wakes)
    surfaces: dict[str, Surface] = {}
    shop = Workshop(db=db, jobs=jobs, policy=policy, clock=clock, surfaces=(slack.NAME,))
    key = settings.anthropic_api_key
    drafter = drafting.drafter(policy, key.get_secret_value() if key else None, settings.anthropic_base_url, clock)
    library = FullTextLibrary(db)
    showing = Showing(shop, library, surfaces)
    roster = Roster(shop, surfaces)
    deciding = Deciding(shop)
    desk = FrontDesk(shop, deciding, showing, roster, "offline" if drafter.offline else policy.models.draft)
    connected = slack.connect(
        policy=policy.slack,
        categories=[(name, policy.category_title(name)) for name in policy.category_names],
        desk=desk,
        db=db,
        wakes=wakes,
        slots=slots(db, wakes),
        clock=clock,
        wall=wall,
        bot_token=settings.slack_bot_token.get_secret_value(),
        # Without one (Socket Mode) nothing that comes by HTTP is signed rightly.
        signing_secret=_plain(settings.slack_signing_secret) or secrets.token_hex(32),
        app_token=_plain(settings.slack_app_token),
        api_url=settings.slack_api_url,
    )
    surfaces[slack.NAME] = connected.surface
    adapters = tuple(_adapter(name, channel, shop, settings, wakes, wall) for name, channel in policy.channels.items())
    relaying = Relaying(shop, {adapter.name: adapter for adapter in adapters})
    works = {
        JobKind.DRAFT: Work(
            handle=Drafting(
                shop, drafter, library, Budget(db, policy.models), lambda result: drafts.labels(result=result).inc()
            ),
            at_once=8,
            retry=DRAFTS,
        ),
        JobKind.SHOW: Work(handle=showing, at_once=lambda: _cards_at_once(deciding), retry=CARDS, merge=True),
        JobKind.RELEASE: Work(handle=relaying.release, at_once=32, retry=REPLIES),
        JobKind.RELAY: Work(handle=relaying.relay, at_once=32, retry=REPLIES, given_up=relaying.given_up),
        JobKind.ROSTER: Work(handle=roster, at_once=1),
        JobKind.FORGET: Work(handle=Forgetting(db, clock), at_once=1),
    }
    return App(
        settings=settings,
        policy=policy,
        db=db,
        jobs=jobs,
        wakes=wakes,
        works=works,
        slack=connected,
        adapters=adapters,
        drafter=drafter,
        desk=desk,
        roster=roster,
        clocks=Clocks(shop, timers(shop)),
        clock=clock,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _cards_at_once(deciding: Deciding) -> int:
    """As many as hide Slack's latency, but few while agents press faster than they are answered."""
    return 2 if deciding.under_way >= _RUSH else 8


def _machines_time() -> datetime:
    return datetime.now(UTC)


def _adapter(
    name: str, channel: ChannelPolicy, shop: Workshop, settings: Settings, wakes: Wakes, wall: Clock
) -> Adapter:
    receive = Receiving(shop)
    match channel:
        case WebChatPolicy():
            topic = f"webchat/{name}"
            chat = WebChat(
                name=name,
                title=channel.title,
                receive=receive,
                transcript=Transcribing(shop.db, name),
                secret=settings.secret.get_secret_value(),
                clock=shop.clock,
                wall=wall,
                tell=None if shop.db.sqlite else partial(hint, shop.db, wakes, topic),
                allowed_origins=channel.allowed_origins,
                company=shop.policy.desk.name,
            )
            wakes.subscribe(topic, chat.wake, missed=chat.wake_all)
            return chat
        case WebhookPolicy():
            return Webhook(
                name=name,
                title=channel.title,
                receive=receive,
                url=channel.url,
                secrets=settings.secret_of(channel.secret_env),
                clock=wall,  # it signs, and holds signatures against it; nothing waits by it
                timeout_seconds=channel.timeout_seconds,
            )
