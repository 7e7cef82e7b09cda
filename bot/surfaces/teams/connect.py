"""The one place where the Teams surface is put together. It imports Microsoft's packages: see docs/decisions/006."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from starlette.routing import Route

from bot.core.policy import TeamsPolicy
from bot.surfaces.base import Desk, SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.credentials import SCOPE, EntraTokens, LocalTokens, Tokens
from bot.surfaces.teams.door import Door, Gate
from bot.surfaces.teams.guard import Guard, LocalGuard
from bot.surfaces.teams.history import GRAPH_SCOPE, History
from bot.surfaces.teams.hosts import DEFAULT_HOSTS, Hosts, Microsoft, is_loopback
from bot.surfaces.teams.keys import Keys
from bot.surfaces.teams.listeners import Listeners
from bot.surfaces.teams.pacing import Pacer
from bot.surfaces.teams.presses import Presses
from bot.surfaces.teams.roster import Roster
from bot.surfaces.teams.surface import TeamsSurface
from bot.surfaces.teams.talk import Talk
from bot.surfaces.teams.wire import Client
from storage.shared.slots import Slots

log = logging.getLogger(__name__)

MESSAGES_PATH: Final = "/api/messages"
_BETWEEN: Final = timedelta(seconds=10)  # questions to Entra while it gives us no token: anybody may ask how we are
_LOCAL_APP: Final = "local"


class Connected:
    """Teams, connected: its surface, its route, and its life."""

    def __init__(
        self,
        *,
        surface: TeamsSurface,
        routes: list[Route],
        client: Client,
        history: History,
        tokens: Tokens,
        clock: Callable[[], datetime],
    ) -> None:
        self.surface = surface
        self.routes = routes
        self._client, self._history, self._tokens, self._clock = client, history, tokens, clock
        self._asked_at: datetime | None = None
        self._trouble: str | None = None

    async def start(self) -> None:
        """Fetch the first token. Microsoft being away is no reason not to start."""
        await self._ask()

    async def stop(self) -> None:
        await self._client.stop()
        await self._history.stop()

    async def trouble(self) -> str | None:
        """What keeps Teams from working, in a sentence with its remedy; None: nothing."""
        if self._trouble is not None:
            await self._ask()
        return None if self._trouble is None else f"Teams gives us no token: {self._trouble}"

    async def _ask(self) -> None:
        now = self._clock()
        if self._asked_at is not None and timedelta() <= now - self._asked_at < _BETWEEN:
            return
        self._asked_at = now
        try:
            await self._tokens.token()
        except (SurfaceUnavailable, SurfaceRefused) as failure:
            self._trouble = str(failure)
            log.warning("teams gives us no token", extra={"failure": self._trouble})
        else:
            self._trouble = None


def connect(
    *,
    policy: TeamsPolicy,
    categories: Sequence[tuple[str, str]],
    app_id: str | None,
    password: str | None,
    tenant: str,
    desk: Desk,
    slots: Slots,
    clock: Callable[[], datetime],
    wall: Callable[[], datetime],
    microsoft: Microsoft,
) -> Connected:
    """Build everything; nothing is asked of Microsoft before `start`. `categories` are (name, title), for commands.

    `app_id` None: a local Teams, which signs nothing, is believed. `wall` is the machine's own time, which Microsoft's
    signatures are held against.

    Raises:
        ValueError: without an app id where Teams is not on this machine; an empty tenant or password.
    """
    tenant = tenant.lower()
    hosts = _hosts(policy.service_url)
    gate, tokens, graph = _trust(app_id, password, tenant, hosts, wall, microsoft)
    client = Client(app_id=app_id or _LOCAL_APP, tokens=tokens, hosts=hosts)
    history = History(graph, graph_url=microsoft.graph_url)
    surface = TeamsSurface(
        client=client,
        history=history,
        policy=policy,
        tenant=tenant,
        pacer=Pacer(tenant=tenant, slots=slots, clock=clock),
        roster=Roster(client, policy, tenant),
    )
    talk = Talk(desk, client, surface, categories=categories, service_url=policy.service_url)
    door = Door(gate, client.adapter, Listeners(desk, Presses(desk), talk))
    routes = [Route(MESSAGES_PATH, door, methods=["POST"])]
    return Connected(surface=surface, routes=routes, client=client, history=history, tokens=tokens, clock=clock)


def _trust(
    app_id: str | None,
    password: str | None,
    tenant: str,
    hosts: Hosts,
    wall: Callable[[], datetime],
    microsoft: Microsoft,
) -> tuple[Gate, Tokens, Tokens]:
    """Whom we believe, and by what they believe us: at the Bot Connector, and at Graph."""
    if app_id is None:
        return LocalGuard(tenant=tenant, hosts=hosts), LocalTokens(), LocalTokens()
    keys = Keys(microsoft.metadata_url)
    guard = Guard(app_id=app_id, tenants=(tenant,), hosts=hosts, keys=keys, clock=wall)

    def tokens(scope: str) -> EntraTokens:
        login = microsoft.login_url
        return EntraTokens(app_id=app_id, password=password or "", tenant=tenant, scope=scope, login_url=login)

    return guard, tokens(SCOPE), tokens(GRAPH_SCOPE)


def _hosts(service_url: str) -> Hosts:
    """Whom our token is sent to: Microsoft's, and the one named in signoff.toml. Or this machine, and nobody else."""
    if is_loopback(service_url):
        return Hosts.of("http://127.0.0.1", "http://localhost")
    address = urlsplit(service_url)
    return Hosts.of(*DEFAULT_HOSTS, f"{address.scheme}://{address.netloc}")
