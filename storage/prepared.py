"""Statements compiled once and handed to SQLite's driver directly.

Measured: SQLAlchemy's Core takes about 100 µs around each statement, the driver 5 to 20 for the statement itself, and a
whole loop from message to reply makes about a hundred. Only what goes round is its execution context: the SQL and the
conversion of values are SQLAlchemy's own. Whatever is not plain (text, lists given at execution, defaults made in
Python) is not prepared, and goes the usual way.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, Delete, Dialect, Executable, Insert, Row, Select, Update
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Processor = Callable[[Any], Any]

_PLAIN: Final = (Select, CompoundSelect, Insert, Update, Delete)
# By the statement and the names of its values, on which an INSERT's columns depend.
_PREPARED: Final[WeakKeyDictionary[Any, "dict[tuple[str, ...], Prepared | None]"]] = WeakKeyDictionary()


class Prepared:
    """One statement. `execute` may be called from any thread, with that thread's connection."""

    def __init__(self, sql: str, constants: list[Any], given: list["_Given"], columns: list["_Column"]) -> None:
        self.sql = sql
        self._constants, self._given = constants, given
        self.names = tuple(name for name, _ in columns)
        self._converted = [(place, convert) for place, (_, convert) in enumerate(columns) if convert is not None]
        self._keys = SimpleResultMetaData(self.names)

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        """The driver's parameters. Raises KeyError for a missing value, and what the type of a wrong one raises."""
        parameters = self._constants.copy()
        for place, name, convert in self._given:
            value = values[name]
            parameters[place] = value if convert is None else convert(value)
        return parameters

    def one(self, driver: sqlite3.Connection, parameters: Sequence[Any]) -> list[Any] | None:
        """The first row's values, in the order of `names`; None if there is no row."""
        cursor = self._execute(driver, parameters)
        row = cursor.fetchone()
        cursor.close()  # or its lock would outlive it
        return None if row is None else self._read(row)

    def every(self, driver: sqlite3.Connection, parameters: Sequence[Any]) -> list[list[Any]]:
        return [self._read(row) for row in self._execute(driver, parameters).fetchall()]

    def rows(self, driver: sqlite3.Connection, parameters: Sequence[Any]) -> list[Row[*tuple[Any, ...]]]:
        keys = self._keys
        return [Row(keys, None, keys._key_to_index, tuple(values)) for values in self.every(driver, parameters)]

    def _execute(self, driver: sqlite3.Connection, parameters: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return driver.execute(self.sql, parameters)
        except sqlite3.Error as error:
            # Without the parameters: they are customers' words.
            raise DBAPIError.instance(self.sql, None, error, sqlite3.Error, hide_parameters=True) from error

    def _read(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for place, convert in self._converted:
            values[place] = convert(values[place])
        return values


_Given = tuple[int, str, Processor | None]  # where a value goes, its name, and how the driver wants it
_Column = tuple[str, Processor | None]  # a result column's name, and how it becomes Python's


def prepared(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> Prepared | None:
    """The statement, compiled the first time; None if it must go the usual way."""
    by_names = _PREPARED.get(statement)
    if by_names is None:
        by_names = _PREPARED[statement] = {}
    if names not in by_names:
        by_names[names] = _prepare(statement, names, dialect) if isinstance(statement, _PLAIN) else None
    return by_names[names]


def _prepare(statement: Any, names: tuple[str, ...], dialect: Dialect) -> Prepared | None:
    compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=list(names))
    lists = compiled.post_compile_params | compiled.literal_execute_params
    columns = [entry.keyname for entry in compiled._result_columns]
    prefetched = compiled.insert_prefetch or compiled.update_prefetch
    if any(bind.required for bind in lists) or prefetched or len(set(columns)) < len(columns):
        return None
    values = compiled.construct_params(_check=False)
    expanded = compiled._process_parameters_for_postcompile(values)  # writes out constant lists: IN (?, ?)
    processors: Mapping[str, Any] = {**compiled._bind_processors, **expanded.processors}
    required = {bind.key for bind in compiled.binds.values() if bind.required}
    constants: list[Any] = []
    given: list[_Given] = []
    for place, key in enumerate(expanded.positiontup or ()):
        convert = processors.get(key)
        if key in names or key in required:
            constants.append(None)
            given.append((place, key, convert))
        else:
            value = expanded.parameters[key]
            constants.append(value if convert is None else convert(value))
    readers = [entry.type._cached_result_processor(dialect, None) for entry in compiled._result_columns]
    return Prepared(expanded.statement, constants, given, list(zip(columns, readers, strict=True)))
