"""A desk with a past: conversations that were answered long ago, with everything that belongs to them, made in SQL.

Each has one customer, three messages (a question, the approved reply, a thank-you that was only noted), a review with
its draft, decision, feedback and delivery, two cards and a past reply; the full text index is made by the product's own
code. Ids and times grow as real ones do, so rows land in the tables and indices where years of work would put them.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, Final

from bench.databases import PostgresDatabase, SqliteFile, Store
from bench.said import SHOP
from bench.vocabulary import Writer
from storage import schema
from storage.database.connections import address
from storage.knowledge import search

Progress = Callable[[int, int], None]
Run = Callable[[str], None]

CHUNK: Final = 20_000
PHRASES: Final = 8192
MESSAGES_EACH: Final = 3
_PHRASE_WORDS: Final = 8
_AGENT: Final = (
    "insert into agent values ('agt_fill', 'Bo Lindqvist', null, 'agent', false, '2024-01-01 00:00:00.000000')"
)
_SOURCES: Final = (
    '[{"article_id": "art_0000000000000000000fill", "slug": "delivery", "version": 1, "title": "Delivery times",'
    ' "url": "https://larkspur.example/help/delivery", "quote": "Orders leave our warehouse within one working day."}]'
)
# By position within a chunk and its first number; {key}, {at} differ between the databases.
_MANY: Final = """
insert into many (key, at, category, edited, question, reply)
select {key}, {at}, case i % 5 when 0 then 'billing' when 1 then 'returns' else 'general' end, i % 10 = 0,
    a.text || ' ' || b.text, 'Thank you for getting in touch. ' || c.text || ' ' || d.text || ' ' || e.text
from (select n + {base} as i from number where n < {size}) numbered
join phrase a on a.n = (i * 7919) % {phrases} join phrase b on b.n = (i * 104729 + 11) % {phrases}
join phrase c on c.n = (i * 1299709 + 5) % {phrases} join phrase d on d.n = (i * 611953 + 7) % {phrases}
join phrase e on e.n = (i * 15485863 + 3) % {phrases}
"""
_ROWS: Final = (
    f"""insert into customer (id, channel, external_id, name, email, tier, created_at)
    select 'cus_' || key, '{SHOP}', 'past-' || key, 'Mina Okafor', 'mina@larkspur.example', 'standard', at from many""",
    f"""insert into conversation (id, customer_id, channel, external_id, status, sequence, answered_sequence, owner_id,
        category, priority, waiting_since, created_at)
    select 'cnv_' || key, 'cus_' || key, '{SHOP}', 'past-' || key, 'open', 3, 2, null, category, 'normal', null, at
    from many""",
    """insert into review (id, conversation_id, status, sequence, since_sequence, category, priority, reasons, draft_id,
        draft_missing, draft_attempt, instruction, notice, edited_text, draft_after, first_at, shown_at, decided_at,
        decision_id, created_at)
    select 'rev_' || key, 'cnv_' || key, case when edited then 'edited' else 'approved' end, 1, 0, category, 'normal',
        '[]', 'drf_' || key, null, 0, null, null, null, at, at, at, at, 'dec_' || key, at from many""",
    f"""insert into draft (id, review_id, text, digest, sources, retrieved, evidence, offline, model, prompt_version,
        instruction, triage, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, milliseconds,
        created_at)
    select 'drf_' || key, 'rev_' || key, reply, substr(key || key, 1, 32), '{_SOURCES}', '[]',
        '{{"unchanged": 31, "of": 34}}', true, 'offline', 'offline-1', null, null, 0, 0, 0, 0, 0, 3, at from many""",
    """insert into decision (id, kind, agent_id, surface, conversation_id, review_id, draft_id, text, reason,
        created_at)
    select 'dec_' || key, case when edited then 'edit' else 'approve' end, 'agt_fill', 'slack', 'cnv_' || key,
        'rev_' || key, 'drf_' || key, reply, null, at from many""",
    """insert into feedback (id, decision_id, review_id, agent_id, action, category, draft_id, draft_text, final_text,
        edit_kind, similarity, reason, seconds, undone, created_at)
    select 'fbk_' || key, 'dec_' || key, 'rev_' || key, 'agt_fill', case when edited then 'edit' else 'approve' end,
        category, 'drf_' || key, reply, reply, case when edited then 'reworded' else 'unchanged' end, 1, null, 20,
        false, at from many""",
    """insert into message (id, conversation_id, direction, sequence, external_id, text, author, attachments, automatic,
        decision_id, created_at)
    select 'msg_' || key || kind, 'cnv_' || key, case kind when 'b' then 'outgoing' else 'incoming' end,
        case kind when 'a' then 1 when 'b' then 2 else 3 end, 'ext-' || key || kind,
        case kind when 'a' then question when 'b' then reply else 'Thank you, that helped!' end,
        case kind when 'b' then 'Bo Lindqvist' else 'Mina Okafor' end, '[]', kind = 'c',
        case kind when 'b' then 'dec_' || key end, at
    from many cross join (select 'a' as kind union all select 'b' union all select 'c') kinds order by key, kind""",
    """insert into delivery (id, message_id, conversation_id, status, release_at, attempts, error, updated_at)
    select 'dlv_' || key, 'msg_' || key || 'b', 'cnv_' || key, 'sent', at, 1, null, at from many""",
    """insert into posting (id, surface, place, conversation_id, review_id, message_id, status, ref, shown, created_at)
    select 'pst_' || key || 'a', 'slack', 'C0SUPPORT', 'cnv_' || key, 'rev_' || key, null, 'posted',
        'C0SUPPORT/1' || substr(key, 2, 9) || '.000100', substr(key || key, 1, 32), at from many""",
    """insert into posting (id, surface, place, conversation_id, review_id, message_id, status, ref, shown, created_at)
    select 'pst_' || key || 'c', 'slack', 'C0SUPPORT', 'cnv_' || key, null, 'msg_' || key || 'c', 'posted',
        'C0SUPPORT/1' || substr(key, 2, 9) || '.000200/1' || substr(key, 2, 9) || '.000100', substr(key || key, 1, 32),
        at from many""",
    """insert into pastreply (message_id, customer_id, category, question, text, created_at)
    select 'msg_' || key || 'b', 'cus_' || key, category, question, reply, at from many""",
)


def fill(store: Store, conversations: int, progress: Progress) -> None:
    """Into a migrated and empty database; nothing but this may use it meanwhile."""
    _search(store, "drop")
    match store:
        case SqliteFile():
            _fill_sqlite(store, conversations, progress)
        case PostgresDatabase():
            _fill_postgres(store, conversations, progress)
    _search(store, "create")
    progress(conversations, conversations)
    settle(store)


def settle(store: Store) -> None:
    """What a database does by itself in the course of time: PostgreSQL's autovacuum counts, SQLite does not."""
    if isinstance(store, PostgresDatabase):
        with store.connect() as database:
            database.execute("vacuum analyze")


def phrases() -> list[str]:
    writer = Writer(seed=3)
    return [writer.sentence(_PHRASE_WORDS) for _ in range(PHRASES)]


def _fill_sqlite(store: SqliteFile, conversations: int, progress: Progress) -> None:
    with closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        for line in (
            "journal_mode=memory", "synchronous=off", "cache_size=-400000", "temp_store=memory", "foreign_keys=off",
            "locking_mode=exclusive",
        ):  # fmt: skip
            database.execute(f"pragma {line}")
        database.execute("create temp table number (n integer primary key)")
        database.execute("create temp table phrase (n integer primary key, text text)")
        database.execute(
            "create temp table many (key text, at text, category text, edited int, question text, reply text)"
        )
        numbers = f"with recursive up(n) as (select 0 union all select n + 1 from up where n < {CHUNK - 1})"
        database.execute(f"insert into number {numbers} select n from up")
        database.executemany("insert into phrase values (?, ?)", enumerate(phrases()))
        key = "'0' || printf('%09d', i) || 'past00000000'"
        at = "strftime('%Y-%m-%d %H:%M:%S', 1704067200 + i * 60, 'unixepoch') || '.000000'"
        _in_chunks(lambda sql: database.execute(sql) and None, conversations, progress, key=key, at=at)
        database.execute("pragma journal_mode=wal")


def _fill_postgres(store: PostgresDatabase, conversations: int, progress: Progress) -> None:
    with store.connect() as database:
        database.execute("set session_replication_role = replica")  # the rows refer to each other, by construction
        database.execute("set synchronous_commit = off")
        database.execute("create temp table number (n bigint primary key)")
        database.execute("create temp table phrase (n bigint primary key, text text)")
        database.execute(
            "create temp table many"
            " (key text, at timestamptz, category text, edited boolean, question text, reply text)"
        )
        database.execute(f"insert into number select generate_series(0, {CHUNK - 1})")
        with database.cursor() as cursor:
            cursor.executemany("insert into phrase values (%s, %s)", list(enumerate(phrases())))
        database.execute("analyze number, phrase")
        key = "'0' || lpad(i::text, 9, '0') || 'past00000000'"
        at = "timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute'"
        run: Any = database.execute
        _in_chunks(run, conversations, progress, key=key, at=at)


def _in_chunks(run: Callable[[str], Any], conversations: int, progress: Progress, *, key: str, at: str) -> None:
    """Table by table, so many conversations at a time: each tree is walked down once for many rows."""
    run(_AGENT)
    for base in range(0, conversations, CHUNK):
        run("begin")
        for statement in _chunk(base, min(CHUNK, conversations - base), key=key, at=at):
            run(statement)
        run("commit")
        progress(min(base + CHUNK, conversations), conversations)


def _chunk(base: int, size: int, *, key: str, at: str) -> Iterable[str]:
    yield "delete from many"
    yield _MANY.format(key=key, at=at, base=base, size=size, phrases=PHRASES)
    yield from _ROWS


def _search(store: Store, what: str) -> None:
    """The product's own full text tables, made anew from the rows: quicker than row by row."""
    engine = schema.migration_engine(address(store.url))
    try:
        with engine.begin() as connection:
            if what == "drop":
                search.drop(connection)
            else:
                search.create(connection)
    finally:
        engine.dispose()
