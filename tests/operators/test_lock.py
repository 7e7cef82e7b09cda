"""One process at a time works on a SQLite file; on PostgreSQL as many as there are replicas."""

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


def test_a_second_one_is_told_and_a_later_one_is_not(sqlite_url: str) -> None:
    with only_one(sqlite_url):
        _refused(sqlite_url, "is already running on")

    with only_one(sqlite_url):
        pass


def test_replicas_may_share_a_postgresql_which_is_not_even_asked() -> None:
    nowhere = "postgresql+psycopg://bot@127.0.0.1:1/signoff"

    with only_one(nowhere), only_one(nowhere):
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


def test_a_killed_process_leaves_no_lock_behind(sqlite_url: str) -> None:
    with started(HOLD, sqlite_url) as holder:
        holder.says("held")
        _refused(sqlite_url, "is already running")
        holder.kill()

    with only_one(sqlite_url):
        pass


def _refused(url: str, words: str) -> None:
    with pytest.raises(AlreadyRunning, match=words), only_one(url):
        pass
