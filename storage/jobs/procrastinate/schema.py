"""Procrastinate's own tables and functions, brought to the version that is installed.

It ships the whole schema for a new database, and ordered files for one that has it. It keeps no record of the files
that ran, so we do, in `procrastinate_applied`. Files named `post` take away what an older release still needs: the
newest ones wait for the next upgrade, so that a replica of the last release goes on working beside this one.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

if TYPE_CHECKING:
    from procrastinate.schema import SchemaManager

_MEMORY: Final = "create table procrastinate_applied (name text primary key)"
# Ours on its table: what is due of a kind, the head of a lane, and what is promised about a row, each in one step.
_INDEXES: Final = (
    "create index if not exists signoff_jobs_due on procrastinate_jobs (task_name, scheduled_at, id)"
    " where status = 'todo'",
    "create index if not exists signoff_jobs_lane on procrastinate_jobs (lock, id) where status in ('todo', 'doing')",
    "create index if not exists signoff_jobs_subject on procrastinate_jobs ((args ->> 'subject'))"
    " where status = 'todo'",
)
# Its journal of every job's states goes with the job, and nobody reads it before: three rows a job that need not be.
# Its notifications, one or two for each job, make transactions commit one at a time: the engine tells the others later.
_UNUSED: Final = """
    do $$ declare unused name; begin
        for unused in
            select tgname from pg_trigger
            where tgrelid = 'procrastinate_jobs'::regclass and tgenabled <> 'D'
                and (tgname like 'procrastinate_trigger_%_events_%' or tgname like '%_notify_queue_job_inserted_%')
        loop
            execute format('alter table procrastinate_jobs disable trigger %I', unused);
        end loop;
    end $$
"""
# What the engine for one process left: promised again here. Whoever is told looks first whether it is still wanted.
_MOVE: Final = """
    with moved as (delete from job returning id, kind, lane, subject, run_at)
    select procrastinate_defer_jobs_v1(array(
        select row('signoff', kind, 0, lane, null, jsonb_build_object('subject', subject), run_at)
               ::procrastinate_job_to_defer_v1
        from moved order by id))
"""


def upgrade(connection: Connection) -> None:
    """In the transaction of the migration, under its lock. Does nothing where nothing is new."""
    had = applied(connection)
    if had is None:
        _run(connection, _shipped().get_schema())
        _run(connection, _MEMORY)
        _note(connection, _files())
        _run(connection, _MOVE)
    else:
        missing = [name for name in needed() if name not in had]
        for name in missing:
            _run(connection, (_folder() / name).read_text(encoding="utf-8"))
        _note(connection, missing)
    for ours in (*_INDEXES, _UNUSED):
        _run(connection, ours)


def applied(connection: Connection) -> frozenset[str] | None:
    """The files a database has; None: procrastinate is not there."""
    if connection.exec_driver_sql("select to_regclass('procrastinate_applied')").scalar() is None:
        return None
    return frozenset(connection.exec_driver_sql("select name from procrastinate_applied").scalars())


def complete(connection: Connection) -> bool:
    """Whether the database has what this program needs; it may have more."""
    return set(needed()) <= (applied(connection) or frozenset())


@cache
def needed() -> tuple[str, ...]:
    """Every file up to the last one that adds."""
    files = _files()
    adding = [place for place, name in enumerate(files) if "_post_" not in name]
    return files[: adding[-1] + 1]


@cache
def _files() -> tuple[str, ...]:
    return tuple(sorted(path.name for path in _folder().glob("*.sql")))


def _shipped() -> "type[SchemaManager]":
    from procrastinate.schema import SchemaManager  # noqa: PLC0415  # half a second: not where SQLite is used

    return SchemaManager


def _folder() -> Path:
    return Path(_shipped().get_migrations_path())


def _note(connection: Connection, names: tuple[str, ...] | list[str]) -> None:
    for name in names:
        connection.exec_driver_sql("insert into procrastinate_applied (name) values (%s)", (name,))


def _run(connection: Connection, sql: str) -> None:
    """Several statements, with percent signs of their own: the driver takes them as they are."""
    driver = connection.connection.driver_connection
    assert driver is not None, "a connection in use has its driver's"
    driver.execute(sql)
