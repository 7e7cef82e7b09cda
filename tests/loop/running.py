"""The bot as `signoff run` builds it, in this process; real HTTP on every side: customer, Slack, channel, Claude."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import standardwebhooks
from pydantic import SecretStr

from bot import host
from bot.app import App, build
from bot.core.policy import Policy
from bot.metrics import refused
from bot.sandbox import Message, Person, SandboxServer, Workspace
from bot.settings import Settings
from bot.surfaces.teams.hosts import Microsoft
from storage.database import Database, table_of
from storage.tables import Conversation, Decision
from storage.tables import Message as Said
from tests.fakes.claude import FakeClaude
from tests.fakes.receiver import Receiver
from tests.patience import PATIENCE_SECONDS

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
POLICY: dict[str, Any] = {
    "desk": {"name": "Larkspur Supply", "hold_seconds": 0, "quiet_seconds": 0, "draft_deadline_seconds": 60},
    "slack": {
        "channel": "C0SUPPORT",
        "agents_group": "S0AGENTS",
        "supervisors_group": "S0LEADS",
        "posts_per_second": 1000,
        "updates_per_minute": 60_000,
    },
    "categories": [{"name": "billing", "title": "Billing", "keywords": ["invoice"], "channel": "C0BILLING"}],
}
ANSWERING = ("approve", "read_all", "write", "edit")  # the first that a card offers


class _Server(host.Server):
    """Leaves the signals of the tests' process alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Loop:
    """Everybody and everything, for one test."""

    def __init__(self, app: App, url: str, sandbox: SandboxServer, receiver: Receiver, claude: FakeClaude) -> None:
        self.app, self.url, self.sandbox, self.receiver, self.claude = app, url, sandbox, receiver, claude
        self.http = httpx2.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, verify=False)  # it is plain HTTP
        self._count = 0
        self._broken_before = _broken()  # counted for the whole process

    @property
    def db(self) -> Database:
        return self.app.db

    @property
    def ana(self) -> Person:
        return self.sandbox.person("U0ANA")

    @property
    def bo(self) -> Person:
        return self.sandbox.person("U0BO")

    # -- the customer --------------------------------------------------------------------------------------------

    async def customer_says(self, text: str, *, thread: str = "t1", **more: Any) -> httpx2.Response:
        """One signed message through the webhook channel, as it was answered."""
        self._count += 1
        message = {"conversation": thread, "customer": {"id": f"c-{thread}", "name": "Mina Okafor"}, "text": text}
        return await self.post(json.dumps(message | more).encode(), id=f"evt-{self._count}")

    async def post(self, body: bytes, *, id: str, at: datetime | None = None) -> httpx2.Response:
        return await self.http.post("/channels/shop/messages", content=body, headers=signed(body, id=id, at=at))

    # -- the agents ----------------------------------------------------------------------------------------------

    @property
    def cards(self) -> list[Message]:
        """Everything the bot put up, replies in threads included."""
        channels = self.sandbox.workspace.channels.values()
        return [message for channel in channels for message in channel.messages.values() if message.bot_id]

    async def card(self, action: str = "approve") -> Message:
        """The newest card that offers this, as soon as there is one."""
        found = await self.sandbox.until(lambda: self.offering(action))
        card: Message = found[-1]
        return card

    def offering(self, *actions: str) -> list[Message]:
        return [card for card in self.cards if offered(card) & set(actions)]

    async def card_says(self, card: Message, words: str) -> None:
        """Wait until the card says so."""
        await self.sandbox.until(lambda: words in shown(card))

    async def approve_all(self) -> int:
        """Once everything has been drafted and posted, answer every open card; how many there were."""
        await self.settled()
        waiting = self.offering(*ANSWERING)
        for card in waiting:
            await self.answer(card)
        await self.settled()
        return len(waiting)

    async def answer(self, card: Message) -> None:
        """As the card allows: approved, read and approved, written, or (too long for Slack) sent from the form."""
        name = next(name for name in ANSWERING if name in offered(card))
        seen = await self.ana.click(name, on=card)
        assert seen.ok, seen
        if name != "approve":
            if name == "write":
                await self.ana.type("typed", "We look into it.")
            seen = await self.ana.submit()
        assert seen.ok, seen
        assert not seen.ephemerals, seen.ephemerals[0].text

    # -- the books -----------------------------------------------------------------------------------------------

    async def decisions(self) -> list[Decision]:
        return await self.db.read(lambda tx: tx.all(Decision, table_of(Decision).select()))

    async def said(self) -> list[Said]:
        return await self.db.read(lambda tx: tx.all(Said, table_of(Said).select()))

    async def conversations(self) -> list[Conversation]:
        return await self.db.read(lambda tx: tx.all(Conversation, table_of(Conversation).select()))

    async def settled(self) -> None:
        """Nothing is promised any more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.app.jobs.busy or await self._promised():  # noqa: ASYNC110 - jobs end without announcement
                await asyncio.sleep(0.02)

    async def _promised(self) -> bool:
        depth = await self.app.jobs.depth()
        return bool(depth.queued or depth.failed)

    @property
    def broken(self) -> float:
        """How many requests were answered 5xx since this loop began."""
        return _broken() - self._broken_before

    async def metric(self, *words: str) -> float:
        """The sum of the series whose line has all these words."""
        lines = (await self.http.get("/metrics")).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if _is_of(line, words))


def _is_of(line: str, words: tuple[str, ...]) -> bool:
    return not line.startswith("#") and all(word in line for word in words)


def _broken() -> float:
    samples = [sample for metric in refused.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return sum(sample.value for sample in samples if sample.labels["status"].startswith("5"))


def signed(body: bytes, *, id: str, at: datetime | None = None) -> dict[str, str]:
    now = at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(SECRET).sign(id, now, body.decode("utf-8", "replace")),
    }


def offered(card: Message) -> set[str]:
    """The action ids of a card's buttons and of its menu's entries."""
    elements = [element for block in card.blocks for element in block.get("elements", [])]
    menu = [option for element in elements if element.get("type") == "overflow" for option in element["options"]]
    return {str(each.get("action_id")) for each in elements} | {str(option["value"]) for option in menu}


def shown(place: Any) -> str:
    """All the words of a message, a view or a part of one, in order."""
    if isinstance(place, dict):
        own = place["text"] if isinstance(place.get("text"), str) else ""
        inner = " ".join(shown(part) for part in place.values() if isinstance(part, dict | list))
        return f"{own} {inner}"
    if isinstance(place, list):
        return " ".join(shown(part) for part in place)
    return f"{getattr(place, 'text', '')} {shown(place.blocks)}"


Prepare = Callable[[Workspace], None]


@asynccontextmanager
async def running(
    database_url: str,
    *,
    limited: bool = False,
    socket_mode: bool = False,
    prepare: Prepare = lambda workspace: None,
    clock: Callable[[], datetime] | None = None,
    microsoft: Microsoft | None = None,
    environment: Mapping[str, Any] | None = None,
    **sections: dict[str, Any],
) -> AsyncIterator[Loop]:
    """Sections of the policy change single keys: `desk={"hold_seconds": 5}`.

    A `clock` is the bot's; signatures it holds against the machine's all the same. `environment`: more variables.
    """
    async with AsyncExitStack() as stack:
        claude = await stack.enter_async_context(FakeClaude())
        receiver = await stack.enter_async_context(Receiver(SECRET))
        sandbox = await stack.enter_async_context(
            SandboxServer(limited=limited, retry_scale=0.01, deadline_seconds=PATIENCE_SECONDS)
        )
        prepare(sandbox.workspace)
        settings = _settings(database_url, sandbox, claude, socket_mode, environment or {})
        policy = _policy(receiver, sections)
        app = build(settings, policy, clock=clock, wall=lambda: datetime.now(UTC), microsoft=microsoft)
        url = await stack.enter_async_context(_served(app))
        if not socket_mode:
            sandbox.connect(f"{url}/slack/events")
        loop = Loop(app, url, sandbox, receiver, claude)
        stack.push_async_callback(loop.http.aclose)
        yield loop


def _policy(receiver: Receiver, sections: dict[str, dict[str, Any]]) -> Policy:
    shop = {"kind": "webhook", "title": "Shop", "url": receiver.url, "secret_env": "SHOP_SECRET", "timeout_seconds": 60}
    channels = {"shop": shop, "chat": {"kind": "webchat", "title": "Web chat"}}
    changed = {name: {**POLICY.get(name, {}), **section} for name, section in sections.items()}
    return Policy.model_validate({**POLICY, "channels": channels, **changed})


def _settings(
    database_url: str, sandbox: SandboxServer, claude: FakeClaude, socket_mode: bool, environment: Mapping[str, Any]
) -> Settings:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        DATABASE_URL=database_url,
        SIGNOFF_CONFIG=Path("signoff.toml"),
        SIGNOFF_SECRET=SecretStr("s" * 40),
        SIGNOFF_METRICS_TOKEN=None,
        SLACK_API_URL=sandbox.api_url,
        SLACK_BOT_TOKEN=SecretStr(sandbox.bot_token),
        SLACK_SIGNING_SECRET=SecretStr(sandbox.signing_secret),
        SLACK_APP_TOKEN=SecretStr(sandbox.app_token) if socket_mode else None,
        ANTHROPIC_API_KEY=SecretStr("sk-ant-fake"),
        ANTHROPIC_BASE_URL=claude.url,
        **environment,
    )
    settings._channel_secrets["SHOP_SECRET"] = (SecretStr(SECRET),)
    return settings


@asynccontextmanager
async def _served(app: App) -> AsyncIterator[str]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = _Server(host.web(app))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells of its start by this flag alone
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop()
        await serving
        listener.close()
