"""A knowledge base of any size: made-up articles, read and cut by the product's own code, inserted many at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert

from bench.databases import Store
from bench.filling import Progress
from bench.vocabulary import Writer
from bot.drafting.markdown import article
from storage import schema
from storage.database import table_of
from storage.database.connections import address
from storage.knowledge import search
from storage.tables import Article, Snippet

_SECTIONS: Final = 3
_SECTION_SENTENCES: Final = 5
_SENTENCE_WORDS: Final = 12
_BATCH: Final = 500
_AT: Final = datetime(2024, 1, 1, tzinfo=UTC)


def texts(count: int) -> Iterator[str]:
    """Markdown: a title and three headed sections of sixty words."""
    writer = Writer(seed=5)
    for _ in range(count):
        parts = [f"# {writer.line(4)}"]
        for _ in range(_SECTIONS):
            sentences = " ".join(writer.sentence(_SENTENCE_WORDS) for _ in range(_SECTION_SENTENCES))
            parts += [f"## {writer.line(3)}", sentences]
        yield "\n\n".join(parts)


def add_articles(store: Store, count: int, progress: Progress) -> None:
    """Into a migrated database. The full text index is made at the end, by the product's own code."""
    engine = schema.migration_engine(address(store.url))
    try:
        with engine.begin() as connection:
            search.drop(connection)
            batch: list[dict[str, Any]] = []
            pieces: list[dict[str, Any]] = []
            for number, text in enumerate(texts(count), start=1):
                made, cut = _rows(number, text)
                batch.append(made)
                pieces += cut
                if len(batch) == _BATCH or number == count:
                    connection.execute(insert(table_of(Article)), batch)
                    connection.execute(insert(table_of(Snippet)), pieces)
                    batch, pieces = [], []
                    progress(number, count)
            search.create(connection)
    finally:
        engine.dispose()


def _rows(number: int, text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    read = article(f"made/{number}", text)
    key = f"0{number:021d}"
    made = {
        "id": f"art_{key}",
        "slug": read.slug,
        "version": 1,
        "title": read.title,
        "url": None,
        "category": None,
        "text": read.text,
        "digest": read.digest,
        "current": True,
        "created_at": _AT,
    }
    cut = [
        {
            "id": f"snp_{key}{position}",
            "article_id": f"art_{key}",
            "position": position,
            "heading": piece.heading,
            "text": piece.text,
        }
        for position, piece in enumerate(read.pieces)
    ]
    return made, cut
