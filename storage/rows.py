"""Reading and changing single rows, with statements compiled once."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from sqlalchemy import Select, Update, bindparam, select, update
from sqlmodel import SQLModel

from storage.database import Tx, table_of

M = TypeVar("M", bound=SQLModel)

_BY_ID: Final[dict[type[SQLModel], Select[Any]]] = {}
_LOCKED: Final[dict[type[SQLModel], Select[Any]]] = {}
_PUTS: Final[dict[tuple[type[SQLModel], tuple[str, ...]], Update]] = {}
_CHANGES: Final[dict[tuple[type[SQLModel], tuple[str, ...], tuple[str, ...]], Update]] = {}


def get(tx: Tx, model: type[M], row_id: str | None) -> M | None:
    """The row of that id, or None; None for None."""
    if row_id is None:
        return None
    if model not in _BY_ID:
        table = table_of(model)
        _BY_ID[model] = select(table).where(table.c.id == bindparam("row_id"))
    return tx.first(model, _BY_ID[model], row_id=row_id)


def lock(tx: Tx, model: type[M], row_id: str | None) -> M | None:
    """Like `get`, and nobody else changes the row until this transaction ends (on SQLite nobody else writes anyway)."""
    if row_id is None or not tx.postgres:
        return get(tx, model, row_id)
    if model not in _LOCKED:
        table = table_of(model)
        _LOCKED[model] = select(table).where(table.c.id == bindparam("row_id")).with_for_update()
    return tx.first(model, _LOCKED[model], row_id=row_id)


def known(tx: Tx, model: type[M], row_id: str | None) -> M:
    """Like `get`, for a row that a foreign key promises. Raises LookupError if it is not there after all."""
    row = get(tx, model, row_id)
    if row is None:
        raise LookupError(f"{model.__name__} {row_id} is gone")
    return row


def put(tx: Tx, model: type[SQLModel], row_id: str, values: Mapping[str, Any]) -> None:
    """Set these columns of a row that this transaction holds, or that nobody else changes so. Waits for no answer."""
    key = model, tuple(values)
    if key not in _PUTS:
        table = table_of(model)
        _PUTS[key] = (
            update(table)
            .where(table.c.id == bindparam("row_id"))
            .values({name: bindparam(f"set_{name}", type_=table.c[name].type) for name in values})
        )
    tx.run(_PUTS[key], row_id=row_id, **{f"set_{name}": value for name, value in values.items()})


def change(
    tx: Tx, model: type[SQLModel], row_id: str, values: Mapping[str, Any], *, expect: Mapping[str, Any] | None = None
) -> bool:
    """Compare-and-set in one statement: False, and nothing changed, unless every `expect`ed column holds its value."""
    expected = expect or {}
    key = model, tuple(values), tuple(expected)
    if key not in _CHANGES:
        table = table_of(model)
        conditions = [
            table.c[name].is_not_distinct_from(bindparam(f"expect_{name}", type_=table.c[name].type))
            for name in expected
        ]
        _CHANGES[key] = (
            update(table)
            .where(table.c.id == bindparam("row_id"), *conditions)
            .values({name: bindparam(f"set_{name}", type_=table.c[name].type) for name in values})
            .returning(table.c.id)
        )
    parameters = {f"set_{name}": value for name, value in values.items()}
    parameters |= {f"expect_{name}": value for name, value in expected.items()}
    return tx.changed(_CHANGES[key], row_id=row_id, **parameters)
