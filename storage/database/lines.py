"""Connections of their own to PostgreSQL, beside the transactions: to listen, and to say that one lives."""

from typing import Any, Final

import psycopg
from sqlalchemy import URL
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]


async def connected(url: URL, *, name: str, **options: Any) -> "psycopg.AsyncConnection[Any]":
    """In parts, never as an address: a password may hold what none can, and libpq quotes what it cannot read."""
    _, parts = _DIALECT.create_connect_args(url)  # type: ignore[no-untyped-call]
    return await psycopg.AsyncConnection.connect(**{**parts, **options}, autocommit=True, application_name=name)
