"""The promises of the design, one function each: how many cases of it were checked, and which of them broke it.

Looked at from outside (what Slack was told and shows, what the channels took, what customers' pages show) and from
inside (the database).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.decisions import Shown
from tests.crash.agents import Agents
from tests.crash.customers import Customers
from tests.crash.ledger import Ledger, Row
from tests.crash.visitors import Visitors
from tests.fakes.receiver import Receiver

SETTLING = ("approve", "edit", "dismiss", "take_over")
SPEAKING = ("approve", "edit", "reply")


@dataclass(frozen=True)
class Checked:
    """One thing that was promised: in how many cases it was looked at, and where it did not hold."""

    promise: int
    what: str
    cases: int
    wrongs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Everybody who can say what happened."""

    ledger: Ledger
    customers: Customers
    visitors: Visitors
    pages: dict[str, list[dict[str, Any]]]  # what the web chat shows in the end, by thread
    agents: Agents
    receiver: Receiver
    log: str = ""  # what the bots wrote

    def rows(self, statement: str) -> list[Row]:
        return self.ledger.rows(statement)

    def checked(self, promise: int, what: str, cases: int, wrongs: Sequence[str]) -> Checked:
        return Checked(promise, what, cases, tuple(wrongs))

    @property
    def accepted(self) -> dict[tuple[str, str, str], str]:
        """What customers were told is committed: channel, thread and id, and the text."""
        shop = {("shop", *key): text for key, text in self.customers.accepted.items()}
        return shop | {("chat", *key): text for key, text in self.visitors.accepted.items()}


def words_are_authorised(witness: Witness) -> list[Checked]:
    """1. Every text that left traces to a decision of an authorised agent about exactly that text."""
    known = {row["id"]: row for row in witness.ledger.outgoing() if row["status"] != "cancelled"}
    active = {row["id"] for row in witness.rows("select id from agent where active")}

    def unauthorised(key: str, text: str) -> bool:
        row = known.get(key)
        if row is None or not text == row["text"] == row["decided"] or row["agent_id"] not in active:
            return True
        return row["kind"] not in SPEAKING or (row["kind"] == "approve" and row["drafted"] != text)

    posts = [post.key for post in witness.receiver.posts if unauthorised(post.key, post.text)]
    lines = [line for shown in witness.pages.values() for line in shown if line["from"] == "team"]
    wrong_lines = [line["id"] for line in lines if unauthorised(line["id"], line["text"])]
    forged = ["a reply our secret did not sign"] * witness.receiver.forged
    return [
        witness.checked(1, "a text at the channel's door was decided, word for word", len(known), [*posts, *forged]),
        witness.checked(1, "a line on a customer's page was decided, word for word", len(lines), wrong_lines),
    ]


def presses_are_bound(witness: Witness) -> list[Checked]:
    """2. Whoever approved had pressed a button of exactly this draft, at this sequence of the conversation."""
    pressed = {(who, name, shown.review_id, shown.draft_digest) for who, name, shown in _pressed(witness)}
    sequences = {(shown.review_id, shown.sequence) for _, name, shown in _pressed(witness) if name == "approve"}
    approved = witness.rows(
        "select d.id, i.external_id as who, d.kind, d.review_id, f.digest, r.sequence from decision d"
        " join agentidentity i on i.agent_id = d.agent_id join review r on r.id = d.review_id"
        " left join draft f on f.id = d.draft_id where d.kind in ('approve', 'edit')"
    )
    wrongs = [
        row["id"]
        for row in approved
        if not any((row["who"], name, row["review_id"], row["digest"]) in pressed for name in _names(row["kind"]))
        or (row["kind"] == "approve" and (row["review_id"], row["sequence"]) not in sequences)
    ]
    return [witness.checked(2, "who approved or edited had pressed on that draft", len(approved), wrongs)]


def _names(kind: str) -> tuple[str, ...]:
    return ("edit", "write", "read_all") if kind == "edit" else ("approve", "read_all")


def _pressed(witness: Witness) -> list[tuple[str, str, Shown]]:
    """Who pressed what, on what: as Slack handed it to the bot."""
    found = []
    for one in witness.agents.sandbox.workspace.journal.deliveries:
        user = one.payload.get("user", {}).get("id") if isinstance(one.payload.get("user"), dict) else None
        if one.kind == "block_actions":
            for action in one.payload["actions"]:
                if action["type"] == "button" and str(action.get("value", "")).startswith("["):
                    found.append((user, action["action_id"], Shown.unpack(action["value"])))
        elif one.kind == "view_submission":
            view = one.payload["view"]
            found.append((user, view["callback_id"], Shown.unpack(json.loads(view["private_metadata"])[0])))
    return found


def first_decision_wins(witness: Witness) -> list[Checked]:
    """3. A question is settled by one decision, and by no press that was handed in twice."""
    reviews = witness.rows("select id, status, decision_id from review")
    settling = witness.rows(
        f"select id, kind, review_id from decision where kind in {SETTLING} and review_id is not null"
    )
    by_review: dict[str, list[str]] = {}
    for row in settling:
        by_review.setdefault(row["review_id"], []).append(row["id"])
    wrongs = [
        f"{row['id']} {row['status']}: {by_review.get(row['id'])}"
        for row in reviews
        if by_review.get(row["id"], []) != ([row["decision_id"]] if row["decision_id"] else [])
    ]
    twice = witness.rows("select reason from decision where kind = 'undo' group by reason having count(*) > 1")
    answered = witness.rows(
        f"select m.external_id, {ANSWERS} as answers, (select count(*) from decision d"
        " where d.conversation_id = m.conversation_id and d.kind = 'undo') as undone"
        " from message m where m.direction = 'incoming'"
    )
    again = [f"{row['external_id']}: {row['answers']}" for row in answered if row["answers"] > 1 and not row["undone"]]
    return [
        witness.checked(3, "a question is settled once, by the decision it names", len(reviews), wrongs),
        witness.checked(3, "a reply is taken back once", len(twice) or len(reviews), [r["reason"] for r in twice]),
        witness.checked(3, "a message is answered by one decision", len(answered), again),
    ]


# Decisions that settled a question about `m`, those left out whose reply was taken back or that took it over.
ANSWERS = (
    "(select count(*) from review r join decision d on d.id = r.decision_id where d.kind != 'take_over'"
    " and r.conversation_id = m.conversation_id and m.sequence > r.since_sequence and m.sequence <= r.sequence"
    " and d.id not in (select o.decision_id from message o join delivery v on v.message_id = o.id"
    " where v.status = 'cancelled'))"
)


def consequences_commit_together(witness: Witness) -> list[Checked]:
    """4. A decision has its feedback, its message and its delivery, or does not exist; and none of these alone."""
    decided = witness.rows(
        "select d.id, d.kind, d.review_id, (select count(*) from message m where m.decision_id = d.id) as messages,"
        " (select count(*) from message m join delivery v on v.message_id = m.id where m.decision_id = d.id)"
        " as deliveries, (select count(*) from feedback f where f.decision_id = d.id) as feedback from decision d"
    )
    wrongs = []
    for row in decided:
        speaks = int(row["kind"] in SPEAKING)
        teaches = int(row["review_id"] is not None and row["kind"] not in ("undo", "retry", "reply"))
        if (row["messages"], row["deliveries"], row["feedback"]) != (speaks, speaks, teaches):
            wrongs.append(str(row))
    alone = [row["id"] for row in witness.ledger.outgoing() if row["decision"] is None or row["delivery"] is None]
    cancelled = {
        row["message_id"] for row in witness.rows("select message_id from delivery where status = 'cancelled'")
    }
    undone = {row["reason"] for row in witness.rows("select reason from decision where kind = 'undo'")}
    return [
        witness.checked(4, "a decision has exactly its consequences", len(decided), [*wrongs, *alone]),
        witness.checked(4, "an undo cancels one reply", len(undone), sorted(cancelled ^ undone)),
    ]
