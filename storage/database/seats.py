"""A seat at the database: one long-lived connection, used by one thread at a time."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from storage.database.postgres import PostgresDriver
from storage.database.prepared import POSTGRES, SQLITE, Prepared
from storage.database.sqlite import SqliteDriver
from storage.database.switching import elsewhere
from storage.database.troubles import Unavailable


class Driver(Protocol):
    """Transactions on the driver itself, for statements that were prepared. Errors are raised as SQLAlchemy's."""

    @property
    def lost(self) -> bool:
        """Whether the connection must not be used again."""

    @property
    def in_doubt(self) -> bool:
        """After a commit that raised: whether it may have happened."""

    @property
    def given_up(self) -> bool:
        """Whether the database has rolled back, or will: COMMIT would pass without a word."""

    def ready(self) -> bool:
        """Whether a transaction can begin on it."""

    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def end(self) -> None:
        """Instead of `commit` where nothing was written."""

    def rollback(self) -> None: ...
    def first(self, statement: Prepared, parameters: Sequence[Any]) -> Sequence[Any] | None: ...
    def all(self, statement: Prepared, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]: ...
    def ahead(self, statement: Prepared, parameters: Sequence[Any]) -> Callable[[], Sequence[Sequence[Any]]]:
        """Ask, and return what gives the rows later in the same transaction."""

    def later(self, statement: Prepared, parameters: Sequence[Any]) -> None:
        """A statement that returns nothing: done before the next that returns something, or before the commit."""

    def flush(self) -> None:
        """Do what `later` left."""


class Seat:
    """Opened when first needed, and opened anew after its connection was lost."""

    def __init__(self, engine: Engine, *, writing: bool) -> None:
        self._engine = engine
        self._writing = writing
        self.postgres: Final = engine.dialect.name == "postgresql"
        self.preparing: Final = POSTGRES if self.postgres else SQLITE
        self._opened: tuple[Connection, Driver] | None = None

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's, in the transaction that was begun on the driver."""
        assert self._opened is not None, "a transaction was begun"
        self._opened[1].flush()
        return self._opened[0]

    @property
    def driver(self) -> Driver:
        assert self._opened is not None, "a transaction was begun"
        return self._opened[1]

    @property
    def lost(self) -> bool:
        return self._opened is None or self._opened[1].lost or self._opened[0].invalidated

    def begin(self) -> None:
        """Raises Unavailable if there is no connection to be had."""
        if self._opened is not None and (self.lost or not self.driver.ready()):
            self.close()
        if self._opened is None:
            self._opened = self._open()
        self._opened[1].begin()

    def commit(self) -> None:
        self.driver.commit()
        self._tidy()

    def end(self) -> None:
        """Instead of `commit` where nothing was written."""
        connection, driver = self._opened  # type: ignore[misc]  # begun
        if connection.in_transaction():
            driver.rollback()
            self._tidy()
        else:
            driver.end()

    def rollback(self) -> None:
        """Undo what is not committed; if that fails, so does the connection."""
        if self._opened is None:
            return
        try:
            if not self.lost:
                self.driver.rollback()
                self._tidy()
        except DBAPIError:
            self.close()
        if self.lost:
            self.close()

    def close(self) -> None:
        if self._opened is not None:
            connection, self._opened = self._opened[0], None
            with suppress(DBAPIError):
                connection.invalidate()
            with suppress(DBAPIError):
                connection.close()

    def _tidy(self) -> None:
        """SQLAlchemy thinks that its transaction is open, where it was used in this one."""
        connection = self._opened[0]  # type: ignore[index]  # begun
        if connection.in_transaction():
            connection.rollback()

    def _open(self) -> tuple[Connection, Driver]:
        try:
            connection = elsewhere(self._engine.connect)
        except DBAPIError as error:
            raise Unavailable.because(error) from error
        raw: Any = connection.connection.driver_connection
        if self.postgres:
            return connection, PostgresDriver(raw)
        return connection, SqliteDriver(raw, "BEGIN IMMEDIATE" if self._writing else "BEGIN")
