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
_ASKING = {"approve", "write", "edit", "undo", "redraft", "recategorise", "dismiss"}
_OWNING = {"reply", "hand_back", "resolve"}
_STALE = ("Not sent yet", "Sending…")
# Decisions that settled a question about `m`, those left out whose reply was taken back or that took it over.
_ANSWERS = (
    "(select count(*) from review r join decision d on d.id = r.decision_id where d.kind != 'take_over'"
    " and r.conversation_id = m.conversation_id and m.sequence > r.since_sequence and m.sequence <= r.sequence"
    " and d.id not in (select o.decision_id from message o join delivery v on v.message_id = o.id"
    " where v.status = 'cancelled'))"
)


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
            "neither answered nor settled nor owned": self._not_dealt_with(),
            "answered twice": self._answered_twice(),
            "taken back, but handed to the channel": self._not_taken_back(receiver),
            "decided past the owner": self._past_the_owner(),
            "asked or drafted under an owner": self._not_silent(),
            "owned cards without Reply, or others with it": self._owned_wrongly(agents),
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

    def _not_dealt_with(self) -> list[str]:
        """Answered, dismissed or resolved by a decision that was not taken back; or somebody owns the conversation."""
        return [
            row["external_id"]
            for row in self.rows(
                f"select m.external_id from message m join conversation c on c.id = m.conversation_id"
                f" where m.direction = 'incoming' and c.owner_id is null and {_ANSWERS} = 0 and not exists"
                " (select 1 from message o join delivery v on v.message_id = o.id join decision d on"
                " d.id = o.decision_id where o.conversation_id = m.conversation_id and o.sequence > m.sequence"
                " and d.kind = 'reply' and v.status != 'cancelled') and not exists"
                " (select 1 from decision d where d.conversation_id = m.conversation_id and d.kind = 'resolve'"
                " and d.created_at >= m.created_at)"
            )
        ]

    def _answered_twice(self) -> list[str]:
        """Only an Undo asks again about what came before it."""
        return [
            f"{row['external_id']}: {row['answers']}"
            for row in self.rows(
                f"select m.external_id, {_ANSWERS} as answers from message m where m.direction = 'incoming'"
                f" and {_ANSWERS} > 1 and not exists (select 1 from decision d"
                " where d.conversation_id = m.conversation_id and d.kind = 'undo')"
            )
        ]

    def _not_taken_back(self, receiver: Receiver) -> list[str]:
        """One Undo for every reply that is cancelled, and none of these was ever tried."""
        cancelled = {
            row["message_id"] for row in self.rows("select message_id from delivery where status = 'cancelled'")
        }
        undone = Counter(row["reason"] for row in self.rows("select reason from decision where kind = 'undo'"))
        differing = cancelled.symmetric_difference(undone)
        twice = [message for message, count in undone.items() if count > 1]
        return [*differing, *twice, *sorted({post.key for post in receiver.posts} & undone.keys())]

    def _past_the_owner(self) -> list[str]:
        """Decisions replayed in their order: while somebody owns a conversation, words and its end are theirs."""
        owners: dict[str, str | None] = {}
        wrong = []
        for row in self.rows("select id, kind, agent_id, conversation_id as talk from decision order by rowid"):
            owner, mine = owners.get(row["talk"]), owners.get(row["talk"]) == row["agent_id"]
            free = owner is None or row["kind"] in ("undo", "retry")
            if not (mine if row["kind"] in _OWNING else free):
                wrong.append(f"{row['id']}: {row['kind']}, owner {owner}")
            if row["kind"] == "take_over":
                owners[row["talk"]] = row["agent_id"]
            elif row["kind"] in ("hand_back", "resolve"):
                owners[row["talk"]] = None
        now = self.rows("select id, owner_id from conversation")
        return [*wrong, *(row["id"] for row in now if row["owner_id"] != owners.get(row["id"]))]

    def _not_silent(self) -> list[str]:
        """From take-over to hand-back no question is opened, none is drafted, and none stays open."""
        under = (
            "select t.conversation_id as talk, t.created_at as since, min(e.created_at) as until from decision t"
            " left join decision e on e.conversation_id = t.conversation_id and e.rowid > t.rowid"
            " and e.kind in ('hand_back', 'resolve') where t.kind = 'take_over' group by t.id"
        )
        opened = self.rows(
            f"select r.id from review r join ({under}) u on u.talk = r.conversation_id"
            " and r.created_at > u.since and (u.until is null or r.created_at < u.until)"
        )
        drafted = self.rows(
            f"select f.id from draft f join review r on r.id = f.review_id join ({under}) u"
            " on u.talk = r.conversation_id and f.created_at > u.since and (u.until is null or f.created_at < u.until)"
        )
        open_still = self.rows(
            f"select r.id from review r join ({under}) u on u.talk = r.conversation_id and r.created_at < u.since"
            " where r.status = 'pending' or r.decided_at > u.since"
        )
        return [row["id"] for row in (*opened, *drafted, *open_still)]

    def _owned_wrongly(self, agents: Agents) -> list[str]:
        """The newest card of an owned conversation is where its owner goes on, and no other card is."""
        live = {
            row["id"]
            for row in self.rows(
                "select p.id from posting p join conversation c on c.id = p.conversation_id where c.owner_id is not"
                " null and not exists (select 1 from posting n where n.conversation_id = p.conversation_id"
                " and (n.created_at, n.id) > (p.created_at, p.id))"
            )
        }
        return [
            f"{key_of(card)}: {sorted(offered(card))}"
            for card in agents.cards()
            if offered(card) & _OWNING != (_OWNING if key_of(card) in live else set())
        ]

    def decisions(self) -> Counter[str]:
        return Counter(row["kind"] for row in self.rows("select kind from decision"))

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
                "select p.id from posting p left join review r on r.id = p.review_id"
                " where r.id is null or r.status != 'pending'"
            )
        }
        lying = [card for card in agents.cards() if key_of(card) in settled and _asks(card)]
        return [f"{key_of(card)} {sorted(offered(card))}: {card.text[:200]}" for card in lying]


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
