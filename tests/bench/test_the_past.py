"""The desk with a past: its rows belong together as the product's own do, on both databases."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bench.articles import add_articles, texts
from bench.databases import PostgresDatabase, SqliteFile, Store
from bench.filling import fill
from bot.drafting.retrieval import FullTextLibrary
from storage.database import Database, Tx
from storage.tables import metadata

COUNT = 30


def _store(url: str) -> Store:
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return SqliteFile(Path(str(address.database)))
    return PostgresDatabase(address.set(drivername="postgresql"), str(address.database), ())


@pytest.fixture
def store(database_url: str) -> Store:
    filled = _store(database_url)
    fill(filled, COUNT, lambda done, of: None)
    add_articles(filled, COUNT, lambda done, of: None)
    return filled


async def test_every_reference_of_the_made_rows_leads_to_a_row(store: Store) -> None:
    keys = [
        (table.name, column.name, key.column.table.name, key.column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
    ]

    dangling = {
        f"{table}.{column}": f"from {table} where {column} is not null and {column} not in (select {other} from {to})"
        for table, column, to, other in keys
    }

    assert len(dangling) > 15
    assert {name for name, count in store.count(dangling).items() if count} == set()


async def test_a_conversation_has_its_three_messages_and_all_that_follows_from_a_reply(store: Store) -> None:
    counted = store.count(
        {
            "conversations": "from conversation where sequence = 3 and waiting_since is null",
            "messages": "from message",
            "settled": "from review where status in ('approved', 'edited') and decision_id is not null",
            "replies": "from pastreply",
            "sent": "from delivery where status = 'sent'",
            "cards": "from posting where status = 'posted'",
        }
    )

    assert counted == {
        "conversations": COUNT,
        "messages": 3 * COUNT,
        "settled": COUNT,
        "replies": COUNT,
        "sent": COUNT,
        "cards": 2 * COUNT,
    }


async def test_what_was_made_is_found_by_the_products_own_search_and_read_by_its_own_tables(store: Store) -> None:
    wanted = next(texts(1))

    async with Database(store.url) as database:
        library = FullTextLibrary(database)
        found = await library.search(wanted)
        precedents = await library.precedents(wanted, not_of="cus_nobody")
        read = [await database.read(lambda tx, table=table: _all(tx, table)) for table in metadata.sorted_tables]  # type: ignore[misc]

    assert found[0].source.slug == "made/1"
    assert precedents
    assert sum(map(len, read)) > 12 * COUNT


def _all(tx: Tx, table: object) -> list[object]:
    return list(tx.run(table.select()))  # type: ignore[attr-defined]
