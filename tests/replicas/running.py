"""Replicas of `signoff run` as processes of their own on one PostgreSQL, and everybody they deal with."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2

from bot.sandbox import Message, Person, SandboxServer
from bot.sandbox.demo import larkspur
from bot.sandbox.journal import Journal
from tests.crash.agents import Agents
from tests.crash.balancer import Balancer
from tests.crash.ledger import Ledger
from tests.crash.lives import Life, Nursery
from tests.fakes.claude import FakeClaude
from tests.fakes.receiver import Receiver
from tests.loop.running import SECRET, offered, shown, signed
from tests.patience import PATIENCE_SECONDS
from tests.serving import free_port

T = TypeVar("T")

POLICY = """
[desk]
name = "Larkspur Supply"
hold_seconds = {hold_seconds}
quiet_seconds = 0.1
draft_deadline_seconds = 60

[slack]
channel = "C0SUPPORT"
agents_group = "S0AGENTS"
{slack}

[channels.shop]
kind = "webhook"
title = "Shop"
url = "{url}"
secret_env = "SHOP_SECRET"
timeout_seconds = 60

[channels.chat]
kind = "webchat"
title = "Web chat"
"""
_TRIED_SECONDS = 5  # that the proxy tries to find somebody who is ready
UNLIMITED = "posts_per_second = 1000\nupdates_per_minute = 60000\nroster_seconds = 1"


class ReadyOnes(Balancer):
    """As a proxy in front of replicas: it asks each for /readyz again and again, and sends people to those that are."""

    async def __aenter__(self) -> Self:
        self._all, self._ports = self._ports, []
        self._asking = asyncio.create_task(self._ask())
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        self._asking.cancel()
        with suppress(asyncio.CancelledError):
            await self._asking
        await super().__aexit__(*_)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_TRIED_SECONDS):
                while (found := await super()._connected()) is None:  # noqa: ASYNC110 - a replica tells when asked
                    await asyncio.sleep(0.05)
                return found
        return None

    async def _ask(self) -> None:
        async with httpx2.AsyncClient(timeout=3, verify=False) as http:  # it is plain HTTP
            while True:
                self._ports = [port for port in self._all if await is_ready(http, port)]
                await asyncio.sleep(0.2)


async def is_ready(http: httpx2.AsyncClient, port: int) -> bool:
    with suppress(httpx2.HTTPError):
        return (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    return False


@dataclass
class Replicas:
    """`url` is the proxy's; each replica of `lives` can be asked by itself, too."""

    nursery: Nursery
    sandbox: SandboxServer
    receiver: Receiver
    claude: FakeClaude
    agents: Agents
    ledger: Ledger
    http: httpx2.AsyncClient
    url: str
    ports: tuple[int, ...]
    lives: list[Life]
    _said: int = 0

    async def begin(self, port: int) -> Life:
        """A new replica there, once it is ready."""
        life = await self.nursery.begin(port)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await is_ready(self.http, port):
                assert not life.ended.is_set(), self.nursery.log[-2000:]
                await asyncio.sleep(0.05)
        return life

    async def customer_says(self, text: str, *, to: str, thread: str, id: str | None = None) -> None:
        """With an id of one's own: the same message again."""
        self._said += 1
        id = id or f"{thread}-{self._said}"
        message = {"conversation": thread, "customer": {"id": f"c-{thread}", "name": "Mina Okafor"}, "text": text}
        body = json.dumps({**message, "id": id}).encode()
        headers = signed(body, id=f"evt-{id}")
        answer = await self.http.post(f"{to}/channels/shop/messages", content=body, headers=headers)
        assert answer.status_code == 202, answer.text

    def slack_asks(self, url: str) -> None:
        """From now on what people press goes there."""
        self.sandbox.connect(f"{url}/slack/events")

    def person(self, user: str) -> Person:
        return self.sandbox.person(user)

    async def until(self, condition: Callable[[], T]) -> T:
        """Wait for something that Slack shows."""
        found: T = await self.sandbox.until(condition, timeout_seconds=PATIENCE_SECONDS)
        return found

    async def card(self, words: str, action: str = "approve") -> Message:
        """The card about these words, once it offers this."""
        found = await self.until(
            lambda: [card for card in self.agents.cards() if words in shown(card) and action in offered(card)]
        )
        card: Message = found[-1]
        return card

    async def settled(self) -> None:
        """Nothing is promised, asked or on its way any more, and nobody's press is."""
        await self.sandbox.delivery.quiet(timeout_seconds=PATIENCE_SECONDS)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await asyncio.to_thread(lambda: self.ledger.unfinished):  # noqa: ASYNC110 - others do it
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pending = self.ledger.rows("select * from review where status = 'pending'")
            raise AssertionError(f"it did not settle: {self.ledger.jobs()=} {pending=}") from None

    async def answer_what_waits(self) -> None:
        """Agents answer what is open, until nothing is and all is done."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await asyncio.to_thread(lambda: self.ledger.unfinished):
                await self.agents.finish()
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """SIGTERM to all: every one ends well."""
        for life in self.lives:
            if not life.ended.is_set():
                assert await life.stop() == 0, self.nursery.log[-2000:]


@asynccontextmanager
async def replicas(
    folder: Path, database_url: str, *, count: int = 2, hold_seconds: float = 0, slack: str = UNLIMITED, **sandbox: Any
) -> AsyncIterator[Replicas]:
    """So many, all ready; at the end they are asked to stop, and do."""
    async with AsyncExitStack() as stack:
        claude = await stack.enter_async_context(FakeClaude())
        receiver = await stack.enter_async_context(Receiver(SECRET))
        workspace = larkspur()
        workspace.journal = Journal(calls=deque(), deliveries=deque())  # whole
        local = SandboxServer(
            workspace, **{"limited": False, "retry_scale": 0.01, "deadline_seconds": PATIENCE_SECONDS, **sandbox}
        )
        await stack.enter_async_context(local)
        policy = POLICY.format(url=receiver.url, hold_seconds=hold_seconds, slack=slack)
        (folder / "signoff.toml").write_text(policy, encoding="utf-8")
        nursery = await stack.enter_async_context(Nursery(folder, _environment(database_url, local, claude)))
        ports = tuple(free_port() for _ in range(count))
        url = (await stack.enter_async_context(ReadyOnes(ports))).url
        local.connect(f"{url}/slack/events")
        http = httpx2.AsyncClient(timeout=PATIENCE_SECONDS, verify=False)  # it is plain HTTP
        stack.push_async_callback(http.aclose)
        started = Replicas(
            nursery=nursery,
            sandbox=local,
            receiver=receiver,
            claude=claude,
            agents=Agents(local),
            ledger=Ledger(database_url),
            http=http,
            url=url,
            ports=ports,
            lives=[],
        )
        for port in ports:
            started.lives.append(await started.begin(port))
        yield started
        await started.stop()


def _environment(database_url: str, sandbox: SandboxServer, claude: FakeClaude) -> dict[str, str]:
    return {
        **sandbox.environment(),
        "SLACK_APP_TOKEN": "",
        "DATABASE_URL": database_url,
        "SIGNOFF_SECRET": "s" * 40,
        "SHOP_SECRET": SECRET,
        "ANTHROPIC_API_KEY": "sk-ant-fake",
        "ANTHROPIC_BASE_URL": claude.url,
        "SIGNOFF_LOG": "json",
    }
