"""Rows read from the database as their SQLModel classes, without the price of constructing them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy.orm.instrumentation import manager_of_class
from sqlmodel import SQLModel

M = TypeVar("M", bound=SQLModel)


def loaded(model: type[M], values: Mapping[str, Any]) -> M:
    """A row with these values: every column's. Equal to `model(**values)`, without SQLAlchemy's events around a
    constructor and without asking whether every column is there: the statement read them all.
    """
    row: M = manager_of_class(model).new_instance()
    row.__dict__.update(values)
    object.__setattr__(row, "__pydantic_fields_set__", set(values))
    return row
