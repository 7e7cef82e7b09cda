"""A stage: the people, the local Slack, and a bot on a database. Several may stand side by side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.databases import Store
from bench.desk import Desk, Stuck
from bench.installation import Bots, Installation
from bench.processes import Running, Slack
from bench.wire import HOST, Pool, Receiver


@dataclass
class Stage:
    desk: Desk
    installation: Installation
    slack: Slack
    processes: tuple[Running, ...]  # those besides the bot

    @property
    def store(self) -> Store:
        return self.installation.store

    @asynccontextmanager
    async def running(self, *, hold_seconds: float, replicas: int = 1) -> AsyncIterator[Bots]:
        """The bot, and the desk connected with every replica of it."""
        async with self.installation.running(hold_seconds=hold_seconds, replicas=replicas) as bots:
            self.desk.bot = Pool(bots.ports)
            try:
                yield bots
            finally:
                self.desk.bot.close()

    def all_of(self, bots: Bots) -> tuple[Running, ...]:
        return (*bots.running, *self.processes)

    async def delivered(self, count: int) -> None:
        """Until so many customers in all have their reply, and what that causes is done."""
        await self.desk.until(lambda: self.desk.replies >= count, "replies")
        await self.desk.quiet()

    def check(self) -> int:
        """How many loops there were: every one is in the database, once, and the customer heard it once."""
        rows = self.installation.rows()
        loops = len(self.desk.loops)
        wanted = dict.fromkeys(rows, loops) | {"jobs left": 0}
        if rows != wanted or self.desk.replies != loops or self.desk.repeated:
            raise Stuck(f"{loops} loops, {self.desk.replies} replies and {self.desk.repeated} repeated, but {rows}")
        return loops


@asynccontextmanager
async def stage(folder: Path, store: Store, *, claude: bool = False, limited: bool = False) -> AsyncIterator[Stage]:
    """In an existing and empty folder. `limited`: Slack with its limits, and ten more channels."""
    desk = Desk(slack_secret="", shop_secret=b"")
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(desk.take), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with AsyncExitStack() as stack:
        stack.callback(server.close)
        slack = await stack.enter_async_context(processes.slack(folder, f"http://{HOST}:{port}/slack", limited=limited))
        installation = Installation(folder, store, slack.environment, f"http://{HOST}:{port}/replies")
        desk.slack_secret = slack.environment["SLACK_SIGNING_SECRET"]
        desk.shop_secret = installation.shop_secret
        others = (slack.running, *store.processes)
        if claude:
            fake, installation.claude_url = await stack.enter_async_context(processes.fake_claude(folder))
            others = (*others, fake.running)
        yield Stage(desk, installation, slack, others)
