"""The database: transactions are plain functions of a Tx, so no transaction can wait for the network.

Why not an async session: it costs ten times as much, see docs/decisions/001.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, Self, TypeVar, cast

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from storage.database.asked import Asked, tell
from storage.database.connections import address as address
from storage.database.connections import asking, reading, writing
from storage.database.connections import sqlite_path as sqlite_path
from storage.database.crew import Crew
from storage.database.fibres import Fibres
from storage.database.seats import Seat
from storage.database.sqlite import SqliteDriver
from storage.database.switching import pause
from storage.database.transaction import Tx as Tx
from storage.database.transaction import ran
from storage.database.transaction import table_of as table_of
from storage.database.troubles import RolledBack as RolledBack
from storage.database.troubles import Trouble, meaning
from storage.database.troubles import Unavailable as Unavailable
from storage.database.troubles import Uncertain as Uncertain

T = TypeVar("T")

_GROUP: Final = 64  # writes of waiting requests that share one commit on SQLite
_READERS: Final = 4
_WRITERS_POSTGRES: Final = 8
_ATTEMPTS: Final = 5
_SAME: Final = text("update alembic_version set version_num = version_num")


class Database:
    """Reads and writes, each one a function run in one transaction.

    SQLite: on threads of the database's own, one of them the writer; what waits together commits together, each behind
    a savepoint of its own, so a write that fails fails alone. PostgreSQL: on the event loop, a few connections with one
    transaction each. A function may be run again, when PostgreSQL reports a deadlock or the connection was lost before
    the commit, so it must not do anything but run statements.

    While the database is away, everything raises `Unavailable`; afterwards it goes on by itself.
    """

    def __init__(self, url: str) -> None:
        self.url = address(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.engine: Final[Engine] = asking(self.url)  # for questions about the schema
        writes = partial(Seat, writing(self.url), writing=True)
        reads = partial(Seat, reading(self.url), writing=False)
        # Whoever keeps the jobs has a connection to itself on PostgreSQL: it writes for many, and waits behind nobody.
        if self.sqlite:
            self._writes: Crew[Asked] | Fibres[Asked] = Crew(1, "db-write", writes, self._write_waiting)
            self._apart: Crew[Asked] | Fibres[Asked] = self._writes
            self._reads: Crew[Asked] | Fibres[Asked] = Crew(_READERS, "db-read", reads, self._read)
        else:
            self._writes = Fibres(_WRITERS_POSTGRES, writes, self._write_alone)
            self._apart = Fibres(1, writes, self._write_alone)
            self._reads = Fibres(_READERS, reads, self._read)
        self._closed = False
        self.asked = 0  # reads and writes since the start
        self.commits = 0  # transactions made durable; on SQLite several writes may share one
        # Since the start: reads and writes by what went wrong with them. "repeated" ones went well in the end.
        self.troubles: Counter[str] = Counter(repeated=0, unavailable=0, uncertain=0)
        self._hindered = False  # a write met a database that was away, full, locked or read-only

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish the writes that wait, then close every connection."""
        self._closed = True
        for workers in {self._writes, self._apart, self._reads}:
            await workers.finish()
        self.engine.dispose()

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction; when this returns it is committed. What `work` raises rolls it back.

        A caller that is cancelled does not undo it: the transaction may still commit.

        Raises:
            Unavailable: the database is away, full or locked; nothing happened.
            Uncertain: an Unavailable, but it may have happened: look before you do it again.
            RolledBack: `work` caught the failure of a statement and went on, but the database had given up.
        """
        asked = self._asked(work)
        self._writes.put(asked)
        return cast(T, await asked.future)

    async def write_apart(self, work: Callable[[Tx], T]) -> T:
        """Like `write`, ahead of the writes that wait, on PostgreSQL. For whoever keeps the jobs, one at a time."""
        asked = self._asked(work)
        self._apart.put(asked)
        return cast(T, await asked.future)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on a snapshot beside the writer. Writing in it is refused by the database. Raises Unavailable."""
        asked = self._asked(work)
        self._reads.put(asked)
        return cast(T, await asked.future)

    async def try_writing(self) -> None:
        """If a write met trouble, whether one would go well by now. Nothing is asked while all is well.

        Raises:
            Unavailable: it would not. A full disk, for one, can be read all the same.
        """
        if self._hindered:
            await self.write_apart(_touch)
            self._hindered = False

    def _asked(self, work: Callable[[Tx], T]) -> Asked:
        if self._closed:
            raise RuntimeError("the database is closed")
        self.asked += 1
        loop = asyncio.get_running_loop()
        return Asked(work, loop.create_future(), loop)

    def _read(self, seat: Seat, asked: Asked) -> None:
        try:
            asked.result = self._look(seat, asked.work)
        except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
            asked.error = error
        tell([asked], from_thread=self.sqlite)

    def _look(self, seat: Seat, work: Callable[[Tx], T]) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                seat.begin()
                result = ran(work, Tx(seat))
                seat.end()
                return result
            except DBAPIError as error:
                self._again_or_raise(seat, error, attempt, writing=False)
            except BaseException:
                seat.rollback()
                raise
        raise AssertionError("the last attempt returns or raises")

    def _write_alone(self, seat: Seat, asked: Asked) -> None:
        """PostgreSQL: a transaction of its own, repeated where that is known to be safe."""
        try:
            self._write_until_committed(seat, asked)
        except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
            asked.error = error
        self._tell([asked])

    def _write_until_committed(self, seat: Seat, asked: Asked) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            committing = False
            try:
                asked.run(seat)
                committing = True
                seat.commit()
                return
            except DBAPIError as error:
                if committing and seat.driver.in_doubt and seat.lost:
                    raise self._uncertain(seat, error) from error
                self._again_or_raise(seat, error, attempt, writing=True)
            except BaseException:
                seat.rollback()
                raise

    def _again_or_raise(self, seat: Seat, error: DBAPIError, attempt: int, *, writing: bool) -> None:
        """Return if the transaction that failed so is to be run again. Nothing of it is left."""
        trouble = meaning(error, lost=seat.lost, writing=writing)
        if trouble is Trouble.STALE:
            seat.close()
        else:
            seat.rollback()
        if trouble is Trouble.WRONG:
            raise error
        if trouble is Trouble.AWAY or attempt == _ATTEMPTS:
            raise self._away(error, writing=writing) from error
        self.troubles["repeated"] += 1
        if trouble is Trouble.CONFLICT:
            pause(random.uniform(0, 0.01 * attempt))  # or the same two meet again

    def _uncertain(self, seat: Seat, error: DBAPIError) -> Uncertain:
        seat.close()
        self.troubles["uncertain"] += 1
        self._hindered = True
        return Uncertain.because(error)

    def _away(self, error: DBAPIError, *, writing: bool) -> Unavailable:
        self.troubles["unavailable"] += 1
        self._hindered = self._hindered or writing
        return error if isinstance(error, Unavailable) else Unavailable.because(error)

    def _write_waiting(self, seat: Seat, first: Asked) -> None:
        """SQLite: one commit for everything that waits by now."""
        group = [first]
        crew = cast(Crew[Asked], self._writes)
        while len(group) < _GROUP and (another := crew.next()) is not None:
            group.append(another)
        if len(group) == 1 or not self._commit_together(seat, group):
            for asked in group:
                self._commit_one(seat, asked)
        for asked in group:
            asked.error = self._told(asked.error)
        self._tell(group)

    def _commit_one(self, seat: Seat, asked: Asked) -> None:
        try:
            asked.run(seat)
            self._commit_file(seat)
        except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
            asked.error = error
            seat.rollback()

    def _commit_file(self, seat: Seat) -> None:
        try:
            seat.commit()
        except DBAPIError as error:
            if seat.driver.in_doubt:
                raise self._uncertain(seat, error) from error
            raise

    def _commit_together(self, seat: Seat, group: list[Asked]) -> bool:
        """Each behind a savepoint; if the commit itself fails, everyone in it is told.

        False: nothing happened, because one of them failed so badly that SQLite rolled back all (a full disk does).
        """
        try:
            seat.begin()
            driver = cast(SqliteDriver, seat.driver)
            for asked in group:
                if not asked.run_behind_savepoint(seat, driver):
                    seat.rollback()
                    return False
            if any(asked.error is None for asked in group):
                self._commit_file(seat)
            else:
                seat.rollback()
        except BaseException as error:  # noqa: BLE001  # belongs to the callers, whatever it is
            for asked in group:
                asked.error = asked.error or error
            seat.rollback()
        return True

    def _told(self, error: BaseException | None) -> BaseException | None:
        """On SQLite: what its caller is told of it."""
        if not isinstance(error, DBAPIError) or isinstance(error, Uncertain):
            return error
        if meaning(error, lost=False, writing=True) is not Trouble.AWAY:
            return error
        return self._away(error, writing=True)

    def _tell(self, group: list[Asked]) -> None:
        committed = any(asked.error is None for asked in group)
        tell(group, self._count_commit if committed else None, from_thread=self.sqlite)

    def _count_commit(self) -> None:
        self.commits += 1


def _touch(tx: Tx) -> None:
    """The least that is written: one row, as it is."""
    tx.run(_SAME)
