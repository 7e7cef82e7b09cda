"""One process at a time works on an installation."""

import os
from pathlib import Path

import pytest

from storage.lock import AlreadyRunning, only_one
from tests.processes import started

HOLD = """
import sys, time
from storage.lock import only_one
with only_one(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_one_is_told_and_a_later_one_is_not(database_url: str) -> None:
    with only_one(database_url):
        _refused(database_url, "is already running on")

    with only_one(database_url):
        pass


def test_the_process_that_runs_is_named(sqlite_url: str) -> None:
    with only_one(sqlite_url):
        _refused(sqlite_url, f"process {os.getpid()} is already running")


def test_another_name_of_the_same_file_is_the_same_installation(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "other.db").symlink_to(tmp_path / "signoff.db")

    with only_one(sqlite_url), pytest.raises(AlreadyRunning), only_one(f"sqlite:///{tmp_path / 'other.db'}"):
        pass


def test_databases_of_their_own_do_not_meet(sqlite_url: str, tmp_path: Path) -> None:
    with only_one(sqlite_url), only_one(f"sqlite:///{tmp_path / 'second.db'}"):
        pass


def test_a_killed_process_leaves_no_lock_behind(database_url: str) -> None:
    with started(HOLD, database_url) as holder:
        holder.says("held")
        _refused(database_url, "is already running")
        holder.kill()

    _eventually_free(database_url)


def _refused(url: str, words: str) -> None:
    with pytest.raises(AlreadyRunning, match=words), only_one(url):
        pass


def _eventually_free(url: str) -> None:
    """PostgreSQL notices a closed connection a moment later."""
    for _ in range(1000):
        try:
            with only_one(url):
                return
        except AlreadyRunning:
            continue
    pytest.fail("still locked")
