"""What must be true afterwards, seen from outside (Slack, the receiver) and inside (the database, in plain SQL)."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.sandbox import Message
from tests.crash.agents import Agents, key_of, offered
from tests.crash.customers import Customers
from tests.fakes.receiver import Post, Receiver

Row = dict[str, Any]
_ASKING = {"approve", "read_all", "write", "edit", "undo", "redraft", "recategorise", "dismiss"}
_STALE = ("Not sent yet", "Sending…")


@dataclass
class Ledger:
    path: Path

    def rows(self, statement: str) -> list[Row]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]

    def count(self, statement: str) -> int:
        return int(next(iter(self.rows(statement)[0].values())))

    @property
    def unfinished(self) -> int:
        """What somebody or something still has to do."""
        return self.count("select (select count(*) from job) + (select count(*) from review where status = 'pending')")

    def wrongs(self, customers: Customers, agents: Agents, receiver: Receiver) -> dict[str, list[str]]:
        """Everything that is not as promised, by the promise that it breaks."""
        found = {
            "accepted, but not stored once": self._not_stored(customers),
            "stored, but never written": self._invented(customers),
            "told two ids for one message": customers.contradictions,
            "not answered by exactly one decision": self._not_decided(),
            "approved, but not delivered": self._not_delivered(receiver),
            "delivered, but not approved": self._not_approved(receiver),
            "delivered out of order": _out_of_order(receiver),
            "delivered differently under one key": _different(receiver),
            "forged": ["a reply our secret did not sign"] * receiver.forged,
            "cards put up twice": _twice(agents),
            "cards and postings differ": self._not_posted(agents),
            "cards left lying": self._lying(agents),
            "jobs failed or left": [f"{row['kind']} {row['error']}" for row in self.rows("select * from job")],
        }
        return {promise: wrongs for promise, wrongs in found.items() if wrongs}

    def _not_stored(self, customers: Customers) -> list[str]:
        stored = Counter((row["thread"], row["external_id"], row["text"]) for row in self._incoming())
        return [id for (thread, id), text in customers.accepted.items() if stored[thread, id, text] != 1]

    def _invented(self, customers: Customers) -> list[str]:
        return [
            row["external_id"]
            for row in self._incoming()
            if (row["thread"], row["external_id"]) not in customers.accepted
        ]

    def _incoming(self) -> list[Row]:
        return self.rows(
            "select m.*, c.external_id as thread from message m join conversation c on c.id = m.conversation_id"
            " where m.direction = 'incoming'"
        )

    def _not_decided(self) -> list[str]:
        """A decision answers what its review is about, unless its reply was taken back."""
        return [
            f"{row['external_id']}: {row['decisions']}"
            for row in self.rows(
                "select m.external_id, count(d.id) as decisions from message m"
                " left join review r on r.conversation_id = m.conversation_id and r.status != 'superseded'"
                " and m.sequence > r.since_sequence and m.sequence <= r.sequence"
                " left join decision d on d.id = r.decision_id and d.id not in (select o.decision_id from message o"
                " join delivery v on v.message_id = o.id where v.status = 'cancelled')"
                " where m.direction = 'incoming' group by m.id having count(d.id) != 1"
            )
        ]

    def _outgoing(self) -> list[Row]:
        return self.rows(
            "select m.id, m.text, v.status, v.error, d.kind, d.text as decided, f.text as drafted"
            " from message m join delivery v on v.message_id = m.id join decision d on d.id = m.decision_id"
            " left join draft f on f.id = d.draft_id where m.direction = 'outgoing'"
        )

    def _not_delivered(self, receiver: Receiver) -> list[str]:
        taken = {post.key for post in receiver.taken}
        return [
            f"{row['id']} is {row['status']} ({row['error']}), {'taken' if row['id'] in taken else 'never taken'}"
            for row in self._outgoing()
            if row["status"] != "cancelled" and (row["status"] != "sent" or row["id"] not in taken)
        ]

    def _not_approved(self, receiver: Receiver) -> list[str]:
        """Every text goes back to a decision about exactly that text, and an approved one to exactly that draft."""
        known = {row["id"]: row for row in self._outgoing() if row["status"] != "cancelled"}
        return [post.key for post in receiver.posts if not _authorised(post, known.get(post.key))]

    def _not_posted(self, agents: Agents) -> list[str]:
        hanging = {key_of(card) for card in agents.cards()}
        postings = self.rows("select id, status from posting")
        lost = [f"{row['id']} is {row['status']}" for row in postings if row["status"] != "posted"]
        return [*lost, *(key for key in hanging.symmetric_difference(row["id"] for row in postings))]

    def _lying(self, agents: Agents) -> list[str]:
        """Cards that still ask or still say that something is under way, though it is settled."""
        settled = {
            row["id"]
            for row in self.rows(
                "select p.id from posting p join review r on r.id = p.review_id where r.status != 'pending'"
            )
        }
        lying = [card for card in agents.cards() if key_of(card) in settled and _asks(card)]
        return [f"{key_of(card)}: {card.text[-200:]}" for card in lying]


def _authorised(post: Post, row: Row | None) -> bool:
    if row is None or not post.text == row["text"] == row["decided"]:
        return False
    return bool(row["kind"] != "approve" or row["drafted"] == post.text)


def _asks(card: Message) -> bool:
    return bool(offered(card) & _ASKING) or any(words in card.text for words in _STALE)


def _out_of_order(receiver: Receiver) -> list[str]:
    return [
        thread
        for thread, posts in receiver.by_thread.items()
        if [post.body["sequence"] for post in posts] != sorted(post.body["sequence"] for post in posts)
    ]


def _different(receiver: Receiver) -> list[str]:
    first: dict[str, Row] = {}
    return [post.key for post in receiver.posts if first.setdefault(post.key, post.body) != post.body]


def _twice(agents: Agents) -> list[str]:
    return [key for key, count in Counter(key_of(card) for card in agents.cards()).items() if count > 1]
