"""Transactions, on both databases: who is told what, and what is there afterwards."""

import asyncio
import threading
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from storage.database import Database, RolledBack, Tx, Unavailable, table_of
from storage.database.switching import elsewhere
from storage.rows import get, lock
from storage.tables import Agent, Direction, Role, Seen
from tests.clock import NOON
from tests.patience import PATIENCE_SECONDS
from tests.storage.rows import agent, conversation, customer, message, seen

SEEN = table_of(Seen)


def keys(tx: Tx) -> list[str]:
    return [row.key for row in tx.run(select(SEEN.c.key).order_by(SEEN.c.key))]


def adding(key: str) -> Callable[[Tx], str]:
    def work(tx: Tx) -> str:
        tx.add(seen(key))
        return key

    return work


def failing(key: str) -> Callable[[Tx], None]:
    def work(tx: Tx) -> None:
        tx.add(seen(key))
        raise LookupError(key)

    return work


class Gate:
    """Holds the writer inside a transaction, so that what is written meanwhile waits together."""

    def __init__(self) -> None:
        self.inside, self._open = threading.Event(), threading.Event()

    def __call__(self, tx: Tx) -> None:
        self.inside.set()
        assert elsewhere(partial(self._open.wait, PATIENCE_SECONDS))

    def open(self) -> None:
        self._open.set()

    async def entered(self) -> None:
        assert await asyncio.to_thread(self.inside.wait, PATIENCE_SECONDS)


async def together(database: Database, *works: Callable[[Tx], object]) -> list[object]:
    """Run the writes so that on SQLite they share a commit; results or errors in order."""
    gate = Gate()
    holding = asyncio.ensure_future(database.write(gate))
    await gate.entered()
    writes = [asyncio.ensure_future(database.write(work)) for work in works]
    await asyncio.sleep(0)
    gate.open()
    await holding
    return list(await asyncio.gather(*writes, return_exceptions=True))


async def test_what_was_written_is_there_for_the_next_program(database_url: str) -> None:
    async with Database(database_url) as first:
        assert await first.write(adding("one")) == "one"

    async with Database(database_url) as second:
        assert await second.read(keys) == ["one"]


async def test_a_commit_has_reached_the_disk(sqlite_url: str, postgres_url: str) -> None:
    """What is told as committed survives a power cut; what PostgreSQL promises by default is not undone by us."""
    async with Database(sqlite_url) as sqlite, Database(postgres_url) as postgres:
        file = await sqlite.write(lambda tx: [tx.run(text(f"pragma {name}"))[0][0] for name in _PRAGMAS])
        server = await postgres.write(lambda tx: tx.run(text("show synchronous_commit"))[0][0])

    assert file == [2, "wal", 1]
    assert server == "on"


_PRAGMAS = ("synchronous", "journal_mode", "foreign_keys")


async def test_a_write_that_raises_leaves_nothing_and_its_caller_gets_the_error(database: Database) -> None:
    with pytest.raises(LookupError, match="one"):
        await database.write(failing("one"))

    assert await database.read(keys) == []


async def test_of_writes_that_wait_together_the_failing_one_fails_alone(database: Database) -> None:
    await database.write(adding("taken"))

    results = await together(database, adding("a"), failing("b"), adding("c"), adding("taken"), adding("d"))

    assert results[0] == "a"
    assert isinstance(results[1], LookupError)
    assert results[2] == "c"
    assert isinstance(results[3], IntegrityError)
    assert results[4] == "d"
    assert await database.read(keys) == ["a", "c", "d", "taken"]


async def test_writes_that_wait_together_share_a_commit_on_sqlite(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database:
        await together(database, *(adding(f"{number:02}") for number in range(40)))

        assert database.commits == 2  # the gate's, and theirs
        assert len(await database.read(keys)) == 40


async def test_when_all_that_waited_failed_nothing_is_committed(database: Database) -> None:
    results = await together(database, failing("a"), failing("b"))

    assert [type(result) for result in results] == [LookupError, LookupError]
    assert await database.read(keys) == []


async def test_what_follows_a_commit_happens_in_order_and_before_its_caller_goes_on(database: Database) -> None:
    happened: list[str] = []

    def work(tx: Tx) -> None:
        assert (threading.current_thread() is threading.main_thread()) is not database.sqlite
        tx.after_commit(lambda: happened.append(f"first on {threading.current_thread().name}"))
        tx.after_commit(lambda: happened.append("second"))
        tx.add(seen("one"))

    await database.write(work)
    happened.append("caller")

    assert happened == ["first on MainThread", "second", "caller"]


async def test_nothing_follows_a_write_that_failed(database: Database) -> None:
    happened: list[str] = []

    def failing_late(tx: Tx) -> None:
        tx.after_commit(lambda: happened.append("never"))
        raise LookupError

    await together(database, failing_late, adding("a"))
    with pytest.raises(LookupError):
        await database.write(failing_late)

    assert happened == []


async def test_a_call_after_commit_that_raises_leaves_everyone_else_answered(database: Database) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    wrong = ZeroDivisionError()

    def work(tx: Tx) -> str:
        def call() -> None:
            raise wrong

        tx.after_commit(call)
        return "written"

    assert await together(database, work, adding("a")) == ["written", "a"]
    assert reported == [wrong]


async def test_a_failing_commit_is_told_to_everyone_in_it(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database:

        def leave_an_orphan_until_commit(tx: Tx) -> None:
            tx.run(text("pragma defer_foreign_keys = on"))
            tx.run(text("insert into snippet (id, article_id, position, text) values ('s', 'nobody', 0, '')"))

        results = await together(database, adding("a"), leave_an_orphan_until_commit, failing("b"))

        assert [type(result) for result in results] == [IntegrityError, IntegrityError, LookupError]
        assert await database.read(keys) == []
        assert await database.write(adding("afterwards")) == "afterwards"


async def test_a_failure_that_makes_sqlite_roll_back_everything_still_fails_alone(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database:
        await database.write(adding("taken"))
        rolls_back_all = text("insert or rollback into seen (key, at) values ('taken', '2026-01-01 00:00:00')")

        results = await together(
            database, adding("before"), lambda tx: tx.run(rolls_back_all), adding("after"), failing("no")
        )

        assert results[0] == "before"
        assert isinstance(results[1], IntegrityError)
        assert results[2] == "after"
        assert isinstance(results[3], LookupError)
        assert await database.read(keys) == ["after", "before", "taken"]


async def test_a_full_disk_fails_the_write_that_needs_room_and_the_next_ones_go_on(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database:

        def leave_no_room(tx: Tx) -> None:
            pages = tx.run(text("pragma page_count"))[0][0]
            tx.run(text(f"pragma max_page_count = {pages + 4}"))

        await database.write(leave_no_room)
        large = insert(SEEN).values(key="large " * 20_000, at=NOON)

        results = await together(database, adding("small"), lambda tx: tx.run(large), adding("also small"))

        assert results[0] == "small"
        assert isinstance(results[1], OperationalError)
        assert "full" in str(results[1])
        assert results[2] == "also small"
        assert await database.read(keys) == ["also small", "small"]
        with pytest.raises(OperationalError, match="full"):
            await database.write(lambda tx: tx.run(large))
        assert await database.write(adding("still small")) == "still small"


async def test_a_write_that_went_on_after_a_broken_statement_is_never_called_done(database: Database) -> None:
    await database.write(adding("taken"))

    def carry_on(tx: Tx) -> str:
        tx.add(seen("mine"))
        with pytest.raises(IntegrityError):
            tx.run(text("insert or rollback into seen select * from seen" if not tx.postgres else DUPLICATE))
        return "done"

    with pytest.raises(RolledBack):
        await database.write(carry_on)

    assert await database.read(keys) == ["taken"]


DUPLICATE = "insert into seen select * from seen"


async def test_a_write_whose_caller_was_cancelled_may_still_commit_and_hurts_nobody(database_url: str) -> None:
    async with Database(database_url) as database:
        gate = Gate()
        holding = asyncio.ensure_future(database.write(gate))
        await gate.entered()
        impatient = asyncio.ensure_future(database.write(adding("impatient")))
        patient = asyncio.ensure_future(database.write(adding("patient")))
        await asyncio.sleep(0)

        impatient.cancel()
        gate.open()

        assert await patient == "patient"
        await holding
        with pytest.raises(asyncio.CancelledError):
            await impatient
    async with Database(database_url) as again:
        assert await again.read(keys) == ["impatient", "patient"]


async def test_closing_finishes_the_writes_that_wait(database_url: str) -> None:
    gate = Gate()
    async with Database(database_url) as database:
        writes = [asyncio.ensure_future(database.write(gate))]
        await gate.entered()
        writes += [asyncio.ensure_future(database.write(adding(f"{number:03}"))) for number in range(200)]
        await asyncio.sleep(0)
        gate.open()

    await asyncio.gather(*writes)
    async with Database(database_url) as again:
        assert len(await again.read(keys)) == 200


async def test_a_closed_database_refuses_instead_of_keeping_its_callers_waiting(database_url: str) -> None:
    async with Database(database_url) as database:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        await database.write(adding("late"))
    with pytest.raises(RuntimeError):
        await database.read(keys)


async def test_a_database_that_cannot_be_opened_says_so_to_every_caller(tmp_path: object) -> None:
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/no/such/folder/signoff.db") as database:
        results = await asyncio.gather(*(database.write(adding("a")) for _ in range(3)), return_exceptions=True)

        assert [type(result) for result in results] == [Unavailable] * 3
        with pytest.raises(OperationalError):
            await database.read(keys)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite+aiosqlite://"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="would lose what was promised"):
        Database(url)


async def test_a_function_that_raises_stop_iteration_does_not_keep_its_caller_waiting(database: Database) -> None:
    def work(tx: Tx) -> str:
        return next(iter(keys(tx)))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await database.write(work)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await database.read(work)


async def test_a_reader_sees_one_moment_and_neither_waits_for_the_writer_nor_holds_it_up(database: Database) -> None:
    await database.write(adding("before"))
    looked, written = threading.Event(), threading.Event()

    def look_twice(tx: Tx) -> tuple[list[str], list[str]]:
        first = keys(tx)
        looked.set()
        assert elsewhere(partial(written.wait, PATIENCE_SECONDS))
        return first, keys(tx)

    reading = asyncio.ensure_future(database.read(look_twice))
    assert await asyncio.to_thread(looked.wait, PATIENCE_SECONDS)
    await database.write(adding("meanwhile"))
    written.set()

    assert await reading == (["before"], ["before"])
    assert await database.read(keys) == ["before", "meanwhile"]


async def test_reading_goes_on_while_a_write_is_open(database: Database) -> None:
    gate = Gate()

    def write_and_hold(tx: Tx) -> None:
        tx.add(seen("uncommitted"))
        gate(tx)

    writing = asyncio.ensure_future(database.write(write_and_hold))
    await gate.entered()

    assert await database.read(keys) == []
    gate.open()
    await writing
    assert await database.read(keys) == ["uncommitted"]


async def test_a_read_that_writes_is_refused(database: Database) -> None:
    with pytest.raises(DBAPIError):
        await database.read(adding("sneaky"))

    assert await database.read(keys) == []


async def test_sixty_four_writers_at_once_lose_nothing(database: Database) -> None:
    await database.write(lambda tx: tx.add(agent("agt_1", name="")))
    table = table_of(Agent)
    count_up = update(table).where(table.c.id == "agt_1").values(name=table.c.name + "|")

    def work(key: str, tx: Tx) -> None:
        tx.run(count_up)
        tx.add(seen(key))

    async def writer(number: int) -> None:
        for step in range(5):
            await database.write(partial(work, f"{number:02}-{step}"))

    await asyncio.gather(*(writer(number) for number in range(64)))

    assert len(await database.read(keys)) == 320
    assert await database.read(lambda tx: tx.run(select(table.c.name))[0][0]) == "|" * 320


async def test_a_deadlock_is_settled_without_anyone_noticing(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        await database.write(lambda tx: (tx.add(agent("agt_1")), tx.add(agent("agt_2")))[1])
        table = table_of(Agent)
        meeting = threading.Barrier(2)
        tries: list[str] = []

        def promote(first: str, second: str) -> Callable[[Tx], None]:
            def work(tx: Tx) -> None:
                tries.append(first)
                assert tx.changed(
                    table.update().where(table.c.id == first).values(role=Role.ADMIN).returning(table.c.id)
                )
                if len(tries) <= 2:
                    elsewhere(partial(meeting.wait, PATIENCE_SECONDS))
                tx.run(table.update().where(table.c.id == second).values(role=Role.ADMIN))

            return work

        await asyncio.gather(
            database.write(promote("agt_1", "agt_2")),
            database.write(promote("agt_2", "agt_1")),
            return_exceptions=False,
        )

        assert len(tries) >= 3  # who was given up may meet the other one once more
        roles = await database.read(lambda tx: [row.role for row in tx.run(select(table.c.role))])
        assert roles == [Role.ADMIN, Role.ADMIN]


async def test_a_lost_connection_is_replaced_before_anything_is_lost(postgres_url: str) -> None:
    async with Database(postgres_url) as database, Database(postgres_url) as other:
        await database.write(adding("before"))
        await database.read(keys)
        cut_off = text("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        await other.write(lambda tx: tx.run(cut_off))

        assert await database.read(keys) == ["before"]
        await asyncio.gather(*(database.write(adding(f"after {number}")) for number in range(8)))

        assert len(await database.read(keys)) == 9


async def test_a_connection_lost_in_the_middle_of_a_write_repeats_it(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        tries: list[int] = []

        def work(tx: Tx) -> str:
            tx.add(seen("once"))
            tries.append(1)
            if len(tries) == 1:
                tx.run(text("select pg_terminate_backend(pg_backend_pid())"))
            return "done"

        assert await database.write(work) == "done"
        assert len(tries) == 2
        assert await database.read(keys) == ["once"]


async def test_a_writer_of_another_program_is_waited_for(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database, Database(sqlite_url) as other:
        gate = Gate()
        holding = asyncio.ensure_future(other.write(gate))
        await gate.entered()
        waiting = asyncio.ensure_future(database.write(adding("second")))
        await database.read(keys)
        assert not waiting.done()

        gate.open()

        assert await waiting == "second"
        await holding


async def test_the_loop_stays_free_while_the_database_works(database: Database) -> None:
    gate = Gate()
    writing = asyncio.ensure_future(database.write(gate))
    await gate.entered()

    for _ in range(1000):  # the loop turns, whatever the writer does
        await asyncio.sleep(0)
    assert not writing.done()

    gate.open()
    await writing


async def test_eight_programs_may_open_a_new_database_file_at_once(tmp_path: object) -> None:
    for attempt in range(10):
        databases = [Database(f"sqlite:///{tmp_path}/{attempt}.db") for _ in range(8)]

        opened = await asyncio.gather(*(one.write(lambda tx: tx.run(text("pragma journal_mode"))) for one in databases))

        assert [row[0][0] for row in opened] == ["wal"] * 8
        for one in databases:
            await one.__aexit__()


async def test_errors_of_the_database_keep_customers_words_to_themselves(database: Database) -> None:
    words = "my card is 4111"

    def unauthorised(tx: Tx) -> None:
        tx.add(customer())
        tx.add(conversation())
        tx.add(message(text=words, direction=Direction.OUTGOING, decision_id=None))

    with pytest.raises(IntegrityError, match="authorised") as refused:
        await database.write(unauthorised)

    assert words not in "".join(traceback.format_exception(refused.value))


# Before the commit


async def test_what_a_transaction_leaves_for_its_end_is_done_in_it(database: Database) -> None:
    def work(tx: Tx) -> None:
        tx.before_commit(lambda: tx.add(seen("two")))
        tx.add(seen("one"))
        tx.before_commit(lambda: tx.add(seen("three")))
        assert keys(tx) == ["one"]

    await database.write(work)

    assert await database.read(keys) == ["one", "three", "two"]


async def test_what_was_left_for_the_end_of_a_transaction_that_failed_is_not_done(database: Database) -> None:
    called: list[str] = []

    def work(tx: Tx) -> None:
        tx.before_commit(lambda: called.append("called"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)

    assert called == []


async def test_a_transaction_whose_end_fails_is_rolled_back(database: Database) -> None:
    def fail() -> None:
        raise LookupError

    def work(tx: Tx) -> None:
        tx.add(seen("one"))
        tx.before_commit(fail)

    with pytest.raises(LookupError):
        await database.write(work)

    assert await database.read(keys) == []


# What is asked ahead


def found(tx: Tx, key: str) -> list[str]:
    return [row.key for row in tx.run(_FOUND, wanted=key)]


_FOUND = select(table_of(Seen).c.key).where(table_of(Seen).c.key == bindparam("wanted"))


async def test_what_was_asked_ahead_is_found_and_only_by_who_asks_the_same(database: Database) -> None:
    for key in ("one", "two"):
        await database.write(adding(key))

    def work(tx: Tx) -> list[list[str]]:
        tx.ahead(found, "one")
        tx.ahead(found, "never")
        return [found(tx, "two"), found(tx, "one"), found(tx, "one"), found(tx, "never")]

    assert await database.read(work) == [["two"], ["one"], ["one"], []]
    assert await database.write(work) == [["two"], ["one"], ["one"], []]


async def test_what_is_asked_ahead_travels_with_the_next_statement(postgres_url: str) -> None:
    exchanges: list[int] = []

    def work(tx: Tx) -> None:
        driver: Any = tx._driver
        exchange = driver._exchange
        driver._exchange = lambda: (exchanges.append(len(driver._waiting)), exchange())[1]
        try:
            for key in ("one", "two"):
                tx.ahead(found, key)
            assert (found(tx, "three"), found(tx, "two"), found(tx, "one")) == ([], [], [])
        finally:
            del driver._exchange

    async with Database(postgres_url) as database:
        await database.write(work)

    assert exchanges == [4]  # BEGIN, and three questions


async def test_who_asks_ahead_behind_a_lock_sees_what_its_holder_did(postgres_url: str) -> None:
    table = table_of(Agent)
    async with Database(postgres_url) as one, Database(postgres_url) as other:
        await one.write(lambda tx: tx.add(agent("agt_1", name="before")))
        gate = Gate()

        def rename(tx: Tx) -> None:
            tx.run(update(table).values(name="after"))
            lock(tx, Agent, "agt_1")
            gate(tx)

        def look(tx: Tx) -> str:
            tx.ahead(lock, Agent, "agt_1")
            tx.ahead(get, Agent, "agt_1")
            lock(tx, Agent, "agt_1")
            row = get(tx, Agent, "agt_1")
            assert row is not None
            return row.name

        renaming = asyncio.ensure_future(one.write(rename))
        await gate.entered()
        looking = asyncio.ensure_future(other.write(look))
        await asyncio.sleep(0.05)  # long enough to be asked; where it is not, it comes later still
        gate.open()
        await renaming

        assert await looking == "after"


async def test_what_was_asked_ahead_is_not_to_be_had_after_a_statement_that_failed(postgres_url: str) -> None:
    def work(tx: Tx) -> None:
        tx.ahead(found, "one")
        tx.add(seen("twice"))
        tx.add(seen("twice"))
        tx.ahead(found, "two")
        with pytest.raises(DBAPIError):
            found(tx, "three")
        found(tx, "two")

    async with Database(postgres_url) as database:
        with pytest.raises(RolledBack):
            await database.write(work)
        assert await database.read(keys) == []
