"""The bot under test: `signoff run` on a folder of its own, one process or several replicas on one database."""

import base64
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.databases import PostgresDatabase, Store
from bench.processes import Running, process
from bench.said import SHOP
from bench.wire import HOST
from bot.sandbox.company.policy import ARTICLES

SHOP_SECRET = "BENCH_SHOP_SECRET"
REPLICAS_MOST = 2
_POLICY = """\
[desk]
name = "Larkspur Supply"
hold_seconds = {hold_seconds}
quiet_seconds = 0
knowledge = "{articles}"

[slack]
channel = "C0SUPPORT"
agents_group = "S0AGENTS"
supervisors_group = "S0LEADS"
{pace}
[models]
drafts_per_hour = 1000000
{categories}
[channels.{shop}]
kind = "webhook"
url = "{replies_url}"
secret_env = "{secret}"
"""
# Far above what is reached: what is measured is the bot, not Slack's patience.
UNPACED = "posts_per_second = 1000\nupdates_per_minute = 100000\n"
TWO_CATEGORIES = """
[[categories]]
name = "billing"
keywords = ["invoice", "refund"]
channel = "C0BILLING"

[[categories]]
name = "returns"
keywords = ["return", "send back"]
"""


@dataclass(frozen=True)
class Bots:
    """The replicas that run, and the seconds the first took from its start to being ready."""

    running: tuple[Running, ...]
    ports: tuple[int, ...]
    ready_seconds: float


@dataclass
class Installation:
    """What stays when the bot is stopped and started again."""

    folder: Path
    store: Store
    slack: dict[str, str]  # the sandbox's environment for the bot
    replies_url: str
    claude_url: str | None = None  # None: the offline drafter
    pace: str = UNPACED
    categories: str = TWO_CATEGORIES
    ports: tuple[int, ...] = field(default_factory=lambda: tuple(_free_port() for _ in range(REPLICAS_MOST)))
    shop_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    before: dict[str, int] = field(default_factory=dict)  # rows that were there before the first customer wrote

    @asynccontextmanager
    async def running(self, *, hold_seconds: float, replicas: int = 1) -> AsyncIterator[Bots]:
        """`signoff run --migrate`, each until it is ready. Raises: Stuck when one does not start."""
        policy = _POLICY.format(
            hold_seconds=hold_seconds,
            articles=ARTICLES,
            pace=self.pace,
            categories=self.categories,
            shop=SHOP,
            replies_url=self.replies_url,
            secret=SHOP_SECRET,
        )
        (self.folder / "signoff.toml").write_text(policy)
        running: list[Running] = []
        ready_seconds = 0.0
        async with AsyncExitStack() as stack:
            for number, port in enumerate(self.ports[:replicas], start=1):
                name = "bot" if replicas == 1 else f"bot {number}"
                log = self.folder / f"{name.replace(' ', '-')}.log"
                command = ("-m", "bot", "run", "--migrate")
                began = time.perf_counter()
                bot = await stack.enter_async_context(
                    process(name, *command, environment=self._environment(port), log=log)
                )
                ready_seconds = ready_seconds or await bot.ready(port) - began
                await bot.ready(port)
                running.append(bot.running)
            if not self.before:
                self.before = dict.fromkeys(_ROWS, 0) | self._counted()
            yield Bots(tuple(running), self.ports[:replicas], ready_seconds)

    def _environment(self, port: int) -> dict[str, str]:
        environment = {
            **self.slack,
            "DATABASE_URL": self.store.url,
            "SIGNOFF_SECRET": "a benchmark signs nothing that matters",
            "SIGNOFF_HOST": HOST,
            "SIGNOFF_PORT": str(port),
            "SIGNOFF_LOG": "json",
            SHOP_SECRET: f"whsec_{base64.b64encode(self.shop_secret).decode()}",
        }
        if self.claude_url is not None:
            environment |= {"ANTHROPIC_API_KEY": "sk-ant-bench", "ANTHROPIC_BASE_URL": self.claude_url}
        return environment

    def rows(self) -> dict[str, int]:
        """What was committed since the first start."""
        return {name: count - self.before[name] for name, count in self._counted().items()}

    def _counted(self) -> dict[str, int]:
        counted = self.store.count(_ROWS)
        if isinstance(self.store, PostgresDatabase) and self.store.has("procrastinate_jobs"):
            counted["jobs left"] += self.store.count({"jobs": _ENGINE_JOBS})["jobs"]
        return counted


_ROWS = {
    "messages": "from message where direction = 'incoming'",
    "drafts": "from draft",
    "cards": "from posting where status = 'posted'",
    "approvals": "from decision where kind = 'approve'",
    "feedback": "from feedback",
    "replies": "from message where direction = 'outgoing' and external_id is not null",
    "delivered": "from delivery where status = 'sent'",
    "jobs left": "from job",
}
_ENGINE_JOBS = "from procrastinate_jobs where status in ('todo', 'doing')"


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
