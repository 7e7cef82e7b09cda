"""The knowledge base and past replies: written as versions, found by full text (`search` keeps the index)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, TextClause, and_, bindparam, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.database import Tx, table_of
from storage.ids import new
from storage.knowledge.rarity import LOOKED_AT, Asked, rare
from storage.knowledge.search import REPLIES, SNIPPETS
from storage.knowledge.words import SEARCH_WORDS, all_words, search_words, telling_words
from storage.tables import Article, PastReply, Snippet

_ARTICLE: Final = table_of(Article)
_SNIPPET: Final = table_of(Snippet)
_REPLY: Final = table_of(PastReply)
_ANALYSE: Final = text(f"analyze {SNIPPETS}")
_FETCHED: Final = 10  # rows for each one wanted, so that an article with many matches leaves room for others
_OWN: Final = 100  # replies to the customer who asks that leave room for others
_PIECES_VERSION: Final = 1  # grows when articles are cut into pieces differently: then all are imported anew


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A passage of an article that can be found and cited on its own."""

    heading: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class ArticleText:
    """An article as it was read, before it is a version."""

    slug: str
    title: str
    url: str | None
    category: str | None
    text: str
    pieces: tuple[Piece, ...]

    @property
    def digest(self) -> str:
        parts = [_PIECES_VERSION, self.title, self.url, self.category, self.text]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


class Change(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class FoundSnippet:
    """A passage of a current article. `score` is higher for better, and comparable within one search only."""

    article_id: str
    slug: str
    version: int
    title: str
    url: str | None
    heading: str | None
    text: str
    score: float


@dataclass(frozen=True, kw_only=True)
class FoundReply:
    question: str
    text: str
    score: float


_CURRENT: Final = select(_ARTICLE.c.id, _ARTICLE.c.digest).where(
    _ARTICLE.c.slug == bindparam("slug"), _ARTICLE.c.current
)
_LAST_VERSION: Final = select(func.coalesce(func.max(_ARTICLE.c.version), 0)).where(
    _ARTICLE.c.slug == bindparam("slug")
)
_CURRENT_SLUGS: Final = select(_ARTICLE.c.slug).where(_ARTICLE.c.current).order_by(_ARTICLE.c.slug)
_REMEMBER: Final = {
    False: sqlite.insert(_REPLY).on_conflict_do_nothing(),
    True: postgresql.insert(_REPLY).on_conflict_do_nothing(),
}  # by whether it is PostgreSQL


def save(tx: Tx, article: ArticleText, *, now: datetime) -> Change:
    """Make this text the article's current version. The same text again touches nothing."""
    _one_importer(tx)
    current = tx.run(_CURRENT, slug=article.slug)
    if current and current[0].digest == article.digest:
        return Change.UNCHANGED
    _retire(tx, article.slug)
    version = tx.run(_LAST_VERSION, slug=article.slug)[0][0] + 1
    row = Article(
        id=new("art"),
        slug=article.slug,
        version=version,
        title=article.title,
        url=article.url,
        category=article.category,
        text=article.text,
        digest=article.digest,
        current=True,
        created_at=now,
    )
    tx.add(row)
    for position, piece in enumerate(article.pieces):
        tx.add(Snippet(id=new("snp"), article_id=row.id, position=position, heading=piece.heading, text=piece.text))
    return Change.ADDED if version == 1 else Change.UPDATED


def count_words(tx: Tx) -> None:
    """Note how common each word is, for searches, before autovacuum would. SQLite's index always knows."""
    if tx.postgres:
        tx.run(_ANALYSE)


def retire_all_but(tx: Tx, slugs: frozenset[str]) -> list[str]:
    """Leave no current version of any other article; returns their slugs. Old versions stay, for drafts cite them."""
    _one_importer(tx)
    gone = [slug for (slug,) in tx.run(_CURRENT_SLUGS) if slug not in slugs]
    for slug in gone:
        _retire(tx, slug)
    return gone


def index_reply(
    tx: Tx, *, message_id: str, customer_id: str, category: str, question: str, reply: str, now: datetime
) -> None:
    """Remember a reply that reached its customer as a precedent. Once per message, however often it is called."""
    row = {"message_id": message_id, "customer_id": customer_id, "category": category, "created_at": now}
    tx.run(_REMEMBER[tx.postgres], **row, question=question, text=reply)


def search(tx: Tx, question: str, *, limit: int, per_article: int = 3) -> list[FoundSnippet]:
    """The best passages of current articles, best first. Any text may be asked; nothing found is an empty list."""
    # Headings are full of "how" and "what": such words would find the wrong ones. Among questions they help.
    words = telling_words(question)[:SEARCH_WORDS] or search_words(question)
    asked = rare(tx, SNIPPETS, words)
    if asked is None or limit < 1:
        return []
    found: list[FoundSnippet] = []
    taken: dict[str, int] = {}
    for row in _best(tx, _FIND_SNIPPETS, asked, most=_FETCHED * limit):
        if taken.get(row.article_id, 0) < per_article and len(found) < limit:
            taken[row.article_id] = taken.get(row.article_id, 0) + 1
            found.append(FoundSnippet(**row._mapping))
    return found


def similar_replies(tx: Tx, question: str, *, not_of: str, limit: int) -> list[FoundReply]:
    """Replies given to similar questions, best first; never to the customer `not_of`."""
    asked = rare(tx, REPLIES, all_words(question))
    if asked is None or limit < 1:
        return []
    rows = _best(tx, _FIND_REPLIES, asked, not_of=not_of, most=limit + _OWN, limit=limit)
    return [FoundReply(**row._mapping) for row in rows]


def _retire(tx: Tx, slug: str) -> None:
    current = select(_ARTICLE.c.id).where(_ARTICLE.c.slug == slug, _ARTICLE.c.current)
    tx.run(delete(_SNIPPET).where(_SNIPPET.c.article_id.in_(current)))
    tx.run(update(_ARTICLE).where(and_(_ARTICLE.c.slug == slug, _ARTICLE.c.current)).values(current=False))


def _one_importer(tx: Tx) -> None:
    """SQLite has one writer anyway; on PostgreSQL two replicas that start together import one after the other."""
    if tx.postgres:
        tx.run(text("select pg_advisory_xact_lock(715517)"))


def _best(tx: Tx, find: dict[bool, TextClause], asked: Asked, **values: Any) -> Sequence[Row[Any]]:
    ranked = {"ranked": asked.ranked} if tx.postgres else {}
    return tx.run(find[tx.postgres], few=asked.few, looked_at=LOOKED_AT[tx.postgres], **ranked, **values)


def _by_dialect(*, sqlite: str, postgres: str) -> dict[bool, TextClause]:
    return {False: text(sqlite), True: text(postgres)}


# Of the rows found no more than may be looked at, then the best of these, and only of those more than their numbers.
# FTS5: bm25 takes a weight for each column (key, title, heading, body) and is negative, lower for better. PostgreSQL:
# ts_rank_cd takes three times as long as ts_rank and finds less (BANKING77's past questions: .73 right at 1, not .83).
_FIND_SNIPPETS: Final = _by_dialect(
    sqlite=f"""
        select a.id as article_id, a.slug, a.version, a.title, a.url, s.heading, s.text, f.score
        from (
            select number, score from (
                select rowid as number, -bm25({SNIPPETS}, 0.0, 4.0, 2.0, 1.0) as score from {SNIPPETS}
                where {SNIPPETS} match :few order by rowid desc limit :looked_at
            ) order by score desc limit :most
        ) f join {SNIPPETS} k on k.rowid = f.number join snippet s on s.id = k.key join article a on a.id = s.article_id
        where a.current order by f.score desc, s.id""",
    postgres=f"""
        select a.id as article_id, a.slug, a.version, a.title, a.url, s.heading, s.text, f.score
        from (
            select key, ts_rank('{{0.1, 0.2, 0.5, 1.0}}', document, cast(:ranked as tsquery), 1) as score
            from (
                select key, document from {SNIPPETS} where document @@ cast(:few as tsquery) limit :looked_at
            ) looked_at order by score desc, key limit :most
        ) f join snippet s on s.id = f.key join article a on a.id = s.article_id
        where a.current order by f.score desc, s.id""",
)
_FIND_REPLIES: Final = _by_dialect(
    sqlite=f"""
        select r.question, r.text, f.score
        from (
            select number, score from (
                select rowid as number, -bm25({REPLIES}, 0.0, 1.0, 0.2) as score from {REPLIES}
                where {REPLIES} match :few order by rowid desc limit :looked_at
            ) order by score desc limit :most
        ) f join {REPLIES} k on k.rowid = f.number join pastreply r on r.message_id = k.key
        where r.customer_id <> :not_of order by f.score desc, r.message_id limit :limit""",
    postgres=f"""
        select r.question, r.text, f.score
        from (
            select key, ts_rank('{{0.2, 0.2, 0.2, 1.0}}', document, cast(:ranked as tsquery), 1) as score
            from (
                select key, document from {REPLIES} where document @@ cast(:few as tsquery) limit :looked_at
            ) looked_at order by score desc, key limit :most
        ) f join pastreply r on r.message_id = f.key
        where r.customer_id <> :not_of order by f.score desc, r.message_id limit :limit""",
)
