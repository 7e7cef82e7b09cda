"""What a card says once somebody decided: who, when, what goes out and how far it got, and who owns the rest."""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from bot.core.cards import Action, Card, CardState, Ending
from bot.core.texts import one_line
from storage.joins.facts import Facts
from storage.tables import DecisionKind, DeliveryStatus

_OWNER: Final = (Action.REPLY, Action.HAND_BACK, Action.RESOLVE)
_SENT_AS: Final = {
    DecisionKind.APPROVE: "Approved as drafted by",
    DecisionKind.EDIT: "Edited and approved by",
    DecisionKind.REPLY: "Written by",
}


def answered(base: Card, facts: Facts) -> Card:
    """Decided, with something to send: the delivery says how far it got."""
    settled, outgoing, delivery = facts.settled, facts.outgoing, facts.delivery
    if settled is None or outgoing is None or delivery is None:
        raise LookupError(f"posting {facts.posting.id}: a decision lost what it sends")
    ending = Ending(
        words=f"{_SENT_AS.get(settled.decision.kind, 'Decided by')} {one_line(settled.by, 60)}",
        at=settled.decision.created_at,
        text=outgoing.text,
        delivery=_delivery_words(delivery.status, delivery.error),
    )
    base = replace(base, notices=_since(facts, settled.decision.created_at))
    owned = _OWNER if facts.newest and facts.owner else ()
    match delivery.status:
        case DeliveryStatus.HELD:
            return replace(base, state=CardState.HELD, ending=ending, buttons=(Action.UNDO, *owned))
        case DeliveryStatus.SENDING:
            return replace(base, state=CardState.SENDING, ending=ending, buttons=owned)
        case DeliveryStatus.SENT:
            more = owned or ((Action.TAKE_OVER,) if facts.newest else ())
            return replace(base, state=CardState.SENT, ending=ending, buttons=more)
        case DeliveryStatus.FAILED:
            return replace(base, state=CardState.FAILED, ending=ending, buttons=(Action.RETRY, *owned))
        case DeliveryStatus.CANCELLED:
            taken_back = replace(ending, delivery="Taken back before it was sent")
            return replace(base, state=CardState.DISMISSED, ending=taken_back, buttons=owned)
        case _:
            assert_never(delivery.status)


def _since(facts: Facts, decided_at: datetime) -> tuple[str, ...]:
    """What became of the conversation after the reply, on its newest card."""
    released = _released(facts) if facts.newest else None
    return (released.words,) if released and released.at >= decided_at else ()


def _delivery_words(status: DeliveryStatus, error: str | None) -> str:
    match status:
        case DeliveryStatus.HELD:
            return "Not sent yet: Undo takes it back"
        case DeliveryStatus.SENDING:
            trouble = f"the channel does not take it ({one_line(error or '', 200)}). Tried again by itself"
            return f"Not yet: {trouble}" if error else "Sending…"
        case DeliveryStatus.SENT:
            return "Delivered"
        case DeliveryStatus.FAILED:
            return f"NOT DELIVERED: {one_line(error or 'no reason given', 300)}"
        case DeliveryStatus.CANCELLED:
            return "Taken back"
        case _:
            assert_never(status)


def taken_over(base: Card, facts: Facts) -> Card:
    by = one_line(facts.settled.by, 60) if facts.settled else "an agent"
    at = facts.settled.decision.created_at if facts.settled else base.said[-1].at
    if not facts.newest:
        return closed(base, f"Taken over by {by}: it goes on in the thread", at)
    return owned_or_done(base, facts, Ending(words=f"Taken over by {by}", at=at))


def owned_or_done(base: Card, facts: Facts, ending: Ending | None) -> Card:
    """The newest card of a conversation that people handle."""
    if facts.owner is None:
        return replace(base, state=CardState.DISMISSED, ending=_released(facts) or ending)
    return replace(
        base,
        state=CardState.TAKEN_OVER,
        waiting_since=facts.conversation.waiting_since,
        ending=ending,
        buttons=_OWNER,
        menu=(Action.TAKE_OVER,),
    )


def _released(facts: Facts) -> Ending | None:
    if facts.released is None:
        return None
    verb = "Resolved" if facts.released.decision.kind is DecisionKind.RESOLVE else "Handed back to Signoff"
    return Ending(words=f"{verb} by {one_line(facts.released.by, 60)}", at=facts.released.decision.created_at)


def ended(base: Card, facts: Facts, state: CardState, verb: str) -> Card:
    if facts.settled is None:
        return closed(base, verb)
    reason = one_line((facts.settled.decision.reason or "").replace("_", " "), 200)
    words = f"{verb} by {one_line(facts.settled.by, 60)}" + (f": {reason}" if reason else "")
    return replace(base, state=state, ending=Ending(words=words, at=facts.settled.decision.created_at))


def closed(base: Card, words: str, at: datetime | None = None) -> Card:
    at = at or (base.said[-1].at if base.said else _EPOCH)
    return replace(
        base, state=CardState.CLOSED, said=(), earlier=(), ending=Ending(words=words, at=at), broadcast=False
    )


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
