"""On SQLite one process at a time keeps the promises: a second one is told so, clearly, before it does anything."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from storage.database.connections import address, sqlite_path


class AlreadyRunning(Exception):
    """Another process works on this file. The message says which, as far as it can be known."""


@contextlib.contextmanager
def only_one(url: str) -> Iterator[None]:
    """Hold the installation's lock, a file beside the database. It ends with the process however that ends.

    On PostgreSQL any number of replicas may run: nothing is held.

    Raises:
        AlreadyRunning: somebody else holds it.
    """
    path = sqlite_path(address(url))
    with _file(path) if path is not None else contextlib.nullcontext():
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
