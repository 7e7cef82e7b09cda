"""One process at a time keeps an installation's promises: a second one is told so, clearly, before it does anything."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from storage.engines import address, sqlite_path

_KEY: Final = 715_516  # the advisory lock's number on PostgreSQL; one database holds one installation


class AlreadyRunning(Exception):
    """Another process works on this database. The message says which, as far as it can be known."""


@contextlib.contextmanager
def only_one(url: str) -> Iterator[None]:
    """Hold the installation's lock. It ends with the process however that ends: nothing is left to clean up.

    On SQLite a lock file beside the database, on PostgreSQL an advisory lock on a connection of its own.

    Raises:
        AlreadyRunning: somebody else holds it.
    """
    path = sqlite_path(address(url))
    with _file(path) if path is not None else _advisory(url):
        yield


@contextlib.contextmanager
def _file(database: Path) -> Iterator[None]:
    # The database's real place: two names of one file are one installation.
    path = database.resolve().with_name(f"{database.resolve().name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(20).strip()
            process = f"process {holder}" if holder.isdecimal() else "another process"
            raise AlreadyRunning(f"{process} is already running on {database} (it holds {path.name})") from None
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield  # the file stays: removing it would let two processes lock two files of one name


@contextlib.contextmanager
def _advisory(url: str) -> Iterator[None]:
    plain = address(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, keepalives_idle=30, application_name="signoff lock") as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", (_KEY,)).fetchone()
        if row is None or not row[0]:
            holder = connection.execute(
                "select coalesce(host(client_addr), 'this machine') from pg_stat_activity join pg_locks using (pid) "
                "where locktype = 'advisory' and objid = %s and granted and database = "
                "(select oid from pg_database where datname = current_database())",
                (_KEY,),
            ).fetchone()
            where = f"a process on {holder[0]}" if holder else "another process"
            raise AlreadyRunning(f"{where} is already running on this database")
        yield
