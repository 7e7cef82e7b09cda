"""The schema's versions: bring a database to the newest, and ask where it stands."""

import sqlite3
import time
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import OperationalError

from storage.database import address
from storage.jobs.procrastinate import schema as procrastinate_schema

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_BUSY_SECONDS: Final = 60  # how long an upgrade of a SQLite file waits for another one, or for a writer
# On PostgreSQL everybody queues behind an upgrade that waits for a table: it waits a second (see migrations/env.py),
# lets those pass who want to, and comes again, for five minutes.
_ATTEMPTS: Final = 100
_PAUSE_SECONDS: Final = 2.0


def upgrade(url: str) -> None:
    """Bring the database to `head()`, in one transaction: done whole, or killed and nothing happened.

    Several at once, also from several machines, wait for each other; all but the first find nothing to do. A database
    that a newer program has upgraded further stays as it is. Replicas that serve meanwhile are held up for a second at
    most where somebody else holds a table for long.
    """
    engine = migration_engine(address(url))
    try:
        if not _beyond_head(current(engine)):
            for _ in range(_ATTEMPTS - 1):
                if _upgraded(engine):
                    return
                time.sleep(_PAUSE_SECONDS)
            _upgrade(engine)
    finally:
        engine.dispose()


def head() -> str:
    """The newest version this program knows."""
    return _head()


def current(engine: Engine) -> str | None:
    """The version a database stands at; None: nothing was ever migrated there."""
    with engine.connect().execution_options(signoff_read=True) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def at_head(engine: Engine) -> bool:
    """Whether the database has the schema this program was written for, or a later one, which only adds to it.

    So the replicas of the last release stay ready while the first one of the next upgrades the database.
    """
    with engine.connect().execution_options(signoff_read=True) as connection:
        version = MigrationContext.configure(connection).get_current_revision()
        ours = version == head() or _beyond_head(version)
        return ours and (engine.dialect.name == "sqlite" or procrastinate_schema.complete(connection))


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made here: no file to find, no address in it."""
    made = Config()
    made.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def migration_engine(url: URL) -> Engine:
    """Connections for DDL: on SQLite without foreign keys, since a table rebuilt by copying is dropped in between."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _upgraded(engine: Engine) -> bool:
    """False: a table was held by somebody for too long, and nothing happened."""
    try:
        _upgrade(engine)
    except (OperationalError, psycopg.OperationalError) as refusal:
        if not isinstance(getattr(refusal, "orig", refusal), psycopg.errors.LockNotAvailable):
            raise
        return False
    return True


def _upgrade(engine: Engine) -> None:
    with engine.connect() as connection:
        command.upgrade(config(connection), "head")


@cache
def _head() -> str:
    newest = ScriptDirectory.from_config(config()).get_current_head()
    assert newest is not None, "there is a first migration"
    return newest


def _beyond_head(version: str | None) -> bool:
    """Versions are numbers of four digits."""
    return version is not None and version > head()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours alone: see below
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys=OFF")


def _begin_sqlite(connection: Connection) -> None:
    # Without it SQLite commits each DDL statement by itself: a kill would leave half a schema.
    reading = connection.get_execution_options().get("signoff_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
