"""What becomes of reads and writes while a database is away, locked, full or read-only, and when it comes back."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from storage.database import Database, Tx, Unavailable, Uncertain, sqlite_path
from tests.databases import Postgres
from tests.patience import PATIENCE_SECONDS
from tests.storage.rows import seen
from tests.storage.test_database import Gate, adding, keys


async def until_back(database: Database, key: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await database.write(adding(key))
                return
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_while_the_server_is_away_everything_says_so_and_afterwards_goes_on(
    postgres: Postgres, postgres_url: str
) -> None:
    async with Database(postgres_url) as database:
        await database.write(adding("before"))
        await database.read(keys)

        postgres.shut(postgres_url)

        with pytest.raises(Unavailable) as away:
            await database.write(adding("lost"))
        with pytest.raises(Unavailable):
            await database.read(keys)
        assert away.value.retry_after_seconds > 0
        assert database.troubles["unavailable"] == 2
        postgres.reopen(postgres_url)
        await until_back(database, "after")
        assert await database.read(keys) == ["after", "before"]


async def test_eight_writes_on_connections_cut_while_they_rested_are_all_written_once(
    postgres: Postgres, postgres_url: str
) -> None:
    async with Database(postgres_url) as database:
        await asyncio.gather(*(database.write(adding(f"before {number}")) for number in range(8)))

        postgres.shut(postgres_url)
        postgres.reopen(postgres_url)
        await asyncio.gather(*(database.write(adding(f"after {number}")) for number in range(8)))

        assert len(await database.read(keys)) == 16
        assert database.troubles["uncertain"] == 0


async def test_a_connection_cut_between_two_statements_repeats_the_write(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        tries: list[int] = []

        def work(tx: Tx) -> None:
            tries.append(1)
            tx.add(seen("once"))
            keys(tx)
            if len(tries) == 1:
                cut(postgres_url, tx)
            tx.add(seen("twice"))

        await database.write(work)

        assert len(tries) == 2
        assert await database.read(keys) == ["once", "twice"]
        assert database.troubles["repeated"] == 1


def cut(url: str, tx: Tx) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ((pid,),) = tx.run(text("select pg_backend_pid()"))
    with psycopg.connect(plain, autocommit=True) as other:
        # With a patience: returns when the other one has ended.
        other.execute("select pg_terminate_backend(%s, 10000)", (pid,))


@pytest.fixture
def dying_at_commit(postgres_url: str) -> str:
    """A server whose connection ends in the middle of a commit, after the statements have all been answered."""
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as other:
        other.execute(
            "create function die() returns trigger language plpgsql as "
            "$$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return null; end $$"
        )
        other.execute(
            "create constraint trigger die after insert on seen deferrable initially deferred "
            "for each row when (new.key = 'fatal') execute function die()"
        )
    return postgres_url


async def test_a_commit_whose_answer_is_lost_is_told_as_that_and_never_repeated(dying_at_commit: str) -> None:
    async with Database(dying_at_commit) as database:
        tries: list[int] = []

        def work(tx: Tx) -> None:
            tries.append(1)
            tx.add(seen("fatal"))

        with pytest.raises(Uncertain):
            await database.write(work)

        assert len(tries) == 1
        assert database.troubles["uncertain"] == 1
        assert await database.write(adding("after")) == "after"


async def test_a_row_that_another_session_holds_for_long_is_not_waited_for_for_ever(postgres_url: str) -> None:
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with Database(postgres_url) as database:
        await database.write(adding("held"))

        def touch(tx: Tx) -> None:
            tx.run(text("update seen set at = at where key = 'held'"))

        def impatient(tx: Tx) -> None:
            tx.run(text("set lock_timeout = 100"))
            touch(tx)

        with psycopg.connect(plain) as other:
            other.execute("update seen set at = at where key = 'held'")
            with pytest.raises(Unavailable):
                await database.write(impatient)

        await database.write(touch)


async def test_a_transaction_of_ours_waits_for_a_lock_and_for_a_statement_for_seconds_not_hours(
    postgres_url: str,
) -> None:
    names = "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"

    def patience(tx: Tx) -> list[str]:
        return [tx.run(text(f"select current_setting('{name}') as set"))[0][0] for name in names]

    async with Database(postgres_url) as database:
        assert await database.write(patience) == ["2s", "15s", "10s"]
        assert await database.read(patience) == ["2s", "15s", "10s"]


async def test_a_statement_that_takes_too_long_is_given_up_and_the_connection_lives(postgres_url: str) -> None:
    def slow(tx: Tx) -> None:
        tx.run(text("set local statement_timeout = 50"))
        tx.run(text("select pg_sleep(10)"))

    async with Database(postgres_url) as database:
        with pytest.raises(Unavailable, match="statement timeout"):
            await database.write(slow)

        assert await database.write(adding("after")) == "after"


async def test_much_at_once_goes_through_one_pipeline_in_pieces(postgres_url: str) -> None:
    async with Database(postgres_url) as database:

        def work(tx: Tx) -> None:
            for number in range(300):
                tx.add(seen(f"{number:03}" + "x" * 2_000))

        await database.write(work)

        assert len(await database.read(keys)) == 300


async def test_a_file_that_somebody_else_holds_for_long_is_unavailable_and_then_there_again(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database, Database(sqlite_url) as other:
        await database.write(lambda tx: tx.run(text("pragma busy_timeout = 50")))
        gate = Gate()
        holding = asyncio.ensure_future(other.write(gate))
        await gate.entered()

        with pytest.raises(Unavailable, match="locked"):
            await database.write(adding("kept out"))

        gate.open()
        await holding
        assert await database.write(adding("after")) == "after"
        assert database.troubles["unavailable"] == 1


async def test_without_room_a_write_is_told_so_and_with_room_again_it_goes_on(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database:

        def leave_no_room(tx: Tx) -> None:
            tx.run(text(f"pragma max_page_count = {tx.run(text('pragma page_count'))[0][0]}"))

        await database.write(leave_no_room)
        large = adding("large " * 20_000)
        with pytest.raises(Unavailable, match="full"):
            await database.write(large)

        await database.write(lambda tx: tx.run(text("pragma max_page_count = 1000000")))

        await database.write(large)
        assert len(await database.read(keys)) == 1


async def test_a_database_without_its_folder_is_unavailable_until_it_is_back(sqlite_url: str, tmp_path: Path) -> None:
    path = sqlite_path(make_url(sqlite_url))
    assert path is not None
    async with Database(f"sqlite:///{tmp_path}/later/signoff.db") as database:
        with pytest.raises(Unavailable):
            await database.write(adding("a"))

        (tmp_path / "later").mkdir()
        path.rename(tmp_path / "later" / "signoff.db")

        assert await database.write(adding("a")) == "a"


async def test_a_commit_that_the_disk_did_not_confirm_is_in_doubt(
    sqlite_url: str,
) -> None:
    async with Database(sqlite_url) as database:
        failing = sqlite3.OperationalError("disk I/O error")
        failing.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC

        def work(tx: Tx) -> None:
            tx.add(seen("a"))
            driver: Any = tx._driver
            driver._connection = Unsynced(driver._connection, failing)

        with pytest.raises(Uncertain):
            await database.write(work)

        assert await database.write(adding("b")) == "b"


class Unsynced:
    """A connection on whose commit the disk fails, as no disk here does on demand."""

    def __init__(self, real: sqlite3.Connection, failure: sqlite3.Error) -> None:
        self._real, self._failure = real, failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            raise self._failure
        return self._real.execute(sql, *parameters)
