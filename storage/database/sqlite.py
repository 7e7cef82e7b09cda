"""Transactions on SQLite's own driver."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from storage.database.prepared import Prepared
from storage.database.troubles import refused

# After these the connection may know less than the file: the next transaction gets a new one.
_DOUBTFUL: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SqliteDriver:
    """One connection; `begin` is its word for beginning a transaction."""

    def __init__(self, connection: sqlite3.Connection, begin: str) -> None:
        self._connection, self._begin = connection, begin
        self.lost = False
        self.in_doubt = False  # whether the last commit may have happened although it raised

    def ready(self) -> bool:
        return not self.lost

    def begin(self) -> None:
        self._tell(self._begin)

    def commit(self) -> None:
        try:
            self._tell("COMMIT")
        except DBAPIError:
            self.in_doubt = self.lost  # written to a log that cannot be synced: the next opening may find it
            raise

    def end(self) -> None:
        self._tell("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._tell("ROLLBACK")

    @property
    def given_up(self) -> bool:
        """Whether SQLite rolled back by itself: COMMIT would then pass without a word."""
        return not self._connection.in_transaction

    def set_savepoint(self) -> None:
        self._tell("SAVEPOINT one_write")

    def release_savepoint(self) -> None:
        self._tell("RELEASE one_write")

    def back_to_savepoint(self) -> None:
        if self._connection.in_transaction:
            self._tell("ROLLBACK TO one_write")

    def first(self, statement: Prepared, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        cursor = self._execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        cursor.close()  # or its lock would outlive it
        return row

    def all(self, statement: Prepared, parameters: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
        return self._execute(statement, parameters).fetchall()

    def ahead(self, statement: Prepared, parameters: Sequence[Any]) -> Callable[[], Sequence[Sequence[Any]]]:
        rows = self.all(statement, parameters)
        return lambda: rows

    def later(self, statement: Prepared, parameters: Sequence[Any]) -> None:
        """A statement that returns nothing. Here it is done at once."""
        self._execute(statement, parameters)

    def flush(self) -> None:
        """Nothing waits."""

    def _tell(self, word: str) -> None:
        try:
            self._connection.execute(word)
        except sqlite3.Error as error:
            self._doubt(error)
            raise refused(word, error) from error

    def _execute(self, statement: Prepared, parameters: Sequence[Any]) -> sqlite3.Cursor:
        try:
            cursor = self._connection.execute(statement.sql, parameters)
        except sqlite3.Error as error:
            self._doubt(error)
            raise refused(statement.sql, error) from error
        if statement.unread:
            statement.read_as([None] * len(statement.names))
        return cursor

    def _doubt(self, error: sqlite3.Error) -> None:
        self.lost = self.lost or (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DOUBTFUL
