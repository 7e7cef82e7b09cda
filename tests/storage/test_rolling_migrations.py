"""Migrations only add: a program of the version before goes on working on the schema of the one after."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, UniqueConstraint

from storage import schema
from storage.database import address
from storage.knowledge import search

VERSIONS = [version.revision for version in ScriptDirectory.from_config(schema.config()).walk_revisions()][::-1]
STEPS = list(pairwise(VERSIONS))

Row = dict[str, Any]
Upgrade = Callable[[Engine], None]


def to(version: str) -> Upgrade:
    def upgrade(engine: Engine) -> None:
        with engine.connect() as connection:
            command.upgrade(schema.config(connection), version)

    return upgrade


def by_hand(*statements: str) -> Upgrade:
    def upgrade(engine: Engine) -> None:
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    return upgrade


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    engine = schema.migration_engine(address(empty_url))
    yield engine
    engine.dispose()


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_the_program_of_the_version_before_works_on_the_version_after(engine: Engine, before: str, after: str) -> None:
    to(before)(engine)

    assert broken_by(to(after), engine) == []


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (("alter table seen add column shade text not null",), "the rows that are there refuse it"),
        (("alter table seen rename column at to stamp",), "seen.at is gone"),
        (("drop table seen",), "seen is gone"),
        (("delete from tick", "create unique index one on tick (status)"), "tick refuses what it took"),
    ],
)
def test_what_takes_away_or_demands_is_seen(engine: Engine, statements: tuple[str, ...], broken: str) -> None:
    to(VERSIONS[-1])(engine)

    assert broken_by(by_hand(*statements), engine) == [broken]


def test_a_column_that_must_be_filled_is_seen(postgres_url: str) -> None:
    engine = schema.migration_engine(address(postgres_url))
    demands = (
        "alter table seen add column shade text not null default ''",
        "alter table seen alter shade drop default",
    )

    assert broken_by(by_hand(*demands), engine) == ["seen refuses what it took"]
    engine.dispose()


def test_what_adds_is_fine(engine: Engine) -> None:
    to(VERSIONS[-1])(engine)

    adds = by_hand("alter table seen add column shade text", "create table colour (name text primary key)")
    assert broken_by(adds, engine) == []


def broken_by(upgrade: Upgrade, engine: Engine) -> list[str]:
    """What a program that knows the database as it is now could not do any more after the upgrade."""
    known = MetaData()
    with engine.connect().execution_options(signoff_read=True) as connection:
        known.reflect(connection, only=lambda name, _: ours(name))
    assert refused(engine, known, "before") == []
    try:
        upgrade(engine)
    except (sa.exc.IntegrityError, sa.exc.OperationalError):
        return ["the rows that are there refuse it"]
    return gone(engine, known) or refused(engine, known, "after")


def gone(engine: Engine, known: MetaData) -> list[str]:
    with engine.connect().execution_options(signoff_read=True) as connection:
        found = sa.inspect(connection)
        tables = found.get_table_names()
        columns = {name: {column["name"] for column in found.get_columns(name)} for name in tables}
    missing = [f"{table.name} is gone" for table in known.sorted_tables if table.name not in tables]
    left = [table for table in known.sorted_tables if table.name in tables]
    return missing + [
        f"{table.name}.{c.name} is gone" for table in left for c in table.c if c.name not in columns[table.name]
    ]


def refused(engine: Engine, known: MetaData, when: str) -> list[str]:
    """The tables that do not take two rows of the columns that are known, show them and change them."""
    refusing = []
    for table in known.sorted_tables:
        try:
            with engine.begin() as connection:
                for number in range(2):
                    keep(connection, table, row_of(table, f"{when}{number}"))
        except (sa.exc.IntegrityError, sa.exc.OperationalError):
            refusing.append(f"{table.name} refuses what it took")
    return refusing


def keep(connection: Connection, table: Table, row: Row) -> None:
    connection.execute(table.insert().values(row))
    this = sa.and_(*(column == row[column.name] for column in table.primary_key))
    connection.execute(table.update().where(this).values(row))
    assert set(connection.execute(table.select().where(this)).one()._mapping) == set(row)


def ours(name: str) -> bool:
    return not (search.owns(name) or name.startswith(("procrastinate_", "alembic_")))


def row_of(table: Table, mark: str) -> Row:
    """Unlike other rows only where the table demands it; what refers to another table names its row of this mark."""
    unique = {column for index in table.indexes if index.unique for column in index.columns}
    unique |= {c for each in table.constraints if isinstance(each, UniqueConstraint) for c in each.columns}
    unique |= {column for column in table.columns if column.primary_key or column.foreign_keys}
    return {column.name: value_of(column.type, mark if column in unique else "same") for column in table.columns}


def value_of(kind: sa.types.TypeEngine[Any], mark: str) -> Any:
    number = sum(ord(letter) for letter in mark)
    match kind:
        case sa.Boolean():
            return True
        case sa.DateTime():
            return datetime(2026, 11, 22, 12, number % 60, tzinfo=UTC)
        case sa.JSON():
            return {"mark": mark}
        case sa.Numeric() | sa.Float() | sa.Integer():
            return number
        case _:
            return mark
