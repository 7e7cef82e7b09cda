"""Statements that go to SQLite's driver directly do what SQLAlchemy would have done."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError
from sqlmodel import SQLModel

from storage.database import Database, Tx, table_of
from storage.database.loading import loaded
from storage.database.prepared import SQLITE
from storage.tables import Customer, Message, Priority, Review, ReviewStatus
from tests.storage.rows import agent, conversation, customer, decision, delivery, draft, message, review, seen

CUSTOMER, MESSAGE, REVIEW = table_of(Customer), table_of(Message), table_of(Review)
ROWS = [agent(), customer(), conversation(), decision(), message(), review(), draft(), delivery(), seen("slack:Ev1")]


@pytest.fixture
async def db(sqlite_url: str) -> AsyncIterator[Database]:
    async with Database(sqlite_url) as database:
        await database.write(lambda tx: [tx.add(row) for row in ROWS])
        yield database


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
async def test_what_is_written_and_read_directly_is_what_sqlalchemy_reads(db: Database, row: SQLModel) -> None:
    statement = select(table_of(type(row)))

    direct = await db.read(lambda tx: tx.all(type(row), statement))
    usual = await db.read(lambda tx: [dict(found._mapping) for found in tx.connection.execute(statement)])

    assert [each.model_dump() for each in direct] == usual
    assert direct == [row]


def test_a_loaded_row_can_be_changed_and_compared_like_any_other() -> None:
    made = customer(name="Ada")

    read = loaded(Customer, made.model_dump())

    assert read == made
    read.name = "Ada Kern"
    assert read.model_dump() == {**made.model_dump(), "name": "Ada Kern"}


async def test_constant_lists_and_words_are_bound_as_their_type_wants(db: Database) -> None:
    open_or_edited = REVIEW.c.status.in_((ReviewStatus.PENDING, ReviewStatus.EDITED))
    statement = select(REVIEW).where(open_or_edited, REVIEW.c.priority == bindparam("wanted"))

    found = await db.read(lambda tx: tx.first(Review, statement, wanted=Priority.NORMAL))

    assert found is not None
    assert (found.status, found.priority) == (ReviewStatus.PENDING, Priority.NORMAL)


async def test_compare_and_set_says_whether_it_changed_a_row(db: Database) -> None:
    statement = (
        update(CUSTOMER)
        .where(CUSTOMER.c.id == bindparam("row_id"))
        .values(tier=bindparam("new_tier"))
        .returning(CUSTOMER.c.id)
    )

    there = await db.write(lambda tx: tx.changed(statement, row_id="cus_1", new_tier="vip"))
    nowhere = await db.write(lambda tx: tx.changed(statement, row_id="cus_2", new_tier="vip"))

    assert (there, nowhere) == (True, False)


async def test_rows_can_be_asked_by_name_place_and_mapping(db: Database) -> None:
    rows = await db.read(lambda tx: tx.run(select(MESSAGE.c.id, MESSAGE.c.created_at)))

    assert (rows[0].id, rows[0][0], rows[0]._mapping["id"]) == ("msg_1", "msg_1", "msg_1")
    assert isinstance(rows[0].created_at, datetime)


async def test_a_broken_constraint_is_sqlalchemys_error_and_repeats_no_customers_words(db: Database) -> None:
    with pytest.raises(IntegrityError) as refused:
        await db.write(lambda tx: tx.add(message(text="my card number is 4111")))

    assert "4111" not in str(refused.value)


@pytest.mark.parametrize("values", [{}, {"at": datetime(2026, 1, 1)}], ids=["missing", "without a zone"])  # noqa: DTZ001
async def test_a_value_that_is_missing_or_does_not_fit_is_refused_as_sqlalchemy_does(
    db: Database, values: dict[str, Any]
) -> None:
    statement = select(CUSTOMER).where(CUSTOMER.c.created_at > bindparam("at", type_=CUSTOMER.c.created_at.type))

    with pytest.raises(StatementError) as refused:
        await db.read(lambda tx: tx.all(Customer, statement, **values))

    assert isinstance(refused.value, SQLAlchemyError)


async def test_what_is_not_plain_goes_the_usual_way(db: Database) -> None:
    some = select(CUSTOMER).where(CUSTOMER.c.id.in_(bindparam("ids", expanding=True)))

    def work(tx: Tx) -> tuple[int, list[str]]:
        assert SQLITE(some, ("ids",)) is None
        counted = tx.run(text("select count(*) from customer"))[0][0]
        return counted, [found.id for found in tx.all(Customer, some, ids=["cus_1", "cus_9"])]

    assert await db.read(work) == (1, ["cus_1"])
