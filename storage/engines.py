"""Connections: how SQLite and PostgreSQL are opened for writing, and for reading a snapshot."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url


def address(url: str) -> URL:
    """`sqlite+aiosqlite://…` is the documented address; the driver under our own threads is the plain one."""
    parsed = make_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


def sqlite_path(url: URL) -> Path | None:
    """Where the database file is; None for PostgreSQL."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def writing(url: URL, *, connections: int) -> Engine:
    """An engine whose transactions may write; at most so many connections."""
    engine = _engine(url, connections)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def reading(url: URL, *, connections: int) -> Engine:
    """An engine whose transactions each see one snapshot and are refused when they write."""
    engine = _engine(url, connections)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "connect", _refuse_writes)
        event.listen(engine, "begin", _begin_snapshot)
    else:
        event.listen(engine, "connect", _prepare_snapshots)
    return engine


def _engine(url: URL, connections: int) -> Engine:
    if url.get_backend_name() == "sqlite" and (not url.database or url.database == ":memory:"):
        raise ValueError("DATABASE_URL names no file: an in-memory SQLite database would lose what was promised")
    # Parameters are customers' words: they must not reach a log inside an exception.
    engine = create_engine(url, pool_size=connections, max_overflow=0, hide_parameters=True)
    event.listen(engine, "handle_error", _forget_details)
    return engine


def _forget_details(context: ExceptionContext) -> None:
    """PostgreSQL quotes the row it refuses; its first line, which names the constraint, is enough."""
    refusal, ours = context.original_exception, context.sqlalchemy_exception
    if isinstance(refusal, psycopg.Error) and refusal.diag.message_detail:
        refusal.args = (refusal.diag.message_primary,)
        if ours is not None:
            ours.args = (f"({type(refusal).__name__}) {refusal.diag.message_primary}",)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy then leaves BEGIN to us
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


def _begin_snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _prepare_snapshots(connection: "psycopg.Connection[Any]", _record: object) -> None:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
