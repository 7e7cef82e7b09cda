"""The database: transactions are plain functions of a Tx, so no transaction can wait for the network.

Why not an async session: measured, it costs 3.5-5 ms of CPU a transaction, this 0.3-0.5 (docs/decisions/001).
"""

import asyncio
import contextlib
import queue
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self, TypeVar, cast

import psycopg
from sqlalchemy import Connection, Engine, Executable, Row, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from storage.engines import address as address
from storage.engines import reading, writing
from storage.engines import sqlite_path as sqlite_path
from storage.loading import loaded
from storage.prepared import Prepared, prepared

T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)

_INSERTS: Final[dict[type[SQLModel], tuple[Any, tuple[str, ...]]]] = {}
_GROUP: Final = 64  # writes of waiting requests that share one commit on SQLite
_READERS: Final = 4
_WRITERS_POSTGRES: Final = 8
_ATTEMPTS_POSTGRES: Final = 5
_SERIALISATION: Final = ("40001", "40P01")  # PostgreSQL: serialization_failure, deadlock_detected


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a SQLModel class."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]  # SQLModel's metaclass sets it


class RolledBack(Exception):
    """The database gave the transaction up although its function returned: it went on after a failed statement."""


class Tx:
    """One open transaction. It cannot be awaited in, and is over when the function it was given to returns."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgres = connection.dialect.name == "postgresql"
        self._driver: Any = None if self.postgres else connection.connection.driver_connection
        self._after_commit: list[Callable[[], None]] = []
        self._before_commit: list[Callable[[], None]] = []

    def run(self, statement: Executable, /, **values: Any) -> Sequence[Row[*tuple[Any, ...]]]:
        """Execute, and return the rows if the statement returns any."""
        if (ready := self._prepared(statement, values)) is not None:
            return ready[0].rows(self._driver, ready[1])
        result = self.connection.execute(statement, values)
        return result.all() if result.returns_rows else ()

    def first(self, model: type[M], statement: Executable, /, **values: Any) -> M | None:
        """The first row as a `model`, or None. The statement selects (or returns) the whole table."""
        if (ready := self._prepared(statement, values)) is not None:
            found = ready[0].one(self._driver, ready[1])
            return None if found is None else loaded(model, dict(zip(ready[0].names, found, strict=True)))
        row = self.connection.execute(statement, values).first()
        return None if row is None else loaded(model, dict(row._mapping))

    def all(self, model: type[M], statement: Executable, /, **values: Any) -> list[M]:
        if (ready := self._prepared(statement, values)) is not None:
            names, found = ready[0].names, ready[0].every(self._driver, ready[1])
            return [loaded(model, dict(zip(names, row, strict=True))) for row in found]
        return [loaded(model, dict(row._mapping)) for row in self.connection.execute(statement, values)]

    def add(self, row: SQLModel) -> None:
        """Insert now; a broken constraint raises IntegrityError here, not at commit."""
        model = type(row)
        if model not in _INSERTS:
            table = table_of(model)
            _INSERTS[model] = insert(table), tuple(column.name for column in table.columns)
        statement, names = _INSERTS[model]
        self.run(statement, **{name: getattr(row, name) for name in names})

    def changed(self, statement: Executable, /, **values: Any) -> bool:
        """Whether the statement, which must end in RETURNING, touched a row: compare-and-set.

        Never by `rowcount`: after `on conflict do nothing` SQLite says 0 or 1, psycopg -1.
        """
        return bool(self.run(statement, **values))

    def _prepared(self, statement: Executable, values: dict[str, Any]) -> tuple[Prepared, list[Any]] | None:
        """On SQLite, the statement for its driver with its parameters; None: through SQLAlchemy, as on PostgreSQL."""
        if self.postgres:
            return None
        ready = prepared(statement, tuple(values), self.connection.dialect)
        try:
            return None if ready is None else (ready, ready.bound(values))
        except Exception:  # noqa: BLE001  # a value that does not fit: SQLAlchemy refuses it in its own words
            return None

    def before_commit(self, call: Callable[[], None]) -> None:
        """Call as the last of this transaction's work, in the order given; never if that work raised.

        What it raises rolls back. A function that is run again leaves its hooks anew.
        """
        self._before_commit.append(call)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call once, on the event loop, when this transaction is durable; never if it is rolled back."""
        self._after_commit.append(call)


class Database:
    """Reads and writes, each one a function run in one transaction on a thread of the database's own.

    SQLite: one writer; what waits together commits together, each behind a savepoint of its own, so a write that fails
    fails alone. PostgreSQL: a small pool, one transaction each. A function may be run again, when PostgreSQL reports a
    deadlock or the connection was lost before the commit, so it must not do anything but run statements.
    """

    def __init__(self, url: str) -> None:
        self.url = address(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        writers = 1 if self.sqlite else _WRITERS_POSTGRES
        # One more than the threads below need, for questions about the schema asked on `engine` itself.
        self.engine: Final[Engine] = writing(self.url, connections=writers + 1)
        self._snapshots: Final[Engine] = reading(self.url, connections=_READERS)
        self._reads = ThreadPoolExecutor(_READERS, thread_name_prefix="db-read")
        self._writes = ThreadPoolExecutor(writers, thread_name_prefix="db-write")
        self._waiting: queue.SimpleQueue[_Write] = queue.SimpleQueue()
        self._closed = False
        self.commits = 0  # transactions made durable; on SQLite several writes may share one

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish the writes that wait, then close every connection."""
        self._closed = True
        await asyncio.to_thread(self._writes.shutdown)
        await asyncio.to_thread(self._reads.shutdown)
        self.engine.dispose()
        self._snapshots.dispose()

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction; when this returns it is committed. What `work` raises rolls it back.

        A caller that is cancelled does not undo it: the transaction may still commit.

        Raises:
            RolledBack: `work` caught the failure of a statement and went on, but the database had given up.
        """
        if self._closed:
            raise RuntimeError("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        write = _Write(work, future, loop)
        if self.sqlite:
            self._waiting.put(write)
            self._writes.submit(self._write_waiting)
        else:
            self._writes.submit(self._write_alone, write)
        return await future

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on a snapshot beside the writer. Writing in it is refused by the database."""
        return await asyncio.get_running_loop().run_in_executor(self._reads, self._read, work)

    def _read(self, work: Callable[[Tx], T]) -> T:
        for attempt in range(_ATTEMPTS_POSTGRES):
            try:
                with self._snapshots.connect() as connection, connection.begin():
                    return _ran(work, Tx(connection))
            except DBAPIError as error:
                if not error.connection_invalidated or attempt == _ATTEMPTS_POSTGRES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _write_alone(self, write: "_Write") -> None:
        """PostgreSQL: a transaction of its own, repeated where that is known to be safe."""
        for attempt in range(1, _ATTEMPTS_POSTGRES + 1):
            committing = False
            try:
                with self.engine.connect() as connection:
                    write.run(connection)
                    committing = True
                    _commit(connection)
                break
            except DBAPIError as error:
                write.error = error
                conflict = getattr(error.orig, "sqlstate", None) in _SERIALISATION
                lost = error.connection_invalidated and not committing
                if not (conflict or lost) or attempt == _ATTEMPTS_POSTGRES:
                    break
                if conflict:
                    time.sleep(random.uniform(0, 0.01 * attempt))  # or the same two meet again
            except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
                write.error = error
                break
        self._tell([write])

    def _write_waiting(self) -> None:
        """SQLite: one commit for everything that waits by now."""
        group: list[_Write] = []
        with contextlib.suppress(queue.Empty):
            while len(group) < _GROUP:
                group.append(self._waiting.get_nowait())
        if len(group) == 1:
            self._commit_one(group[0])
        elif group and not self._commit_together(group):
            for write in group:
                self._commit_one(write)
        if group:
            self._tell(group)

    def _commit_one(self, write: "_Write") -> None:
        try:
            with self.engine.connect() as connection:
                write.run(connection)
                _commit(connection)
        except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
            write.error = error

    def _commit_together(self, group: "list[_Write]") -> bool:
        """Each behind a savepoint; if the commit itself fails, everyone in it is told.

        False: nothing happened, because one of them failed so badly that SQLite rolled back all (a full disk does).
        """
        try:
            with self.engine.connect() as connection:
                for write in group:
                    if not write.run_behind_savepoint(connection):
                        return False
                if any(write.error is None for write in group):
                    _commit(connection)
        except BaseException as error:  # noqa: BLE001  # belongs to the callers, whatever it is
            for write in group:
                write.error = write.error or error
        return True

    def _tell(self, group: "list[_Write]") -> None:
        """Settle all on their loop in one wake-up."""

        def settle_all() -> None:
            self.commits += any(write.error is None for write in group)
            for write in group:
                write.settle()

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            group[0].loop.call_soon_threadsafe(settle_all)


class _Write:
    """A write that waits for its commit, and the future of whoever awaits it."""

    def __init__(
        self, work: Callable[[Tx], Any], future: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop
    ) -> None:
        self.work, self.future, self.loop = work, future, loop
        self.result: Any = None
        self.error: BaseException | None = None
        self.calls: list[Callable[[], None]] = []

    def run(self, connection: Connection) -> None:
        """Run the work on a fresh transaction, which the caller commits."""
        tx = Tx(connection)
        connection.begin()
        self.result = _ran(self.work, tx)
        if _given_up(connection):
            raise RolledBack("the database gave the transaction up after a statement that failed")
        self.error = None  # of an earlier attempt
        self.calls = tx._after_commit

    def run_behind_savepoint(self, connection: Connection) -> bool:
        """Run the work so that its failure undoes only itself. False: the whole transaction is gone."""
        tx = Tx(connection)
        if not connection.in_transaction():
            connection.begin()
        driver: Any = connection.connection.driver_connection  # a third of the time of SQLAlchemy's begin_nested
        driver.execute("SAVEPOINT one_write")
        try:
            self.result = _ran(self.work, tx)
            self.error = None
            self.calls = tx._after_commit
        except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
            self.error = error
            if driver.in_transaction:
                driver.execute("ROLLBACK TO one_write")
        if not driver.in_transaction:
            return False
        driver.execute("RELEASE one_write")
        return True

    def settle(self) -> None:
        if self.error is None:
            for call in self.calls:
                self.loop.call_soon(call)  # before the caller goes on; one that fails hurts nobody else
        if self.future.done():  # the caller was cancelled
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def _ran(work: Callable[[Tx], T], tx: Tx) -> T:
    try:
        result = work(tx)
        for call in tx._before_commit:
            call()
        return result
    except StopIteration as stop:  # no future can hold one: its caller would wait for ever
        raise RuntimeError("StopIteration left a transaction's function") from stop


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except BaseException:
        connection.invalidate()  # SQLAlchemy thinks it over, SQLite may not: the next one would begin inside it
        raise


def _given_up(connection: Connection) -> bool:
    """Whether the database rolled back by itself: both drivers would then let COMMIT pass without a word."""
    driver = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        return driver.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    return not cast(Any, driver).in_transaction
