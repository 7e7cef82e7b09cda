"""Fixtures every folder of tests may use."""

from tests.databases import (
    database,
    database_url,
    empty_url,
    migrated_file,
    migrated_postgres,
    postgres,
    postgres_url,
    sqlite_url,
)

__all__ = [
    "database",
    "database_url",
    "empty_url",
    "migrated_file",
    "migrated_postgres",
    "postgres",
    "postgres_url",
    "sqlite_url",
]
