"""What an upgrade costs when there is nothing to upgrade: bots that migrate at each start must not read every row."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from storage import schema


def test_an_upgrade_with_nothing_to_do_looks_at_no_row(sqlite_url: str) -> None:
    path = Path(str(make_url(sqlite_url).database))
    _insert_a_snippet_of_no_article(path)

    schema.upgrade(sqlite_url)

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("select count(*) from snippet").fetchone() == (1,)


def _insert_a_snippet_of_no_article(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("insert into snippet values ('snp_1', 'art_gone', 0, null, 'words')")
