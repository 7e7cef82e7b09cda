"""The database: transactions are plain functions of a Tx, so no transaction can wait for the network.

Why not an async session: measured, it costs 3.5-5 ms of CPU a transaction, this 0.3-0.5 (docs/decisions/001).
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self, TypeVar, cast

from sqlalchemy import Connection, Engine, Executable, Row, Table, create_engine, event, insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)

_INSERTS: Final[dict[type[SQLModel], tuple[Any, tuple[str, ...]]]] = {}
_GROUP: Final = 64  # writes of waiting requests that share one commit on SQLite
_READERS: Final = 4
_WRITERS_POSTGRES: Final = 8
_DEADLOCK_RETRIES: Final = 3
_SERIALISATION: Final = ("40001", "40P01")  # PostgreSQL: serialization_failure, deadlock_detected


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a SQLModel class."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]  # SQLModel's metaclass sets it


class Tx:
    """One open transaction. It cannot be awaited in, and is over when the function it was given to returns."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgres = connection.dialect.name == "postgresql"
        self._after_commit: list[Callable[[], None]] = []

    def run(self, statement: Executable, /, **values: Any) -> Sequence[Row[*tuple[Any, ...]]]:
        """Execute, and return the rows if the statement returns any."""
        result = self.connection.execute(statement, values)
        return result.all() if result.returns_rows else ()

    def first(self, model: type[M], statement: Executable, /, **values: Any) -> M | None:
        """The first row as a `model`, or None. The statement selects (or returns) the whole table."""
        row = self.connection.execute(statement, values).first()
        return None if row is None else model(**row._mapping)

    def all(self, model: type[M], statement: Executable, /, **values: Any) -> list[M]:
        return [model(**row._mapping) for row in self.connection.execute(statement, values)]

    def add(self, row: SQLModel) -> None:
        """Insert now; a broken constraint raises IntegrityError here, not at commit."""
        model = type(row)
        if model not in _INSERTS:
            table = table_of(model)
            _INSERTS[model] = insert(table), tuple(column.name for column in table.columns)
        statement, names = _INSERTS[model]
        self.connection.execute(statement, {name: getattr(row, name) for name in names})

    def changed(self, statement: Executable, /, **values: Any) -> bool:
        """Whether the statement, which must end in RETURNING, touched a row: compare-and-set.

        Never by `rowcount`: after `on conflict do nothing` SQLite says 0 or 1, psycopg -1.
        """
        return self.connection.execute(statement, values).first() is not None

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call once, on the event loop, when this transaction is durable; never if it is rolled back."""
        self._after_commit.append(call)


class Database:
    """Reads and writes, each one a function run in one transaction on a thread of the database's own.

    SQLite: one writer; what waits together commits together, each behind a savepoint of its own, so a write that fails
    fails alone. PostgreSQL: a small pool, one transaction each, repeated when PostgreSQL reports a deadlock, so a
    function must not do anything but run statements.
    """

    def __init__(self, url: str) -> None:
        self.url = _sync_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.engine: Final[Engine] = _engine(self.url)
        self._reads = ThreadPoolExecutor(_READERS, thread_name_prefix="db-read")
        self._writes = ThreadPoolExecutor(_WRITERS_POSTGRES, thread_name_prefix="db-write")
        self._waiting: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self.commits = 0

    async def __aenter__(self) -> Self:
        if self.sqlite:
            self._writer = threading.Thread(target=self._write_forever, name="db-write", daemon=True)
            self._writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish the writes that wait, then close every connection."""
        if self._writer is not None:
            self._waiting.put(None)
            await asyncio.to_thread(self._writer.join)
            self._writer = None
        await asyncio.to_thread(self._reads.shutdown)
        await asyncio.to_thread(self._writes.shutdown)
        self.engine.dispose()

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction; when this returns it is committed. What `work` raises rolls it back.

        A caller that is cancelled does not undo it: the transaction may still commit.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        write = _Write(work, future, loop)
        if self.sqlite:
            self._waiting.put(write)
        else:
            self._writes.submit(self._write_alone, write)
        return await future

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on a snapshot beside the writer."""
        return await asyncio.get_running_loop().run_in_executor(self._reads, self._read, work)

    def _read(self, work: Callable[[Tx], T]) -> T:
        with self.engine.connect().execution_options(signoff_read=True) as connection, connection.begin():
            return work(Tx(connection))

    def _write_alone(self, write: "_Write") -> None:
        for attempt in range(_DEADLOCK_RETRIES):
            try:
                with self.engine.begin() as connection:
                    tx = Tx(connection)
                    write.result = write.work(tx)
                write.calls = tx._after_commit
                break
            except DBAPIError as error:
                write.error = error
                if getattr(error.orig, "sqlstate", None) not in _SERIALISATION or attempt == _DEADLOCK_RETRIES - 1:
                    break
                write.error = None
            except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
                write.error = error
                break
        self.commits += 1
        _tell([write])

    def _write_forever(self) -> None:
        with self.engine.connect() as connection:
            while True:
                first = self._waiting.get()
                if first is None:
                    return
                group = [first]
                last = False
                while len(group) < _GROUP and not self._waiting.empty():
                    more = self._waiting.get()
                    if more is None:
                        last = True
                        break
                    group.append(more)
                self._commit(connection, group)
                if last:
                    return

    def _commit(self, connection: Connection, group: "list[_Write]") -> None:
        """One commit for the group. If the commit itself fails, everyone in it is told."""
        try:
            with connection.begin():
                for write in group:
                    write.attempt(connection, alone=len(group) == 1)
                if all(write.error is not None for write in group):
                    connection.rollback()
        except BaseException as error:  # noqa: BLE001  # belongs to the callers, whatever it is
            for write in group:
                write.error = write.error or error
        self.commits += 1
        _tell(group)


class _Write:
    """A write that waits for its commit, and the future of whoever awaits it."""

    def __init__(
        self, work: Callable[[Tx], Any], future: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop
    ) -> None:
        self.work, self.future, self.loop = work, future, loop
        self.result: Any = None
        self.error: BaseException | None = None
        self.calls: list[Callable[[], None]] = []

    def attempt(self, connection: Connection, *, alone: bool) -> None:
        tx = Tx(connection)
        try:
            if alone:
                self.result = self.work(tx)
            else:
                with connection.begin_nested():
                    self.result = self.work(tx)
            self.calls = tx._after_commit
        except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
            self.error = error

    def settle(self) -> None:
        if self.error is None:
            for call in self.calls:
                call()
        if self.future.done():  # the caller was cancelled
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def _tell(group: list[_Write]) -> None:
    """Settle all on their loop in one wake-up."""

    def settle_all() -> None:
        for write in group:
            write.settle()

    loop = group[0].loop
    if not loop.is_closed():
        loop.call_soon_threadsafe(settle_all)


def _sync_url(url: str) -> URL:
    """`sqlite+aiosqlite://…` is the documented address; the driver under our own threads is the plain one."""
    parsed = make_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


def sqlite_path(url: URL) -> Path | None:
    """Where the database file is; None for PostgreSQL."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=_WRITERS_POSTGRES + _READERS, pool_pre_ping=True)
    if not url.database or url.database == ":memory:":
        raise ValueError("DATABASE_URL names no file: an in-memory SQLite database would lose what was promised")
    engine = create_engine(url, pool_size=_READERS + 2)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy then leaves BEGIN to us
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA foreign_keys=ON")
    # FULL: what a channel or an agent was told is committed survives a power cut, not only a kill.
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE for writers: no lock upgrade in mid-transaction, which SQLite would refuse without waiting.
    reading = connection.get_execution_options().get("signoff_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
