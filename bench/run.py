"""What every round is given: how much, where, and where the figures go."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from bench.databases import PostgresDatabase, PostgresServer, SqliteFile, Store, Unavailable
from bench.measures import Shares
from bench.results import Results
from bench.stages import Stage, stage

SQLITE: Final = "sqlite"
POSTGRES: Final = "postgres"


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much of everything; more makes the figures steadier."""

    warm: int = 100
    rounds: int = 2  # of presses, with bare Bolt before, between and after
    presses: int = 400  # in each round
    hold_seconds: float = 10.0  # signoff.toml's default; longer than a round, so that replies go out after it
    bare: int = 2000  # in each round
    loops: int = 600
    rate: float = 20.0
    rate_seconds: float = 15.0
    starts: int = 3
    with_key: bool = True  # also a start with a key for Claude
    idle_seconds: float = 20.0
    promises: int = 200
    commits: int = 500
    articles: int = 20_000  # and as many past replies
    searches: int = 200
    cards: int = 600  # over ten channels
    past: int = 1_000_000  # conversations
    past_presses: int = 300  # in each of four rounds
    past_loops: int = 200


QUICK: Final = Amounts(
    warm=16,
    rounds=1,
    presses=24,
    hold_seconds=1.0,
    bare=100,
    loops=24,
    rate_seconds=1.0,
    starts=1,
    with_key=False,
    idle_seconds=1.0,
    promises=20,
    commits=50,
    articles=300,
    searches=20,
    cards=20,
    past=2000,
    past_presses=16,
    past_loops=16,
)


@dataclass(frozen=True)
class Show:
    """Tells whoever waits."""

    say: Callable[[str], None]
    progress: Callable[[int, int], None]  # done, of how many; in a round that takes long


@dataclass
class Bench:
    amounts: Amounts
    show: Show
    folder: Path
    postgres: PostgresServer | Unavailable
    claude: bool = False
    past_file: Path | None = None  # where the million is kept, or was; None: made anew and removed
    results: Results = field(default_factory=Results)
    loops_checked: int = 0
    _created: list[PostgresDatabase] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def place(self) -> Path:
        """A folder of its own, for logs and a database."""
        place = self.folder / str(next(self._numbers))
        place.mkdir()
        return place

    def new_store(self, kind: str) -> Store:
        """An empty database. Raises: Unavailable."""
        if kind == SQLITE:
            return SqliteFile(self.place() / "signoff.db")
        if isinstance(self.postgres, Unavailable):
            raise self.postgres
        self._created.append(self.postgres.create())
        return self._created[-1]

    def drop_all(self) -> None:
        """Leave no database on a server that may be somebody else's."""
        for created in self._created:
            created.drop()

    @asynccontextmanager
    async def stage(self, store: Store, *, limited: bool = False) -> AsyncIterator[Stage]:
        async with stage(self.place(), store, claude=self.claude, limited=limited) as made:
            yield made

    def check(self, stage: Stage) -> None:
        """Once its bot has ended. Raises: Stuck when anything was lost, repeated or left over."""
        self.loops_checked += stage.check()

    def note_cores(self, what: str, shares: Shares) -> None:
        told = ", ".join(f"{name} {cores:.2f}" for name, cores in shares.cores.items())
        self.results.facts[f"CPU, in cores: {what}"] = told
