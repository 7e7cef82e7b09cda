"""Everything a card is drawn from, read in one go."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select

from storage import conversations, postings, reviews
from storage.database import Tx, table_of
from storage.rows import get, known
from storage.tables import (
    Agent,
    Conversation,
    Customer,
    Decision,
    DecisionKind,
    Delivery,
    Direction,
    Draft,
    Message,
    Posting,
    Review,
)

EARLIER: Final = 4  # messages shown before the ones to be answered
# Of what is to be answered, the newest are read: whoever never stops writing must not make every card slower.
ANSWERED_MOST: Final = 100
ANSWERED_CHARS: Final = 250_000  # more than any surface can show
_DECISION: Final = table_of(Decision)
_AGENT: Final = table_of(Agent)
_SIGNED: Final = select(_DECISION, _AGENT.c.name.label("by")).join(_AGENT, _AGENT.c.id == _DECISION.c.agent_id)
_ABOUT: Final = _SIGNED.where(_DECISION.c.review_id == bindparam("review_id")).order_by(
    _DECISION.c.created_at, _DECISION.c.id
)
_RELEASED: Final = (
    _SIGNED.where(
        _DECISION.c.conversation_id == bindparam("conversation_id"),
        _DECISION.c.kind.in_((DecisionKind.HAND_BACK, DecisionKind.RESOLVE)),
    )
    .order_by(_DECISION.c.created_at.desc(), _DECISION.c.id.desc())
    .limit(1)
)
_ONE: Final = _SIGNED.where(_DECISION.c.id == bindparam("decision_id"))


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A decision with the name of who made it."""

    decision: Decision
    by: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The rows behind one posting."""

    posting: Posting
    newest: bool  # no later card hangs in this conversation on this surface
    moved: bool  # a later posting of the same review hangs elsewhere
    threaded: bool  # another card began the thread it hangs in
    conversation: Conversation
    customer: Customer
    owner: Agent | None
    review: Review | None  # the question the posting shows; None: it shows `message`
    draft: Draft | None
    message: Message | None  # the message the posting shows
    to_answer: tuple[Message, ...]  # what the review is about
    unread: bool  # there is more of that, older and not in `to_answer`: nobody can have read it all here
    earlier: tuple[Message, ...]  # a few lines before that
    settled: Signed | None  # the decision that closed the review, or that sent `message`
    outgoing: Message | None  # what that decision sends
    delivery: Delivery | None
    released: Signed | None  # the last hand-back or resolve of a conversation nobody owns (any more)
    recategorised: Signed | None  # the last change of the review's category
    redrafted: Signed | None  # the last Redraft


def facts_of(tx: Tx, posting: Posting) -> Facts:
    conversation = known(tx, Conversation, posting.conversation_id)
    review = get(tx, Review, posting.review_id)
    message = get(tx, Message, posting.message_id)
    siblings = [other for other in postings.of_conversation(tx, conversation.id) if other.surface == posting.surface]
    place = [other.id for other in siblings].index(posting.id)
    later = siblings[place + 1 :]
    about = _signed(tx, review)
    settled = _settled(tx, about, review, message)
    outgoing = _outgoing(tx, settled, message)
    before = _before(review, message)
    to_answer, unread = _to_answer(tx, review, message)
    return Facts(
        posting=posting,
        newest=not later,
        moved=review is not None and any(other.review_id == review.id for other in later),
        threaded=any(other.place == posting.place for other in siblings[:place]),
        conversation=conversation,
        customer=known(tx, Customer, conversation.customer_id),
        owner=get(tx, Agent, conversation.owner_id),
        review=review,
        draft=reviews.draft_of(tx, review) if review else None,
        message=message,
        to_answer=to_answer,
        unread=unread,
        earlier=tuple(conversations.said_up_to(tx, conversation.id, until=before, most=EARLIER)),
        settled=settled,
        outgoing=outgoing,
        delivery=reviews.delivery_of(tx, outgoing.id) if outgoing else None,
        released=_released(tx, conversation),
        recategorised=_last(about, DecisionKind.RECATEGORISE),
        redrafted=_last(about, DecisionKind.REDRAFT),
    )


def _signed(tx: Tx, review: Review | None) -> list[Signed]:
    if review is None:
        return []
    return [_sign(dict(row._mapping)) for row in tx.run(_ABOUT, review_id=review.id)]


def _sign(values: dict[str, Any]) -> Signed:
    by = str(values.pop("by"))
    return Signed(decision=Decision(**values), by=by)


def _settled(tx: Tx, about: list[Signed], review: Review | None, message: Message | None) -> Signed | None:
    if review is not None:
        return next((signed for signed in about if signed.decision.id == review.decision_id), None)
    if message is None or message.decision_id is None:
        return None
    return _sign(dict(tx.run(_ONE, decision_id=message.decision_id)[0]._mapping))


def _released(tx: Tx, conversation: Conversation) -> Signed | None:
    if conversation.owner_id is not None:
        return None
    rows = tx.run(_RELEASED, conversation_id=conversation.id)
    return _sign(dict(rows[0]._mapping)) if rows else None


def _outgoing(tx: Tx, settled: Signed | None, message: Message | None) -> Message | None:
    if message is not None:
        return message if message.direction is Direction.OUTGOING else None
    return reviews.message_of(tx, settled.decision.id) if settled else None


def _before(review: Review | None, message: Message | None) -> int:
    """The sequence of the newest line before what the posting is about."""
    if review is not None:
        return review.since_sequence
    return message.sequence - 1 if message else 0


def _to_answer(tx: Tx, review: Review | None, message: Message | None) -> tuple[tuple[Message, ...], bool]:
    """The newest of it, oldest first, and whether there is more."""
    if review is None:
        return (message,) if message is not None and message.direction is Direction.INCOMING else (), False
    said = conversations.said_up_to(tx, review.conversation_id, until=review.sequence, most=ANSWERED_MOST + 1)
    lines = [line for line in said if line.sequence > review.since_sequence and line.direction is Direction.INCOMING]
    kept: list[Message] = []
    room = ANSWERED_CHARS
    for line in reversed(lines[-ANSWERED_MOST:]):
        if (room := room - len(line.text)) < 0 and kept:
            break
        kept.append(line)
    return tuple(reversed(kept)), len(kept) < len(lines)


def _last(about: list[Signed], kind: DecisionKind) -> Signed | None:
    return next((signed for signed in reversed(about) if signed.decision.kind is kind), None)
