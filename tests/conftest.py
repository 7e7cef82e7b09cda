"""Fixtures every folder of tests may use."""

from tests.chromium import browser
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
    "browser",
    "database",
    "database_url",
    "empty_url",
    "migrated_file",
    "migrated_postgres",
    "postgres",
    "postgres_url",
    "sqlite_url",
]
