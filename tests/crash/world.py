"""The bot's lives, everybody they deal with, and everything that goes wrong, on one database."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bot.sandbox import SandboxServer
from bot.sandbox.demo import larkspur
from bot.sandbox.journal import Journal
from tests.crash.agents import AGENTS, Agents
from tests.crash.balancer import Balancer
from tests.crash.customers import Customers
from tests.crash.kills import Kills, Plan
from tests.crash.ledger import Ledger
from tests.crash.lives import Life, Nursery
from tests.crash.promises import Witness
from tests.crash.server import Server
from tests.crash.troubles import Troubles
from tests.crash.visitors import Visitors
from tests.fakes.claude import FakeClaude
from tests.fakes.receiver import Receiver
from tests.serving import free_port

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CUSTOMERS = ("ada", "ben", "cleo", "dan", "eve")
VISITORS = ("fay", "gus")
POLICY = """
[desk]
name = "Larkspur Supply"
hold_seconds = 1.0
quiet_seconds = 0.1
draft_deadline_seconds = 1.5

[slack]
channel = "C0SUPPORT"
agents_group = "S0AGENTS"
posts_per_second = 1000
updates_per_minute = 60000
roster_seconds = 1

[channels.shop]
kind = "webhook"
title = "Shop"
url = "{url}"
secret_env = "SHOP_SECRET"
timeout_seconds = 1

[channels.chat]
kind = "webchat"
title = "Web chat"
"""
SETTLED_WITHIN_SECONDS = 480  # a reply that failed for long is tried again within six minutes
_TOLD_EVERY = 10  # kills


@dataclass
class World:
    nursery: Nursery
    ports: tuple[int, ...]
    sandbox: SandboxServer
    receiver: Receiver
    customers: Customers
    visitors: Visitors
    agents: Agents
    troubles: Troubles
    ledger: Ledger
    kills: Kills
    seed: int
    tell: Callable[[str], None]  # how far it has come, now and then
    told: int = 0  # kills

    async def live_through(self, kills: int) -> Witness:
        """Everybody at work while the bot is killed so often; then let it settle, and stop it."""
        enough = asyncio.Event()
        self.troubles.begin(self._chance("model"))
        plans = self.kills.plans(kills)
        async with asyncio.TaskGroup() as everybody:
            for name in CUSTOMERS:
                everybody.create_task(self.customers.write(name, self._chance(name), enough))
            for name in VISITORS:
                everybody.create_task(self.visitors.write(name, self._chance(name), enough))
            for user in AGENTS:
                everybody.create_task(self.agents.work(user, self._chance(user), enough))
            everybody.create_task(self.troubles.of_slack_and_channel(self._chance("trouble"), enough))
            everybody.create_task(self.troubles.of_database(self._chance("database"), enough))
            async with asyncio.TaskGroup() as replicas:
                for port in self.ports:
                    replicas.create_task(self._live_and_die(port, plans))
            enough.set()
            last = [await self._last_life(port) for port in self.ports]
        self.troubles.end()
        await self._settle()
        pages = await self.visitors.read_all()
        await self._stop(last)
        return Witness(
            ledger=self.ledger,
            customers=self.customers,
            visitors=self.visitors,
            pages=pages,
            agents=self.agents,
            receiver=self.receiver,
            log=self.nursery.log,
        )

    async def _live_and_die(self, port: int, plans: Iterator[Plan]) -> None:
        for plan in plans:
            await self.kills.one_life(port, plan)
            if self.kills.total >= self.told + _TOLD_EVERY:
                self.told = self.kills.total
                accepted = len(self.customers.accepted) + len(self.visitors.accepted)
                self.tell(f"{self.kills.total} kills, {accepted} messages, {len(self.receiver.taken)} replies")

    async def _last_life(self, port: int) -> Life:
        while not await (life := await self.nursery.begin(port)).ready():
            self.kills.ended_by_itself(life, "the last life")
            assert not self.kills.strange_ends, self.nursery.log[-2000:]
        return life

    async def _settle(self) -> None:
        """Nothing goes wrong any more, and agents answer what waits, until nothing does."""
        try:
            async with asyncio.timeout(SETTLED_WITHIN_SECONDS):
                while await self._unfinished():
                    await self.agents.finish()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pending = self.ledger.rows("select * from review where status = 'pending'")
            failed = self.ledger.rows("select * from delivery where status = 'failed'")
            raise AssertionError(f"it did not settle: {self.ledger.jobs()=} {pending=} {failed=}") from None

    async def _unfinished(self) -> int:
        try:
            return await asyncio.to_thread(lambda: self.ledger.unfinished)
        except psycopg.OperationalError:
            return 1

    async def _stop(self, last: list[Life]) -> None:
        for life in last:
            assert await life.stop() == 0, self.nursery.log[-2000:]

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")


@asynccontextmanager
async def a_world(
    folder: Path,
    database_url: str,
    *,
    seed: int,
    tell: Callable[[str], None],
    replicas: int = 1,
    server: Server | None = None,
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        claude = await stack.enter_async_context(FakeClaude())
        receiver = await stack.enter_async_context(Receiver(SECRET))
        workspace = larkspur()
        workspace.journal = Journal(calls=deque(), deliveries=deque())  # whole: it is what the judges read
        sandbox = await stack.enter_async_context(SandboxServer(workspace, limited=False, retry_scale=0.01, seed=seed))
        (folder / "signoff.toml").write_text(POLICY.format(url=receiver.url), encoding="utf-8")
        environment = {
            **sandbox.environment(),
            "SLACK_APP_TOKEN": "",
            "DATABASE_URL": database_url,
            "SIGNOFF_SECRET": "s" * 40,
            "SHOP_SECRET": SECRET,
            "ANTHROPIC_API_KEY": "sk-ant-fake",
            "ANTHROPIC_BASE_URL": claude.url,
            "SIGNOFF_LOG": "json",
        }
        nursery = await stack.enter_async_context(Nursery(folder, environment))
        ports = tuple(free_port() for _ in range(replicas))
        url = f"http://127.0.0.1:{ports[0]}"
        if replicas > 1:
            url = (await stack.enter_async_context(Balancer(ports))).url
        sandbox.connect(f"{url}/slack/events")
        agents = Agents(sandbox)
        yield World(
            nursery=nursery,
            ports=ports,
            sandbox=sandbox,
            receiver=receiver,
            customers=Customers(f"{url}/channels/shop/messages", SECRET),
            visitors=Visitors(f"{url}/channels/chat"),
            agents=agents,
            troubles=Troubles(sandbox, receiver, claude, server),
            ledger=Ledger(database_url),
            kills=Kills(
                nursery, sandbox, receiver, agents, random.Random(f"{seed}/order"), random.Random(seed), server
            ),
            seed=seed,
            tell=tell,
        )
