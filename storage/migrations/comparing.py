"""What autogenerate compares, and how it writes our column types down."""

from typing import Any, Literal

from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from storage.knowledge import search
from storage.tables import Word


def names_ours(name: str | None, kind: str, _: Any) -> bool:
    """Not the tables of full text search, which no model declares, nor those of procrastinate."""
    return kind != "table" or name is None or not (search.owns(name) or name.startswith("procrastinate_"))


def render(kind: str, item: object) -> str | Literal[False]:
    """Types as SQLAlchemy's own: a version must keep its meaning when our classes change. False: as alembic would."""
    if kind == "type":
        match item:
            case Word() | AutoString():
                return "sa.String()"
            case UTCDateTime():
                return "sa.DateTime(timezone=True)"
            case _:
                pass
    return False
