"""Full text beside the tables: what the first migration creates for SQLite (FTS5) and for PostgreSQL (tsvector, GIN).

Triggers of the database keep it in step, so nothing that writes a snippet, a title or a past reply can forget to. The
words are stemmed as English on both. A migration that rebuilds `snippet`, `article` or `pastreply` must `drop` before
and `create` after: a rebuild loses triggers. `create` also indexes the rows that are there.
"""

from typing import Final

from sqlalchemy import Connection

SNIPPETS: Final = "snippet_search"  # key: snippet.id
REPLIES: Final = "past_reply_search"  # key: pastreply.message_id


def owns(table: str) -> bool:
    """Whether this table is one of full text search: no model declares it, so migrations must not compare it."""
    return table.startswith((SNIPPETS, REPLIES))


def create(connection: Connection) -> None:
    """Create tables, indices and triggers, and index what is there. The tables they watch must exist."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES:
        connection.exec_driver_sql(statement)


def drop(connection: Connection) -> None:
    for statement in _DROP_SQLITE if connection.dialect.name == "sqlite" else _DROP_POSTGRES:
        connection.exec_driver_sql(statement)


# SQLite. The key is an indexed column like the others, so that a trigger finds a row by it without reading them all;
# queries name their columns, so nobody finds a snippet by its id. Rowids are no keys: VACUUM may renumber them.
_SNIPPET_ROW: Final = (
    "select s.id, a.title, coalesce(s.heading, ''), s.text from snippet s join article a on a.id = s.article_id"
)
_REPLY_ROW: Final = "select message_id, question, text from pastreply"


def _forget(table: str, key: str) -> str:
    found = f"""select rowid from {table} where {table} match 'key : "' || {key} || '"'"""
    return f"delete from {table} where rowid in ({found}) and key = {key};"


_SQLITE: Final = (
    f"create virtual table {SNIPPETS} using fts5(key, title, heading, body, tokenize = 'porter unicode61')",
    f"insert into {SNIPPETS} (key, title, heading, body) {_SNIPPET_ROW}",
    f"""create trigger snippet_search_insert after insert on snippet begin
        insert into {SNIPPETS} (key, title, heading, body) {_SNIPPET_ROW} where s.id = new.id; end""",
    f"""create trigger snippet_search_update after update on snippet begin
        {_forget(SNIPPETS, "old.id")}
        insert into {SNIPPETS} (key, title, heading, body) {_SNIPPET_ROW} where s.id = new.id; end""",
    f"create trigger snippet_search_delete after delete on snippet begin {_forget(SNIPPETS, 'old.id')} end",
    f"""create trigger snippet_search_title after update of title on article begin
        update {SNIPPETS} set title = new.title where key in (select id from snippet where article_id = new.id); end""",
    f"create virtual table {REPLIES} using fts5(key, question, reply, tokenize = 'porter unicode61')",
    f"insert into {REPLIES} (key, question, reply) {_REPLY_ROW}",
    f"""create trigger past_reply_search_insert after insert on pastreply begin
        insert into {REPLIES} (key, question, reply) values (new.message_id, new.question, new.text); end""",
    f"""create trigger past_reply_search_update after update on pastreply begin
        {_forget(REPLIES, "old.message_id")}
        insert into {REPLIES} (key, question, reply) values (new.message_id, new.question, new.text); end""",
    f"""create trigger past_reply_search_delete after delete on pastreply begin
        {_forget(REPLIES, "old.message_id")} end""",
)
_DROP_SQLITE: Final = (
    "drop trigger if exists snippet_search_insert",
    "drop trigger if exists snippet_search_update",
    "drop trigger if exists snippet_search_delete",
    "drop trigger if exists snippet_search_title",
    "drop trigger if exists past_reply_search_insert",
    "drop trigger if exists past_reply_search_update",
    "drop trigger if exists past_reply_search_delete",
    f"drop table if exists {SNIPPETS}",
    f"drop table if exists {REPLIES}",
)

# PostgreSQL. A row beside each row, so that the tables themselves are the same on both databases. A tsvector holds at
# most 1 MB: the longest texts are indexed by their first 100,000 characters.
_SNIPPET_DOCUMENT: Final = (
    "setweight(to_tsvector('english', left(a.title, 1000)), 'A')"
    " || setweight(to_tsvector('english', left(coalesce(s.heading, ''), 1000)), 'B')"
    " || setweight(to_tsvector('english', left(s.text, 100000)), 'D')"
)
_REPLY_DOCUMENT: Final = (
    "setweight(to_tsvector('english', left(r.question, 100000)), 'A')"
    " || setweight(to_tsvector('english', left(r.text, 100000)), 'D')"
)
_INDEX_SNIPPETS: Final = (
    f"insert into {SNIPPETS} (key, document)"
    f" select s.id, {_SNIPPET_DOCUMENT} from snippet s join article a on a.id = s.article_id"
)
_INDEX_REPLIES: Final = f"insert into {REPLIES} (key, document) select r.message_id, {_REPLY_DOCUMENT} from pastreply r"
_OR_REPLACE: Final = "on conflict (key) do update set document = excluded.document"

_POSTGRES: Final = (
    f"""create table {SNIPPETS} (
        key varchar primary key references snippet (id) on delete cascade on update cascade,
        document tsvector not null)""",
    f"create index ix_{SNIPPETS}_document on {SNIPPETS} using gin (document)",
    _INDEX_SNIPPETS,
    f"""create function snippet_search_write() returns trigger language plpgsql as $$ begin
        {_INDEX_SNIPPETS} where s.id = new.id {_OR_REPLACE}; return null; end $$""",
    """create trigger snippet_search_write after insert or update on snippet
        for each row execute function snippet_search_write()""",
    f"""create function snippet_search_title() returns trigger language plpgsql as $$ begin
        {_INDEX_SNIPPETS} where a.id = new.id {_OR_REPLACE}; return null; end $$""",
    """create trigger snippet_search_title after update of title on article
        for each row execute function snippet_search_title()""",
    f"""create table {REPLIES} (
        key varchar primary key references pastreply (message_id) on delete cascade on update cascade,
        document tsvector not null)""",
    f"create index ix_{REPLIES}_document on {REPLIES} using gin (document)",
    _INDEX_REPLIES,
    f"""create function past_reply_search_write() returns trigger language plpgsql as $$ begin
        {_INDEX_REPLIES} where r.message_id = new.message_id {_OR_REPLACE}; return null; end $$""",
    """create trigger past_reply_search_write after insert or update on pastreply
        for each row execute function past_reply_search_write()""",
)
_DROP_POSTGRES: Final = (
    "drop trigger if exists snippet_search_write on snippet",
    "drop trigger if exists snippet_search_title on article",
    "drop trigger if exists past_reply_search_write on pastreply",
    "drop function if exists snippet_search_write()",
    "drop function if exists snippet_search_title()",
    "drop function if exists past_reply_search_write()",
    f"drop table if exists {SNIPPETS}",
    f"drop table if exists {REPLIES}",
)
