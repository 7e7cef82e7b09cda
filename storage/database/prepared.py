"""Statements compiled once and handed to the database's driver directly.

What SQLAlchemy does around a statement costs several times the statement (docs/decisions/001). Only its execution
context is gone round: the SQL and the conversion of values are SQLAlchemy's own. Whatever is not plain (text that does
not say its `columns`, lists given at execution, defaults made in Python) is not prepared, and goes the usual way.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, Delete, Dialect, Executable, Insert, Row, Select, TextualSelect, Update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from storage.tables import Word

Processor = Callable[[Any], Any]

_PLAIN: Final = (Select, CompoundSelect, Insert, Update, Delete, TextualSelect)
_numbers: Final = count(1)

_Given = tuple[int, str, Processor | None]  # where a value goes, its name, and how the driver wants it
_Column = tuple[str, TypeEngine[Any]]  # a result column's name and type


class Prepared:
    """One statement for one kind of database; any thread may use it, with its own connection."""

    def __init__(
        self, sql: str, constants: list[Any], given: list[_Given], columns: list[_Column], dialect: Dialect
    ) -> None:
        self.sql, self.encoded = sql, sql.encode()
        self.name = b"signoff_%d" % next(_numbers)  # for servers that keep statements by name
        self.uses = 0
        self._constants, self._given = constants, given
        self._columns, self._dialect = columns, dialect
        self.names = tuple(name for name, _ in columns)
        self._keys = SimpleResultMetaData(self.names)
        self._readers: list[tuple[int, Processor]] | None = None

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        """The driver's parameters. Raises KeyError for a missing value, and what the type of a wrong one raises."""
        parameters = self._constants.copy()
        for place, name, convert in self._given:
            value = values[name]
            parameters[place] = value if convert is None else convert(value)
        return parameters

    @property
    def unread(self) -> bool:
        """Whether it is not known yet how its columns become Python's: `read_as` says it, once."""
        return self._readers is None

    def read_as(self, driver_types: Sequence[int | None]) -> None:
        """The driver's own type of each column: some of SQLAlchemy's types ask for it."""
        readers = []
        for place, ((_, wanted), driver_type) in enumerate(zip(self._columns, driver_types, strict=True)):
            convert = _reader(wanted, self._dialect, driver_type)
            if convert is not None:
                readers.append((place, convert))
        self._readers = readers

    def values(self, row: Sequence[Any]) -> list[Any]:
        """A driver's row as Python's values, in the order of `names`."""
        read = list(row)
        for place, convert in self._readers or ():
            read[place] = convert(read[place])
        return read

    def row(self, row: Sequence[Any]) -> Row[*tuple[Any, ...]]:
        keys = self._keys
        return Row(keys, None, keys._key_to_index, tuple(self.values(row)))


class Preparing:
    """Compiles statements for one kind of database, each of them once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        # By the statement and the names of its values, on which an INSERT's columns depend.
        self._prepared: WeakKeyDictionary[Any, dict[tuple[str, ...], Prepared | None]] = WeakKeyDictionary()

    def __call__(self, statement: Executable, names: tuple[str, ...]) -> Prepared | None:
        """The statement, compiled the first time; None if it must go the usual way."""
        by_names = self._prepared.get(statement)
        if by_names is None:
            by_names = self._prepared[statement] = {}
        if names not in by_names:
            plain = isinstance(statement, _PLAIN)
            by_names[names] = _prepare(statement, names, self._dialect) if plain else None
        return by_names[names]


SQLITE: Final = Preparing(SQLiteDialect_pysqlite())
# Parameters as the server itself counts them: $1.
POSTGRES: Final = Preparing(PGDialect_psycopg(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]


def _prepare(statement: Any, names: tuple[str, ...], dialect: Dialect) -> Prepared | None:
    compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=list(names))
    lists = compiled.post_compile_params | compiled.literal_execute_params
    columns = [(entry.keyname, entry.type) for entry in compiled._result_columns]
    prefetched = compiled.insert_prefetch or compiled.update_prefetch
    if any(bind.required for bind in lists) or prefetched or len({name for name, _ in columns}) < len(columns):
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
    return Prepared(expanded.statement, constants, given, columns, dialect)


def _reader(wanted: TypeEngine[Any], dialect: Dialect, driver_type: int | None) -> Processor | None:
    if isinstance(wanted, Word):  # for every row that is read: one look-up, not its own way through three functions
        words: dict[str | None, Any] = {None: None, **{word.value: word for word in wanted.words}}
        return words.__getitem__
    reader: Processor | None = wanted._cached_result_processor(dialect, driver_type)
    return reader
