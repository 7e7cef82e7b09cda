"""The promises about time and trouble: nothing lost, nothing twice, silence under an owner, cards without a model."""

import json
from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

from bot.sandbox import Message
from storage.tables import JobKind
from tests.crash.agents import TALK, key_of, offered
from tests.crash.ledger import Row
from tests.crash.promises import (
    ANSWERS,
    Checked,
    Witness,
    consequences_commit_together,
    first_decision_wins,
    presses_are_bound,
    words_are_authorised,
)
from tests.crash.promises_inert import customer_text_is_inert
from tests.fakes.receiver import Answer

_ASKING = {"approve", "write", "edit", "undo", "redraft", "recategorise", "dismiss"}
_OWNING = {"reply", "hand_back", "resolve"}
EVERY_SECONDS = 1  # the roster's clock: roster_seconds of the world's policy
_STALE = ("Not sent yet", "Sending…")


_BY_CLOCK = {JobKind.ROSTER, JobKind.FORGET}


def every_promise(witness: Witness) -> list[Checked]:
    return [
        *words_are_authorised(witness),
        *presses_are_bound(witness),
        *first_decision_wins(witness),
        *consequences_commit_together(witness),
        *nothing_heard_is_lost(witness),
        *nothing_is_said_twice(witness),
        *taken_over_is_silent(witness),
        *talk_is_internal(witness),
        *customer_text_is_inert(witness),
        *ticks_are_accounted_for(witness),
        *cards_come_without_a_model(witness),
    ]


def nothing_heard_is_lost(witness: Witness) -> list[Checked]:
    """5, heard: what was answered 2xx is stored once, nothing else is, and somebody dealt with it."""
    accepted, incoming = witness.accepted, witness.ledger.incoming()
    stored = Counter((row["channel"], row["thread"], row["external_id"], row["text"]) for row in incoming)
    lost = [id for (channel, thread, id), text in accepted.items() if stored[channel, thread, id, text] != 1]
    invented = [
        row["external_id"] for row in incoming if (row["channel"], row["thread"], row["external_id"]) not in accepted
    ]
    left = witness.rows(
        "select m.external_id from message m join conversation c on c.id = m.conversation_id"
        f" where m.direction = 'incoming' and c.owner_id is null and {ANSWERS} = 0 and not exists"
        " (select 1 from message o join delivery v on v.message_id = o.id join decision d on"
        " d.id = o.decision_id where o.conversation_id = m.conversation_id and o.sequence > m.sequence"
        " and d.kind = 'reply' and v.status != 'cancelled') and not exists"
        " (select 1 from decision d where d.conversation_id = m.conversation_id and d.kind = 'resolve'"
        " and d.created_at >= m.created_at)"
    )
    # A clock goes on ticking until the last bot stops: what its last tick promised waits for the next start.
    jobs = [str(row) for row in witness.ledger.jobs() if row["kind"] not in _BY_CLOCK or row["attempts"]]
    return [
        witness.checked(5, "an accepted message is stored once", len(accepted), lost),
        witness.checked(5, "a stored message was written by a customer", len(incoming), invented),
        witness.checked(5, "a repeated message keeps its id", len(accepted), witness.customers.contradictions),
        witness.checked(5, "a message was answered, settled, or has an owner", len(incoming), _ids(left)),
        witness.checked(5, "no job is left", 1, jobs),
        *_cards(witness),
    ]


def _ids(rows: list[Row]) -> list[str]:
    return [str(row["external_id"]) for row in rows]


def _cards(witness: Witness) -> list[Checked]:
    cards, postings = witness.agents.cards(), witness.rows("select id, status from posting")
    hanging = Counter(key_of(card) for card in cards)
    lost = [f"{row['id']} is {row['status']}" for row in postings if row["status"] != "posted"]
    differing = [*lost, *(hanging.keys() ^ {row["id"] for row in postings})]
    settled = {
        row["id"]
        for row in witness.rows(
            "select p.id from posting p left join review r on r.id = p.review_id"
            " where r.id is null or r.status != 'pending'"
        )
    }
    lying = [card for card in cards if key_of(card) in settled and _asks(card)]
    words = [f"{key_of(card)} {sorted(offered(card))}: {card.text[:200]}" for card in lying]
    return [
        witness.checked(5, "a card hangs once", len(cards), [key for key, times in hanging.items() if times > 1]),
        witness.checked(5, "every card we noted hangs, and no other", len(postings), differing),
        witness.checked(5, "no settled card still asks", len(settled), words),
    ]


def _asks(card: Message) -> bool:
    return bool(offered(card) & _ASKING) or any(words in card.text for words in _STALE)


def nothing_is_said_twice(witness: Witness) -> list[Checked]:
    """5, said: every reply arrived once by its key, in order, and none that was taken back."""
    sent = [row for row in witness.ledger.outgoing() if row["status"] != "cancelled"]
    cancelled = {row["id"] for row in witness.ledger.outgoing() if row["status"] == "cancelled"}
    taken = {post.key for post in witness.receiver.taken}
    on_pages = Counter(line["id"] for shown in witness.pages.values() for line in shown if line["from"] == "team")
    undelivered = [
        f"{row['id']} is {row['status']} ({row['error']})"
        for row in sent
        if row["status"] != "sent" or row["id"] not in (taken if row["channel"] == "shop" else on_pages)
    ]
    said_anyway = sorted(cancelled & ({post.key for post in witness.receiver.posts} | witness.visitors.seen.keys()))
    return [
        witness.checked(5, "a decided reply reached its customer", len(sent), undelivered),
        witness.checked(
            5, "a line is on a customer's page once", len(on_pages), [k for k, n in on_pages.items() if n > 1]
        ),
        witness.checked(5, "a key always carries the same words", len(witness.receiver.posts), _differing(witness)),
        witness.checked(5, "the replies of a thread come in order", *_in_order(witness)),
        witness.checked(5, "what was taken back reached nobody", len(cancelled), said_anyway),
    ]


def _differing(witness: Witness) -> list[str]:
    first: dict[str, dict[str, Any]] = {}
    posts = [post.key for post in witness.receiver.posts if first.setdefault(post.key, post.body) != post.body]
    return [*posts, *witness.visitors.unlike]


def _in_order(witness: Witness) -> tuple[int, list[str]]:
    """What was refused for good does not hold up what follows: it comes when somebody presses Retry."""
    refused = {post.key for post in witness.receiver.posts if post.answer is Answer.REFUSE}
    threads = {
        thread: [post.body["sequence"] for post in posts if post.key not in refused]
        for thread, posts in witness.receiver.by_thread.items()
    }
    threads |= {thread: [line["sequence"] for line in shown] for thread, shown in witness.pages.items()}
    return len(threads), [thread for thread, sequences in threads.items() if sequences != sorted(sequences)]


def taken_over_is_silent(witness: Witness) -> list[Checked]:
    """6. While somebody owns a conversation, words and its end are theirs; nothing is opened or drafted."""
    owners: dict[str, str | None] = {}
    decisions = witness.rows(
        "select id, kind, agent_id, conversation_id as talk from decision where conversation_id is not null"
        f" order by {witness.ledger.in_order}"
    )
    past = []
    for row in decisions:
        owner, mine = owners.get(row["talk"]), owners.get(row["talk"]) == row["agent_id"]
        free = owner is None or row["kind"] in ("undo", "retry")
        if not (mine if row["kind"] in _OWNING else free):
            past.append(f"{row['id']}: {row['kind']}, owner {owner}")
        if row["kind"] == "take_over":
            owners[row["talk"]] = row["agent_id"]
        elif row["kind"] in ("hand_back", "resolve"):
            owners[row["talk"]] = None
    now = witness.rows("select id, owner_id from conversation")
    wrong_owner = [row["id"] for row in now if row["owner_id"] != owners.get(row["id"])]
    return [
        witness.checked(6, "a decision respects the owner", len(decisions), past),
        witness.checked(6, "the owner is who took over last", len(now), wrong_owner),
        _not_silent(witness),
        _owned_wrongly(witness),
    ]


def _not_silent(witness: Witness) -> Checked:
    order = witness.ledger.in_order
    under = (
        "select t.conversation_id as talk, t.created_at as since, min(e.created_at) as until from decision t"
        f" left join decision e on e.conversation_id = t.conversation_id and e.{order} > t.{order}"
        " and e.kind in ('hand_back', 'resolve') where t.kind = 'take_over'"
        " group by t.id, t.conversation_id, t.created_at"
    )
    opened = witness.rows(
        f"select r.id from review r join ({under}) u on u.talk = r.conversation_id"
        " and r.created_at > u.since and (u.until is null or r.created_at < u.until)"
    )
    drafted = witness.rows(
        f"select f.id from draft f join review r on r.id = f.review_id join ({under}) u"
        " on u.talk = r.conversation_id and f.created_at > u.since and (u.until is null or f.created_at < u.until)"
    )
    open_still = witness.rows(
        f"select r.id from review r join ({under}) u on u.talk = r.conversation_id and r.created_at < u.since"
        " where r.status = 'pending' or r.decided_at > u.since"
    )
    taken = len(witness.rows("select id from decision where kind = 'take_over'"))
    wrongs = [row["id"] for row in (*opened, *drafted, *open_still)]
    return witness.checked(6, "nothing is asked or drafted under an owner", taken, wrongs)


def _owned_wrongly(witness: Witness) -> Checked:
    """The newest card of an owned conversation is where its owner goes on, and no other card is."""
    live = {
        row["id"]
        for row in witness.rows(
            "select p.id from posting p join conversation c on c.id = p.conversation_id where c.owner_id is not"
            " null and not exists (select 1 from posting n where n.conversation_id = p.conversation_id"
            " and (n.created_at, n.id) > (p.created_at, p.id))"
        )
    }
    cards = witness.agents.cards()
    wrongs = [
        f"{key_of(card)}: {sorted(offered(card))}"
        for card in cards
        if offered(card) & _OWNING != (_OWNING if key_of(card) in live else set())
    ]
    return witness.checked(6, "an owner goes on at the newest card, nobody anywhere else", len(cards), wrongs)


def talk_is_internal(witness: Witness) -> list[Checked]:
    """7. What agents say to each other in a thread reaches no customer."""
    heard = [post.text for post in witness.receiver.posts]
    heard += [line["text"] for line in witness.visitors.seen.values()]
    heard += [line["text"] for shown in witness.pages.values() for line in shown]
    leaked = [text for text in heard if TALK in text]
    return [witness.checked(7, "talk in a thread reached nobody", len(witness.agents.said), leaked)]


def ticks_are_accounted_for(witness: Witness) -> list[Checked]:
    """9, the clocks: between the first tick and the last each one is noted, whoever was alive (once, by its key)."""
    ticks = witness.rows("select at from tick where clock = 'roster' order by at")
    times = [datetime.fromisoformat(str(row["at"])) for row in ticks]
    gaps = [f"after {a}" for a, b in pairwise(times) if (b - a).total_seconds() != EVERY_SECONDS]
    return [witness.checked(9, "every tick of a clock is accounted for", len(times), gaps)]


def cards_come_without_a_model(witness: Witness) -> list[Checked]:
    """10. A question without a draft was shown, said why, and could be answered by hand."""
    shown: dict[str, list[str]] = {}
    by_ts = {card.ts: key_of(card) for card in witness.agents.cards()}
    for call in witness.agents.sandbox.workspace.journal.calls:
        if call.method in ("chat.postMessage", "chat.update") and "blocks" in call.arguments:
            ts = (call.answer or {}).get("ts") if call.method == "chat.postMessage" else call.arguments.get("ts")
            payload = (call.arguments.get("metadata") or {}).get("event_payload") or {}
            key = payload.get("key") or by_ts.get(str(ts))
            shown.setdefault(str(key), []).append(json.dumps(call.arguments["blocks"], ensure_ascii=False))
    missing = witness.rows(
        "select r.id, p.id as posting, r.draft_missing from review r join posting p on p.review_id = r.id"
        " join decision d on d.id = r.decision_id where r.draft_missing is not null and d.kind in ('edit', 'dismiss')"
    )
    wrongs = [
        f"{row['id']}: {row['draft_missing']}"
        for row in missing
        if not any('"write"' in blocks for blocks in shown.get(row["posting"], []))
    ]
    return [witness.checked(10, "a question without a draft came as a card to answer by hand", len(missing), wrongs)]
