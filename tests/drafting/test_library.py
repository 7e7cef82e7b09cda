"""Articles and past replies are found by the words people use, and the index never gets out of step."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from bot.drafting.retrieval import FullTextLibrary
from storage.database import Database, Tx, table_of
from storage.knowledge import articles, search
from storage.tables import (
    Article,
    Conversation,
    ConversationStatus,
    Customer,
    Direction,
    Message,
    PastReply,
    Priority,
    Snippet,
)
from tests.data import shared
from tests.drafting.knowledge import COMPANY, NOW, found, take, write

ARTICLE = table_of(Article)
SNIPPET = table_of(Snippet)


QUERIES = [
    "", " ", "the of and", '"', "'", "tent OR", "tent AND NOT (", "tent*", "^tent", "title:tent", "NEAR(tent, 2)",
    "{key} : x", "tent' ; drop table article; --", "a:b|c&d!e<->f", "%s %(x)s :x", "\\", "tent\x00tent",
    "\u26fa tent \U0001f469", "\u202etent", "\ufb01\ufb01 \u00df \u0130", "___", "*", "-tent", "tent" * 5000,
    "tent " * 4000, " ".join(f"w{n}" for n in range(3000)), "\ud800tent", "snp_0 art_0",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
async def test_any_text_may_be_asked(database: Database, tmp_path: Path, query: str) -> None:
    write(tmp_path, tents="# Tents\n\nA tent is dry.")
    await take(database, tmp_path)
    library = FullTextLibrary(database)

    snippets = await library.search(query)
    await library.precedents(query, not_of="cus_1")

    assert {snippet.source.slug for snippet in snippets} <= {"tents"}
    assert (await library.search("tents"))[0].source.slug == "tents"


async def test_every_naughty_string_may_be_asked_and_imported(database: Database, tmp_path: Path) -> None:
    strings = json.loads(shared("blns/blns.json").read_text(encoding="utf-8"))
    write(tmp_path, tents="\n\n".join(["A tent is dry.", *strings]).replace("\x00", ""))

    taken = await take(database, tmp_path)
    for string in strings:
        await FullTextLibrary(database).search(string)

    assert taken.rejected == ()
    assert set(await found(database, "dry tent")) == {"tents"}


async def test_one_article_does_not_take_every_place(database: Database, tmp_path: Path) -> None:
    write(tmp_path, tents="\n\n".join(f"## Tent {n}\n\nTent tent tent {n}." for n in range(30)), boots="Not a tent.")
    await take(database, tmp_path)

    slugs = await found(database, "tent")

    assert slugs.count("tents") == 3
    assert "boots" in slugs


async def test_titles_and_headings_weigh_more_than_mentions(database: Database, tmp_path: Path) -> None:
    write(
        tmp_path,
        a="# Boots\n\nA refund is mentioned here, and much more about boots and their laces.",
        b="# Refund\n\nMoney comes back within five days, and here is more about money and banks.",
    )
    await take(database, tmp_path)

    assert (await found(database, "refund"))[0] == "b"


async def test_the_index_cannot_drift_whatever_writes(database: Database, tmp_path: Path) -> None:
    write(tmp_path, tents="# Tents\n\nOak.\n\n## Two\n\nElm.\n\n## Three\n\nAsh.")
    await take(database, tmp_path)
    library = FullTextLibrary(database)
    [oak] = await library.search("oak")

    async def by_hand(statement: object) -> None:
        await database.write(lambda tx: tx.run(statement))  # type: ignore[arg-type]

    await by_hand(update(SNIPPET).where(SNIPPET.c.text == "Oak.").values(text="Birch."))
    assert await found(database, "oak") == []
    assert await found(database, "birch") == ["tents"]
    await by_hand(update(ARTICLE).values(title="Marquees"))
    assert len(await found(database, "marquees")) == 3
    assert await found(database, "tents") == []
    await by_hand(update(SNIPPET).where(SNIPPET.c.text == "Elm.").values(id="snp_other"))
    assert await found(database, "elm") == ["tents"]
    await by_hand(delete(SNIPPET).where(SNIPPET.c.text == "Ash."))
    assert await found(database, "ash") == []
    await by_hand(
        insert(SNIPPET).values(id="snp_new", article_id=oak.source.article_id, position=9, heading="Fir", text="Pine.")
    )
    assert await found(database, "pine") == await found(database, "fir") == ["tents"]

    with pytest.raises(ZeroDivisionError):
        await database.write(_write_and_fail)
    assert await found(database, "larch") == []
    assert await database.read(_indexed) == await database.read(_there)


def _write_and_fail(tx: Tx) -> None:
    tx.run(update(SNIPPET).values(text="Larch."))
    raise ZeroDivisionError


def _indexed(tx: Tx) -> list[str]:
    return sorted(key for (key,) in tx.run(text(f"select key from {search.SNIPPETS}")))


def _there(tx: Tx) -> list[str]:
    return sorted(key for (key,) in tx.run(select(SNIPPET.c.id)))


async def test_rows_keep_their_index_over_a_vacuum(sqlite_url: str, tmp_path: Path) -> None:
    write(tmp_path, a="Oak.", b="Elm.", c="Ash.")
    async with Database(sqlite_url) as database:
        await take(database, tmp_path)
        (tmp_path / "a.md").unlink()
        await take(database, tmp_path)

        with database.engine.connect() as connection:
            connection.connection.driver_connection.execute("vacuum")  # type: ignore[union-attr]
        write(tmp_path, b="Fir.")
        await take(database, tmp_path)

        assert await found(database, "elm") == []
        assert await found(database, "fir") == ["b"]
        assert await found(database, "ash") == ["c"]
        check = f"insert into {search.SNIPPETS} ({search.SNIPPETS}) values ('integrity-check')"
        await database.write(lambda tx: tx.run(text(check)))


async def test_dropping_and_creating_the_index_finds_what_was_there(database: Database, tmp_path: Path) -> None:
    write(tmp_path, tents="Oak.")
    await take(database, tmp_path)

    await database.write(lambda tx: search.drop(tx.connection))
    with pytest.raises(DatabaseError):
        await found(database, "oak")
    await database.write(lambda tx: search.create(tx.connection))

    assert await found(database, "oak") == ["tents"]


async def converse(database: Database, *customers: str, messages: int = 1) -> None:
    """A conversation with messages msg_<name>, msg_<name>1, … for each of these customers."""

    def add(tx: Tx) -> None:
        for name in customers:
            tx.add(
                Customer(
                    id=f"cus_{name}", channel="web", external_id=name, name=name, email=None, tier="standard",
                    created_at=NOW,
                )
            )  # fmt: skip
            tx.add(
                Conversation(
                    id=f"cnv_{name}", customer_id=f"cus_{name}", channel="web", external_id=name,
                    status=ConversationStatus.OPEN, sequence=1, answered_sequence=1, owner_id=None, category="general",
                    priority=Priority.NORMAL, waiting_since=None, created_at=NOW,
                )
            )  # fmt: skip
            for number in range(messages):
                tx.add(
                    Message(
                        id=f"msg_{name}{number or ''}", conversation_id=f"cnv_{name}", direction=Direction.INCOMING,
                        sequence=number, external_id=None, text="x", author="x", attachments=[], automatic=False,
                        decision_id=None, created_at=NOW,
                    )
                )  # fmt: skip

    await database.write(add)


def remember(name: str, question: str, reply: str) -> partial[None]:
    facts = {"message_id": f"msg_{name}", "customer_id": f"cus_{name}", "category": "general"}
    return partial(articles.index_reply, question=question, reply=reply, now=NOW, **facts)


async def test_precedents_are_replies_to_others_never_to_the_same_customer(database: Database) -> None:
    await converse(database, "ana", "bo")
    await database.write(remember("ana", "My tent leaks at the seam", "Reseal it."))
    await database.write(remember("bo", "The tent seam leaks badly", "Send a photo."))
    library = FullTextLibrary(database)

    for_bo = await library.precedents("a leaking tent seam", not_of="cus_bo")
    for_somebody = await library.precedents("a leaking tent seam", not_of="cus_cy")

    assert [(found.question, found.text) for found in for_bo] == [("My tent leaks at the seam", "Reseal it.")]
    assert len(for_somebody) == 2
    assert [found.score for found in for_somebody] == sorted((found.score for found in for_somebody), reverse=True)


async def test_a_reply_is_remembered_once_however_often_it_is_told(database: Database) -> None:
    await converse(database, "ana")
    for _ in range(3):
        await database.write(remember("ana", "My tent leaks", "Reseal it."))

    rows = await database.read(lambda tx: tx.run(select(table_of(PastReply))))
    assert len(rows) == 1
    assert len(await FullTextLibrary(database).precedents("tent", not_of="cus_x")) == 1
    await database.write(lambda tx: tx.run(delete(table_of(PastReply))))
    assert await FullTextLibrary(database).precedents("tent", not_of="cus_x") == []


def share_right(wanted: Sequence[str], ranked: Sequence[Sequence[str]], top: int) -> float:
    hits = sum(want in slugs[:top] for want, slugs in zip(wanted, ranked, strict=True))
    return hits / len(wanted)


async def test_customers_words_find_the_right_article_at_least_as_often_as_bm25(database: Database) -> None:
    """ABCD: 55 articles, 26 first contacts. Plain BM25 finds .46 at 1, .62 within 3, .65 within 5."""
    contacts = [json.loads(line) for line in shared("abcd/first_contact.jsonl").read_text("utf-8").split("\n") if line]
    assert (await take(database, shared("abcd/kb"))).added == 55
    library = FullTextLibrary(database)

    ranked = [
        list(dict.fromkeys(s.source.slug for s in await library.search(contact["text"], limit=20)))
        for contact in contacts
    ]
    wanted = [f"{contact['flow']}--{contact['intent']}" for contact in contacts]

    shares = [share_right(wanted, ranked, top) for top in (1, 3, 5)]
    assert shares >= [0.46, 0.62, 0.65]
    assert all(share >= bar for share, bar in zip(shares, (0.46, 0.62, 0.65), strict=True)), shares


async def test_past_questions_find_their_like_about_as_often_as_bm25(sqlite_url: str) -> None:
    """BANKING77, every eighth held-out question. Plain BM25 over all of them: .785 right at 1, .928 within 5.

    Ours over every fourth: .809 and .937, without the stop words .787 and .927.
    """
    with gzip.open(shared("banking77/banking77.jsonl.gz"), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    held = [int(hashlib.sha256(row["text"].encode()).hexdigest(), 16) % 5 == 0 for row in rows]
    past = [row for row, out in zip(rows, held, strict=True) if not out]
    asked = [row for row, out in zip(rows, held, strict=True) if out][::8]
    intents = {row["text"]: row["intent"] for row in past}

    async with Database(sqlite_url) as database:
        await converse(database, "ana", messages=len(past))
        await database.write(lambda tx: _remember_all(tx, [row["text"] for row in past]))
        library = FullTextLibrary(database)
        ranked = [
            [intents[reply.question] for reply in await library.precedents(row["text"], not_of="cus_x", limit=5)]
            for row in asked
        ]

    wanted = [row["intent"] for row in asked]
    assert share_right(wanted, ranked, 1) >= 0.77
    assert share_right(wanted, ranked, 5) >= 0.92


def _remember_all(tx: Tx, questions: Sequence[str]) -> None:
    for number, question in enumerate(questions):
        facts = {"customer_id": "cus_ana", "category": "general", "question": question, "reply": "Done.", "now": NOW}
        articles.index_reply(tx, message_id=f"msg_ana{number or ''}", **facts)


@pytest.mark.parametrize(
    ("question", "slug"),
    [
        ("Where is my order?", "delivery-times"),
        ("Hi, one of my tent poles snapped. Can I get a spare?", "tent-warranty"),
        ("How much is shipping to Norway?", "international-shipping"),
        ("I forgot my password and the reset email never arrives", "account-password"),
        ("can I still cancel my order from this morning", "cancel-order"),
        ("I need an invoice with our VAT number", "invoices-vat"),
        ("My parcel is marked delivered but I never got it!!", "lost-parcel"),
        ("I was charged twice", "refunds"),
        ("How do I use two gift cards", "gift-cards"),
        ("my jacket arrived with a ripped seam", "damaged-item"),
        ("What do Summit members get?", "loyalty-tiers"),
        ("Which size of hiking boots should I order?", "size-guide"),
        ("I gave the wrong delivery address, can you change it?", "change-address"),
        ("How can I return something I have not used?", "returns"),
    ],
)
async def test_the_demo_companys_articles_answer_its_customers(sqlite_url: str, question: str, slug: str) -> None:
    async with Database(sqlite_url) as database:
        taken = await take(database, COMPANY)

        assert taken.rejected == ()
        assert (await found(database, question))[0] == slug
