"""The one place where the Slack surface is put together."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.routing import Route

from bot.core.policy import SlackPolicy
from bot.surfaces.base import Desk
from bot.surfaces.slack.door import Door
from bot.surfaces.slack.editors import Editors
from bot.surfaces.slack.identity import Identity
from bot.surfaces.slack.listeners import register
from bot.surfaces.slack.pacing import Pacer
from bot.surfaces.slack.presses import Presses
from bot.surfaces.slack.socket_mode import Socket
from bot.surfaces.slack.submissions import Submissions
from bot.surfaces.slack.surface import SlackSurface
from bot.surfaces.slack.talk import Talk
from bot.surfaces.slack.tell import Teller
from bot.surfaces.slack.wire import Client
from storage.database import Database
from storage.shared.slots import Slots
from storage.shared.wakes import Wakes

EVENTS_PATH = "/slack/events"


class Connected:
    """Slack, connected: its surface, its route, and its life."""

    def __init__(
        self, *, surface: SlackSurface, routes: list[Route], client: Client, identity: Identity, socket: Socket | None
    ) -> None:
        self.surface = surface
        self.routes = routes
        self.identity = identity
        self._client, self._socket = client, socket

    async def start(self) -> None:
        """Open the session and, with an app token, the socket. Slack being down is no reason not to start."""
        await self._client.start()
        await self.identity.ask()
        if self._socket is not None:
            await self._socket.start()

    async def stop(self) -> None:
        if self._socket is not None:
            await self._socket.stop()
        await self._client.stop()

    async def trouble(self) -> str | None:
        """What keeps Slack from working, in a sentence with its remedy; None: nothing."""
        if self.identity.trouble is not None:
            await self.identity.ask()
        if self.identity.trouble is not None:
            return f"Slack does not answer us: {self.identity.trouble}"
        if self._socket is not None and not await self._socket.connected():
            return (
                "Socket Mode is not connected: check SLACK_APP_TOKEN and that Socket Mode is on in the app's settings"
            )
        return None


def connect(
    *,
    policy: SlackPolicy,
    categories: Sequence[tuple[str, str]],
    bot_token: str,
    signing_secret: str,
    app_token: str | None,
    api_url: str,
    desk: Desk,
    db: Database,
    wakes: Wakes,
    slots: Slots,
    clock: Callable[[], datetime],
    wall: Callable[[], datetime] | None = None,
) -> Connected:
    """Build everything; nothing is asked of Slack before `start`. `categories` are (name, title), for /signoff.

    `wall` is the machine's own time, which Slack's signatures are held against; None: `clock`.
    """
    client = Client(token=bot_token, api_url=api_url)
    identity = Identity(client, clock)
    editors = Editors(db, wakes, clock)
    pacer = Pacer(
        posts_per_second=policy.posts_per_second,
        updates_per_minute=policy.updates_per_minute,
        slots=slots,
        clock=clock,
    )
    surface = SlackSurface(client=client, policy=policy, identity=identity, editors=editors, pacer=pacer, clock=clock)
    teller = Teller(client, editors, clock)
    app = _app(client, identity)
    register(
        app,
        desk=desk,
        presses=Presses(desk, teller),
        submissions=Submissions(desk, teller, editors),
        talk=Talk(desk, teller, surface, categories=categories, clock=clock),
        editors=editors,
        identity=identity,
    )
    door = Door(app, signing_secret=signing_secret, clock=wall or clock)
    socket = Socket(door, client, app_token=app_token) if app_token else None
    routes = [Route(EVENTS_PATH, door, methods=["POST"])]
    return Connected(surface=surface, routes=routes, client=client, identity=identity, socket=socket)


def _app(client: Client, identity: Identity) -> AsyncApp:
    """Bolt without what the door does already, and without a call to auth.test for every request."""
    logger = logging.getLogger("bot.surfaces.slack.bolt")
    logger.setLevel(logging.ERROR)  # its warnings quote payloads

    async def authorize() -> AuthorizeResult:
        known = identity.known
        return AuthorizeResult(
            enterprise_id=None,
            team_id=None,
            bot_token=client.web.token,
            bot_id=known.bot_id if known else None,
            bot_user_id=known.user_id if known else None,
        )

    return AsyncApp(
        name="signoff",
        logger=logger,
        client=client.web,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,  # the door's
        ssl_check_enabled=False,
        attaching_function_token_enabled=False,
    )
