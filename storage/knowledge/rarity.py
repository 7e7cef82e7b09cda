"""Which words of a question are asked for: the rare ones, so that a search ranks no more rows than it may.

How rare a word is, the index itself tells: on SQLite by where its first rows lie, on PostgreSQL by what ANALYZE noted.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Float, Integer, String, column, text
from sqlalchemy.sql.selectable import TextualSelect

from storage.database import Tx
from storage.knowledge.search import REPLIES, SNIPPETS

LOOKED_AT: Final = {False: 8_000, True: 2_000}  # rows that one search may rank, by whether it is PostgreSQL
SEARCHED: Final = {SNIPPETS: "{title heading body}", REPLIES: "{question reply}"}  # as FTS5 names the columns
_PROBED: Final = 1_000  # rows of a word that are counted on SQLite; in how many more it is, is estimated
_RANKED: Final = 32  # words that PostgreSQL ranks by


@dataclass(frozen=True)
class Asked:
    """In the index's own query language: what finds the rows, and what ranks them. Each holds at least one word."""

    few: str
    ranked: str


def rare(tx: Tx, index: str, words: list[str]) -> Asked | None:
    """The rarest of the words: as many as are in `LOOKED_AT` rows together, and at least one. None: no row has any.

    The words hold letters and digits only, so neither query language finds syntax in them.
    """
    rows = _lexemes(tx, index, words) if tx.postgres else _probed(tx, index, words)
    ordered = sorted(rows, key=rows.__getitem__)
    if not ordered:
        return None
    few, room = ordered[:1], LOOKED_AT[tx.postgres] - rows[ordered[0]]
    for word in ordered[1:]:
        if (room := room - rows[word]) < 0:
            break
        few.append(word)
    if not tx.postgres:  # bm25 counts every row of the words it ranks by
        found = f"{SEARCHED[index]} : ({_fts5(few)})"
        return Asked(found, found)
    return Asked(_tsquery(few), _tsquery(ordered[:_RANKED]))


def _probed(tx: Tx, index: str, words: list[str]) -> dict[str, int]:
    """In how many rows each word is, about; without those that are in none."""
    found: dict[str, int] = {}
    ((first, last),) = tx.run(_ENDS[index])
    for word in words:
        ((counted, reached),) = tx.run(_PROBE[index], asked=f"{SEARCHED[index]} : {_fts5([word])}", most=_PROBED)
        if counted == _PROBED:  # so many within the first rows: as many within each as many
            counted = counted * (last - first + 1) // (reached - first + 1)
        if counted:
            found[word] = counted
    return found


def _lexemes(tx: Tx, index: str, words: list[str]) -> dict[str, float]:
    """In how many rows each lexeme of the words is, about; never 0, for only the commonest are known."""
    return {row.word: row.in_rows for row in tx.run(_KNOWN, index=index, asked=" ".join(words))}


def _fts5(words: list[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)


def _tsquery(words: list[str]) -> str:
    return " | ".join(f"'{word}'" for word in words)


def _ends(index: str) -> TextualSelect:
    ends = text(f"select (select min(id) from {index}_docsize) first, (select max(id) from {index}_docsize) last")
    return ends.columns(column("first", Integer), column("last", Integer))


def _probe(index: str) -> TextualSelect:
    rows = f"select rowid from {index} where {index} match :asked order by rowid limit :most"
    probe = text(f"select count(*) counted, max(rowid) reached from ({rows})")
    return probe.columns(column("counted", Integer), column("reached", Integer))


_ENDS: Final = {index: _ends(index) for index in SEARCHED}
_PROBE: Final = {index: _probe(index) for index in SEARCHED}
# PostgreSQL keeps the shares of the thousand commonest lexemes, then the least of these shares, which the others are
# below. A table that was never analysed is small, or about to be.
_KNOWN: Final = text("""
    with known as (
        select most_common_elems::text::text[] as words, most_common_elem_freqs as shares from pg_stats
        where schemaname = current_schema() and tablename = :index and attname = 'document'
    )
    select asked.word, greatest(1, (select reltuples from pg_class where oid = to_regclass(:index))
        * coalesce(common.share, (select shares[cardinality(words) + 1] / 2 from known), 0)) as in_rows
    from unnest(tsvector_to_array(to_tsvector('english', :asked))) asked (word)
    left join (select unnest(words) as word, unnest(shares) as share from known) common using (word)
""").columns(column("word", String), column("in_rows", Float))
