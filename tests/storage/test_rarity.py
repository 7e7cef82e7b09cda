"""A question costs no more than its rare words do, however many articles there are and whatever is asked."""

import pytest
from sqlalchemy import text

from bot.drafting.retrieval import FullTextLibrary
from storage.database import Database, Tx
from storage.knowledge.rarity import LOOKED_AT, rare
from storage.knowledge.search import SNIPPETS
from storage.knowledge.words import telling_words

ARTICLES = 20_000
COMMON = "tent order refund parcel"  # tent in all of them, each other in every second, third, fourth
RARE = "zip"  # in every five-hundredth
RAREST = "gusset"  # in one

_NUMBERS = f"with recursive up(n) as (select 1 union all select n + 1 from up where n < {ARTICLES})"
_WORDS = f"""'Tent.' || case when n % 2 = 0 then ' Order.' else '' end
    || case when n % 3 = 0 then ' Refund.' else '' end || case when n % 4 = 0 then ' Parcel.' else '' end
    || case when n % 500 = 0 then ' Zip.' else '' end || case when n = {ARTICLES // 3} then ' Gusset.' else '' end"""


@pytest.fixture
async def library(database: Database) -> Database:
    def fill(tx: Tx) -> None:
        tx.run(
            text(f"""insert into article (id, slug, version, title, text, digest, current, created_at)
            {_NUMBERS} select 'art_' || n, 'a' || n, 1, 'Article', '', '', true, '2026-11-22 09:00:00+00' from up""")
        )
        tx.run(
            text(f"""insert into snippet (id, article_id, position, text)
            {_NUMBERS} select 'snp_' || n, 'art_' || n, 0, {_WORDS} from up""")
        )
        if tx.postgres:
            tx.run(text(f"analyze {SNIPPETS}"))

    await database.write(fill)
    return database


def rows_found(tx: Tx, question: str) -> int:
    asked = rare(tx, SNIPPETS, telling_words(question))
    assert asked is not None
    matches = "document @@ cast(:few as tsquery)" if tx.postgres else f"{SNIPPETS} match :few"
    return int(tx.run(text(f"select count(*) from {SNIPPETS} where {matches}"), few=asked.few)[0][0])


async def test_common_words_beside_rare_ones_are_not_looked_for(library: Database) -> None:
    of_one = await FullTextLibrary(library).search(f"{COMMON} {RAREST}")
    of_some = await FullTextLibrary(library).search(f"{COMMON} {RARE}")
    looked_at = await library.read(lambda tx: rows_found(tx, f"{COMMON} {RARE}"))

    assert of_one[0].source.slug == f"a{ARTICLES // 3}"
    assert {snippet.source.slug for snippet in of_some} <= {f"a{n}" for n in range(500, ARTICLES + 1, 500)}
    assert ARTICLES // 500 <= looked_at <= LOOKED_AT[not library.sqlite]


async def test_a_long_question_of_words_that_are_everywhere_is_answered_from_as_many_rows_as_allowed(
    library: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most in (LOOKED_AT[not library.sqlite], 7):
        monkeypatch.setitem(LOOKED_AT, not library.sqlite, most)

        found = await FullTextLibrary(library).search(f"{COMMON} " * 800, limit=1000)

        assert len(found) == min(most, 1000)


async def test_only_the_rarest_of_the_common_words_is_asked_for(library: Database) -> None:
    asked = await library.read(lambda tx: rare(tx, SNIPPETS, telling_words(COMMON)))
    estimated = await library.read(lambda tx: rows_found(tx, COMMON))

    assert asked is not None
    assert "parcel" in asked.few
    assert estimated == ARTICLES // 4


async def test_words_that_no_row_has_find_nothing(library: Database) -> None:
    assert await FullTextLibrary(library).search("marmalade") == []
    assert await FullTextLibrary(library).precedents("marmalade", not_of="cus_x") == []
