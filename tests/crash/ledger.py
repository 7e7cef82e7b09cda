"""What the database says, asked in plain SQL through its plain driver, whichever of the two it is."""

import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.engine import make_url

Row = dict[str, Any]


class Ledger:
    def __init__(self, url: str) -> None:
        self._address = make_url(url)
        self.postgres = self._address.get_backend_name() == "postgresql"
        # SQLite has one writer; ids are made while the conversation is held, and sort by their time.
        self.in_order = "id" if self.postgres else "rowid"

    def rows(self, statement: str) -> list[Row]:
        if self.postgres:
            plain = self._address.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain, row_factory=dict_row) as connection:
                return connection.execute(statement.encode()).fetchall()
        with closing(sqlite3.connect(f"file:{self._address.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]

    def count(self, statement: str) -> int:
        return int(next(iter(self.rows(statement)[0].values())))

    @property
    def unfinished(self) -> int:
        """What somebody or something still has to do, seen at one moment: a late press moves it from here to there."""
        promised = "procrastinate_jobs" if self.postgres else "job"
        return self.count(
            f"select (select count(*) from {promised}) + (select count(*) from review where status = 'pending')"
            " + (select count(*) from delivery where status in ('held', 'sending', 'failed'))"
        )

    def jobs(self) -> list[Row]:
        """Promises not kept yet, on the engine's own table."""
        if self.postgres:
            return self.rows(
                "select task_name as kind, args ->> 'subject' as subject, status, attempts, args ->> 'error' as error"
                " from procrastinate_jobs"
            )
        return self.rows("select kind, subject, status, attempts, error from job")

    def decisions(self) -> Counter[str]:
        return Counter(row["kind"] for row in self.rows("select kind from decision"))

    def incoming(self) -> list[Row]:
        return self.rows(
            "select m.*, c.channel, c.external_id as thread from message m"
            " join conversation c on c.id = m.conversation_id where m.direction = 'incoming'"
        )

    def outgoing(self) -> list[Row]:
        return self.rows(
            "select m.id, m.text, m.sequence, c.channel, c.external_id as thread, v.id as delivery, v.status, v.error,"
            " d.id as decision, d.kind, d.agent_id, d.text as decided, f.text as drafted"
            " from message m join conversation c on c.id = m.conversation_id"
            " left join delivery v on v.message_id = m.id left join decision d on d.id = m.decision_id"
            " left join draft f on f.id = d.draft_id where m.direction = 'outgoing'"
        )
