"""The bot under test: `signoff run` on a folder of its own, with SQLite at its default durability."""

import base64
import secrets
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import Running, process
from bench.said import SHOP
from bench.wire import HOST
from bot.sandbox.company.policy import ARTICLES

DATABASE = "signoff.db"
SHOP_SECRET = "BENCH_SHOP_SECRET"
_POLICY = """\
[desk]
name = "Larkspur Supply"
hold_seconds = {hold_seconds}
quiet_seconds = 0
knowledge = {articles}

[slack]
channel = "C0SUPPORT"
agents_group = "S0AGENTS"
supervisors_group = "S0LEADS"
posts_per_second = 1000
updates_per_minute = 100000

[models]
drafts_per_hour = 1000000

[[categories]]
name = "billing"
keywords = ["invoice", "refund"]
channel = "C0BILLING"

[[categories]]
name = "returns"
keywords = ["return", "send back"]

[channels.{shop}]
kind = "webhook"
url = "{replies_url}"
secret_env = "{secret}"
"""


@dataclass
class Installation:
    """What stays when the bot is stopped and started again."""

    folder: Path
    slack: dict[str, str]  # the sandbox's environment for the bot
    replies_url: str
    claude_url: str | None  # None: the offline drafter
    port: int = field(default_factory=lambda: _free_port())
    shop_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @asynccontextmanager
    async def running(self, *, hold_seconds: float) -> AsyncIterator[tuple[Running, float]]:
        """`signoff run --migrate` until it is ready; with the seconds that took."""
        policy = _POLICY.format(
            hold_seconds=hold_seconds,
            articles=f'"{ARTICLES}"',
            shop=SHOP,
            replies_url=self.replies_url,
            secret=SHOP_SECRET,
        )
        (self.folder / "signoff.toml").write_text(policy)
        command = ("-m", "bot", "run", "--migrate")
        began = time.perf_counter()
        log = self.folder / "bot.log"
        async with process("bot", *command, environment=self._environment(), log=log) as started:
            ready = await started.ready(self.port)
            yield started.running, ready - began

    def _environment(self) -> dict[str, str]:
        environment = {
            **self.slack,
            "DATABASE_URL": f"sqlite+aiosqlite:///{self.folder / DATABASE}",
            "SIGNOFF_SECRET": "a benchmark signs nothing that matters",
            "SIGNOFF_HOST": HOST,
            "SIGNOFF_PORT": str(self.port),
            "SIGNOFF_LOG": "json",
            SHOP_SECRET: f"whsec_{base64.b64encode(self.shop_secret).decode()}",
        }
        if self.claude_url is not None:
            environment |= {"ANTHROPIC_API_KEY": "sk-ant-bench", "ANTHROPIC_BASE_URL": self.claude_url}
        return environment

    def rows(self) -> dict[str, int]:
        """What is committed, as a stranger with the file sees it."""
        with closing(sqlite3.connect(f"file:{self.folder / DATABASE}?mode=ro", uri=True)) as database:
            return {name: database.execute(f"select count(*) {query}").fetchone()[0] for name, query in _ROWS.items()}


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


def commits_per_second(file: Path, count: int) -> float:
    """What the disk and the driver give at the bot's durability, one row a commit and nothing else to do."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for line in ("pragma journal_mode=wal", "pragma synchronous=full", "create table kept (value text)"):
            database.execute(line)
        began = time.perf_counter()
        for number in range(count):
            database.execute("insert into kept values (?)", (str(number),))
        return count / (time.perf_counter() - began)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
