"""Connections: how SQLite and PostgreSQL are opened for writing, and for reading a snapshot."""

import sqlite3
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url

from storage.database.troubles import forget_details

# How long anything of PostgreSQL's is waited for. A press or a channel is answered 503 then, and comes again.
_CONNECT: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    # A peer that vanished without a word (a firewall, a pulled plug) is noticed after 10 + 3 x 3 seconds at rest,
    # and after 15 when it does not acknowledge what was sent. The kernel's own patience is two hours.
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_SESSION: Final = {  # milliseconds
    # Ours take milliseconds, an export's page less than a second.
    "statement_timeout": "15000",
    # A conversation that another replica holds is free again within milliseconds, or that replica is in trouble. Less
    # than the three seconds in which Slack wants an answer to a press.
    "lock_timeout": "2000",
    # A replica that was stopped in mid-transaction must not hold its rows' locks: others take its work over.
    "idle_in_transaction_session_timeout": "10000",
    # Every statement of ours finds its rows by an index, whatever the values: planning it anew for them costs more than
    # running it. Compiling one to machine code costs more than both.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
_SNAPSHOTS: Final = {"default_transaction_isolation": "'repeatable read'", "default_transaction_read_only": "on"}


def address(url: str) -> URL:
    """`sqlite+aiosqlite://…` is the documented address; the driver under our own threads is the plain one."""
    parsed = make_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


def sqlite_path(url: URL) -> Path | None:
    """Where the database file is; None for PostgreSQL."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def asking(url: URL) -> Engine:
    """For questions about the schema, asked with SQLAlchemy's own transactions."""
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def writing(url: URL) -> Engine:
    """Connections on which transactions may write. Whoever holds one begins and commits on its driver."""
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgres)
    return engine


def reading(url: URL) -> Engine:
    """The same for transactions that each see one snapshot, and are refused when they write."""
    engine = writing(url)
    event.listen(engine, "connect", _refuse_writes if engine.dialect.name == "sqlite" else _prepare_snapshots)
    return engine


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ValueError("DATABASE_URL names no file: an in-memory SQLite database would lose what was promised")
        known: dict[str, Any] = {"connect_args": {"cached_statements": 512, "check_same_thread": False}}
    else:
        # What the address says goes first. An hstore is never kept: its type is not asked for.
        chosen = {name: value for name, value in _CONNECT.items() if name not in url.query}
        known = {"connect_args": chosen, "use_native_hstore": False}
    # No pool: whoever needs a connection often keeps it. Parameters are customers' words: they must not reach a log
    # inside an exception.
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, **known)
    event.listen(engine, "handle_error", _forget_details)
    return engine


def _forget_details(context: ExceptionContext) -> None:
    refusal, ours = context.original_exception, context.sqlalchemy_exception
    forget_details(refusal)
    if ours is not None and isinstance(refusal, psycopg.Error) and refusal.diag.message_detail:
        ours.args = (f"({type(refusal).__name__}) {refusal.diag.message_primary}",)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    # FULL: what a channel or an agent was told is committed survives a power cut, not only a kill.
    connection.execute("PRAGMA synchronous=FULL")


def _refuse_writes(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE for writers: no lock upgrade in mid-transaction, which SQLite would refuse without waiting.
    reading = connection.get_execution_options().get("signoff_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare_postgres(connection: "psycopg.Connection[Any]", _record: object) -> None:
    connection.autocommit = True  # BEGIN is ours
    _set(connection, _SESSION)


def _prepare_snapshots(connection: "psycopg.Connection[Any]", _record: object) -> None:
    _set(connection, _SNAPSHOTS)


def _set(connection: "psycopg.Connection[Any]", settings: dict[str, str]) -> None:
    connection.execute("; ".join(f"set {name} = {value}" for name, value in settings.items()))
