"""One open transaction, as the functions that run in it see it."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Executable, Row, Table, insert
from sqlmodel import SQLModel

from storage.database.loading import loaded
from storage.database.prepared import Prepared
from storage.database.seats import Seat
from storage.database.switching import elsewhere

T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)

_INSERTS: Final[dict[type[SQLModel], tuple[Any, tuple[str, ...]]]] = {}


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a SQLModel class."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]  # SQLModel's metaclass sets it


class _Asked(Exception):
    """What a look begins with was asked ahead; the look itself comes later."""


class Tx:
    """One open transaction. It cannot be awaited in, and is over when the function it was given to returns."""

    def __init__(self, seat: Seat) -> None:
        self.postgres = seat.postgres
        self._seat, self._driver = seat, seat.driver
        self._ahead: dict[tuple[Prepared, tuple[Any, ...]], Callable[[], Sequence[Sequence[Any]]]] = {}
        self._asking_ahead = False
        self._after_commit: list[Callable[[], None]] = []
        self._before_commit: list[Callable[[], None]] = []

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's, for what is not prepared."""
        return self._seat.connection

    def run(self, statement: Executable, /, **values: Any) -> Sequence[Row[*tuple[Any, ...]]]:
        """Execute, and return the rows if the statement returns any.

        On PostgreSQL one that returns none is sent with the next that does, at the latest with the commit: what is
        wrong with it is raised there.
        """
        if (ready := self._prepared(statement, values)) is not None:
            prepared, parameters = ready
            if prepared.names:
                return [prepared.row(row) for row in self._rows(prepared, parameters)]
            self._driver.later(prepared, parameters)
            return ()
        return self._unprepared(statement, values)

    def first(self, model: type[M], statement: Executable, /, **values: Any) -> M | None:
        """The first row as a `model`, or None. The statement selects (or returns) the whole table."""
        if (ready := self._prepared(statement, values)) is not None:
            prepared, parameters = ready
            if self._ahead or self._asking_ahead:
                found = next(iter(self._rows(prepared, parameters)), None)
            else:
                found = self._driver.first(prepared, parameters)
            return (
                None if found is None else loaded(model, dict(zip(prepared.names, prepared.values(found), strict=True)))
            )
        rows = self._unprepared(statement, values)
        return loaded(model, dict(rows[0]._mapping)) if rows else None

    def all(self, model: type[M], statement: Executable, /, **values: Any) -> list[M]:
        if (ready := self._prepared(statement, values)) is not None:
            prepared, parameters = ready
            names, found = prepared.names, self._rows(prepared, parameters)
            return [loaded(model, dict(zip(names, prepared.values(row), strict=True))) for row in found]
        return [loaded(model, dict(row._mapping)) for row in self._unprepared(statement, values)]

    def add(self, row: SQLModel) -> None:
        """Insert. A broken constraint raises IntegrityError here on SQLite, on PostgreSQL as `run` says."""
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

    def ahead(self, look: Callable[..., object], *args: Any, **named: Any) -> None:
        """Ask now what `look(tx, *args, **named)` will ask first: on PostgreSQL it travels with the next statement.

        The look comes later in this transaction, and finds the answer there. For what this transaction does not change
        in between. On SQLite, where a statement costs no way, nothing is asked.
        """
        if not self.postgres:
            return
        self._asking_ahead = True
        try:
            look(self, *args, **named)
        except _Asked:
            pass
        finally:
            self._asking_ahead = False

    def _rows(self, prepared: Prepared, parameters: list[Any]) -> Sequence[Sequence[Any]]:
        if self._asking_ahead:
            self._ahead[prepared, tuple(parameters)] = self._driver.ahead(prepared, parameters)
            raise _Asked
        if self._ahead and (answer := self._ahead.pop((prepared, tuple(parameters)), None)) is not None:
            return answer()
        return self._driver.all(prepared, parameters)

    def _prepared(self, statement: Executable, values: dict[str, Any]) -> tuple[Prepared, list[Any]] | None:
        """The statement for the driver, with its parameters; None: through SQLAlchemy."""
        prepared = self._seat.preparing(statement, tuple(values))
        try:
            return None if prepared is None else (prepared, prepared.bound(values))
        except Exception:  # noqa: BLE001  # a value that does not fit: SQLAlchemy refuses it in its own words
            return None

    def _unprepared(self, statement: Executable, values: dict[str, Any]) -> Sequence[Row[*tuple[Any, ...]]]:
        connection = self.connection

        def executed() -> Sequence[Row[*tuple[Any, ...]]]:
            result = connection.execute(statement, values)
            return result.all() if result.returns_rows else ()

        return elsewhere(executed)

    def before_commit(self, call: Callable[[], None]) -> None:
        """Call as the last of this transaction's work, in the order given; never if that work raised.

        What it raises rolls back. A function that is run again leaves its hooks anew.
        """
        self._before_commit.append(call)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call once, on the event loop, when this transaction is durable; never if it is rolled back."""
        self._after_commit.append(call)


def ran(work: Callable[[Tx], T], tx: Tx) -> T:
    """What `work` returns, with what it left for its end done."""
    try:
        result = work(tx)
        for call in tx._before_commit:
            call()
        return result
    except StopIteration as stop:  # no future can hold one: its caller would wait for ever
        raise RuntimeError("StopIteration left a transaction's function") from stop
