"""Rows of several tables read by one statement: each statement less is a round trip less on PostgreSQL."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row
from sqlmodel import SQLModel

from storage.database import table_of
from storage.database.loading import loaded

M = TypeVar("M", bound=SQLModel)


class Joined:
    """The columns of these tables side by side, for a `select(*joined.columns)`, and the way back to their rows."""

    def __init__(self, *models: type[SQLModel]) -> None:
        self.columns: list[ColumnElement[Any]] = []
        self._places: dict[type[SQLModel], tuple[int, tuple[str, ...]]] = {}
        for model in models:
            table = table_of(model)
            self._places[model] = len(self.columns), tuple(column.name for column in table.columns)
            self.columns += [column.label(f"{table.name}_{column.name}") for column in table.columns]

    def get(self, model: type[M], row: Row[*tuple[Any, ...]]) -> M | None:
        """The row of this table; None where an outer join found none (its first column is the key)."""
        start, names = self._places[model]
        values: Sequence[Any] = row[start : start + len(names)]
        return None if values[0] is None else loaded(model, dict(zip(names, values, strict=True)))

    def known(self, model: type[M], row: Row[*tuple[Any, ...]]) -> M:
        """Like `get`, for a row that a foreign key promises. Raises LookupError if it is not there after all."""
        found = self.get(model, row)
        if found is None:
            raise LookupError(f"{model.__name__} is gone")
        return found
