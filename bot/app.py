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
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr
from starlette.routing import BaseRoute

from adapters.base import Adapter
from adapters.webchat import WebChat
from adapters.webhook import Webhook
from bot import drafting
from bot.clock import SteadyClock
from bot.core.policy import ChannelPolicy, Policy, TeamsPolicy, WebChatPolicy, WebhookPolicy
from bot.drafting.offline import OfflineDrafter
from bot.drafting.retrieval import FullTextLibrary, import_folder
from bot.metrics import drafts
from bot.settings import Settings, is_local
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
from bot.surfaces.teams.hosts import Microsoft
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
    from bot.surfaces.teams import connect as teams

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# Cards and drafts are tried for a day, replies for six hours: longer than a remote's bad afternoon. Then a reply's card
# turns red; of the others the log and `signoff doctor` tell.
CARDS: Final = Retry(cap=timedelta(minutes=1), attempts=1440)
REPLIES: Final = Retry(cap=timedelta(minutes=5), attempts=80)
TEAMS: Final = "teams"  # bot.surfaces.teams.surface.NAME, which only those who work with Teams import
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
    teams: "teams.Connected | None"  # None: cards go to Slack alone
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
        return (*self.slack.routes, *(self.teams.routes if self.teams else ()))

    async def start(self) -> None:
        await self.db.__aenter__()
        await self.wakes.start()
        await self._read_knowledge()
        await self.slack.start()
        if self.teams is not None:
            await self.teams.start()
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
        if self.teams is not None:
            await self.teams.stop()
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
        troubles = {slack.NAME: await self.slack.trouble()}
        return troubles if self.teams is None else {**troubles, TEAMS: await self.teams.trouble()}

    async def _read_knowledge(self) -> None:
        folder = self.policy.desk.knowledge
        if folder is None:
            return
        imported = await import_folder(self.db, Path(folder), clock=self.clock)
        for rejected in imported.rejected:
            log.warning("article left out", extra={"file": rejected.file, "why": rejected.why})


def build(
    settings: Settings,
    policy: Policy,
    *,
    clock: Clock | None = None,
    wall: Clock | None = None,
    microsoft: Microsoft | None = None,
    insecure_local: bool = False,
) -> App:
    """Nothing is opened or started yet.

    Without a `clock`, the bot waits and writes by a steady one. Signatures are held against `wall`: without one that is
    the `clock` given, or else the machine's. `microsoft` is where a local one is. `insecure_local`: see settings.load.
    """
    wall = wall or clock or _machines_time
    clock = clock or SteadyClock()
    db = Database(settings.database_url)
    wakes = told_to_all(db)
    jobs = engine(db, clock, wakes)
    surfaces: dict[str, Surface] = {}
    shop = Workshop(db=db, jobs=jobs, policy=policy, clock=clock, surfaces=_surfaces(policy))
    key = settings.anthropic_api_key
    drafter = drafting.drafter(policy, key.get_secret_value() if key else None, settings.anthropic_base_url, clock)
    library = FullTextLibrary(db)
    showing = Showing(shop, library, surfaces)
    roster = Roster(shop, surfaces)
    deciding = Deciding(shop)
    desk = FrontDesk(shop, deciding, showing, roster, "offline" if drafter.offline else policy.models.draft)
    categories = [(name, policy.category_title(name)) for name in policy.category_names]
    pace = slots(db, wakes)
    connected = slack.connect(
        policy=policy.slack,
        categories=categories,
        desk=desk,
        db=db,
        wakes=wakes,
        slots=pace,
        clock=clock,
        wall=wall,
        bot_token=settings.slack_bot_token.get_secret_value(),
        # Without one (Socket Mode) nothing that comes by HTTP is signed rightly.
        signing_secret=_plain(settings.slack_signing_secret) or secrets.token_hex(32),
        app_token=_plain(settings.slack_app_token),
        api_url=settings.slack_api_url,
    )
    surfaces[slack.NAME] = connected.surface
    in_teams = None
    if policy.teams is not None:
        in_teams = _teams(
            settings,
            policy.teams,
            insecure_local,
            categories=categories,
            desk=desk,
            slots=pace,
            clock=clock,
            wall=wall,
            microsoft=microsoft or Microsoft(),
        )
        surfaces[TEAMS] = in_teams.surface
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
        teams=in_teams,
        adapters=adapters,
        drafter=drafter,
        desk=desk,
        roster=roster,
        clocks=Clocks(shop, timers(shop)),
        clock=clock,
    )


def _surfaces(policy: Policy) -> tuple[str, ...]:
    return (slack.NAME,) if policy.teams is None else (slack.NAME, TEAMS)


def _teams(settings: Settings, policy: TeamsPolicy, insecure_local: bool, **given: Any) -> "teams.Connected":
    """Raises ValueError without an app id, unless only this machine is believed and listened to."""
    from bot.surfaces.teams import connect as teams  # noqa: PLC0415  # Microsoft's packages: 0.8 s and 47 MB

    if settings.microsoft_app_id is None and not (insecure_local and is_local(settings.host)):
        raise ValueError("Teams needs MICROSOFT_APP_ID: without one anybody could say that they are Teams")
    return teams.connect(
        policy=policy,
        app_id=settings.microsoft_app_id,
        password=_plain(settings.microsoft_app_password),
        tenant=settings.microsoft_app_tenant_id or "",
        **given,
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
