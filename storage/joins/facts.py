"""Everything a card is drawn from, read in one go."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from storage import conversations, postings
from storage.database import Tx, table_of
from storage.joins.joined import Joined
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
    PostingStatus,
    Review,
    ReviewStatus,
)

EARLIER: Final = 4  # messages shown before the ones to be answered
# Of what is to be answered, the newest are read: whoever never stops writing must not make every card slower.
ANSWERED_MOST: Final = 100
ANSWERED_CHARS: Final = 250_000  # more than any surface can show
_DECISION: Final = table_of(Decision)
_AGENT: Final = table_of(Agent)
_POSTING: Final = table_of(Posting)
_CONVERSATION: Final = table_of(Conversation)
_CUSTOMER: Final = table_of(Customer)
_REVIEW: Final = table_of(Review)
_DRAFT: Final = table_of(Draft)
_MESSAGE: Final = table_of(Message)
_DELIVERY: Final = table_of(Delivery)

_ROWS: Final = Joined(Posting, Conversation, Customer, Review, Draft, Message, Agent)
_BEHIND: Final = (
    select(*_ROWS.columns)
    .select_from(_POSTING)
    .join(_CONVERSATION, _CONVERSATION.c.id == _POSTING.c.conversation_id)
    .join(_CUSTOMER, _CUSTOMER.c.id == _CONVERSATION.c.customer_id)
    .outerjoin(_REVIEW, _REVIEW.c.id == _POSTING.c.review_id)
    .outerjoin(_DRAFT, _DRAFT.c.id == _REVIEW.c.draft_id)
    .outerjoin(_MESSAGE, _MESSAGE.c.id == _POSTING.c.message_id)
    .outerjoin(_AGENT, _AGENT.c.id == _CONVERSATION.c.owner_id)
    .where(_POSTING.c.id == bindparam("posting_id"))
)
_SENT: Final = Joined(Message, Delivery)
_OUTGOING: Final = (
    select(*_SENT.columns)
    .select_from(_MESSAGE)
    .outerjoin(_DELIVERY, _DELIVERY.c.message_id == _MESSAGE.c.id)
    .where(_MESSAGE.c.decision_id == bindparam("decision_id"))
)
_SIGNATURE: Final = Joined(Decision)
_SIGNED: Final = select(*_SIGNATURE.columns, _AGENT.c.name.label("signed_by")).join(
    _AGENT, _AGENT.c.id == _DECISION.c.agent_id
)
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
    root: str | None  # the ref of the card that did; None: none hangs there yet
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


# Questions whose cards say nothing of who released the conversation.
_UNRELEASED: Final = (
    ReviewStatus.PENDING,
    ReviewStatus.DISMISSED,
    ReviewStatus.SUPERSEDED,
    ReviewStatus.EXPIRED,
)


def facts_behind(tx: Tx, posting_id: str) -> Facts | None:
    """None: there is no such posting."""
    rows = tx.run(_BEHIND, posting_id=posting_id)
    if not rows:
        return None
    row = rows[0]
    posting, conversation = _ROWS.known(Posting, row), _ROWS.known(Conversation, row)
    review, message = _ROWS.get(Review, row), _ROWS.get(Message, row)
    _ask_ahead(tx, conversation, review, message)
    siblings = [other for other in postings.of_conversation(tx, conversation.id) if other.surface == posting.surface]
    place = [other.id for other in siblings].index(posting.id)
    later = siblings[place + 1 :]
    about = _signed(tx, review)
    settled = _settled(tx, about, review, message)
    outgoing, delivery = _outgoing(tx, settled.decision.id if settled else None)
    before = _before(review, message)
    to_answer, unread = _to_answer(tx, review, message)
    return Facts(
        posting=posting,
        newest=not later,
        moved=review is not None and any(other.review_id == review.id for other in later),
        threaded=any(other.place == posting.place for other in siblings[:place]),
        root=_root(siblings, posting),
        conversation=conversation,
        customer=_ROWS.known(Customer, row),
        owner=_ROWS.get(Agent, row),
        review=review,
        draft=_ROWS.get(Draft, row),
        message=message,
        to_answer=to_answer,
        unread=unread,
        earlier=tuple(conversations.said_up_to(tx, conversation.id, until=before, most=EARLIER)) if before else (),
        settled=settled,
        outgoing=outgoing,
        delivery=delivery,
        released=_released(tx, conversation, review),
        recategorised=_last(about, DecisionKind.RECATEGORISE),
        redrafted=_last(about, DecisionKind.REDRAFT),
    )


def _ask_ahead(tx: Tx, conversation: Conversation, review: Review | None, message: Message | None) -> None:
    """All that follows from the first statement travels together."""
    tx.ahead(postings.of_conversation, conversation.id)
    tx.ahead(_signed, review)
    tx.ahead(_settled, [], None, message if review is None else None)
    tx.ahead(_outgoing, review.decision_id if review else message.decision_id if message else None)
    tx.ahead(_to_answer, review, message)
    tx.ahead(_released, conversation, review)
    if before := _before(review, message):
        tx.ahead(conversations.said_up_to, conversation.id, until=before, most=EARLIER)


def _root(siblings: list[Posting], posting: Posting) -> str | None:
    hanging = (o for o in siblings if o.place == posting.place and o.status is PostingStatus.POSTED)
    return next((other.ref for other in hanging), None)


def _signed(tx: Tx, review: Review | None) -> list[Signed]:
    return [] if review is None else [_sign(row) for row in tx.run(_ABOUT, review_id=review.id)]


def _sign(row: Row[*tuple[Any, ...]]) -> Signed:
    return Signed(decision=_SIGNATURE.known(Decision, row), by=str(row.signed_by))


def _settled(tx: Tx, about: list[Signed], review: Review | None, message: Message | None) -> Signed | None:
    if review is not None:
        return next((signed for signed in about if signed.decision.id == review.decision_id), None)
    if message is None or message.decision_id is None:
        return None
    return _sign(tx.run(_ONE, decision_id=message.decision_id)[0])


def _released(tx: Tx, conversation: Conversation, review: Review | None) -> Signed | None:
    if conversation.owner_id is not None or (review is not None and review.status in _UNRELEASED):
        return None
    rows = tx.run(_RELEASED, conversation_id=conversation.id)
    return _sign(rows[0]) if rows else None


def _outgoing(tx: Tx, decision_id: str | None) -> tuple[Message | None, Delivery | None]:
    """What a decision sends, if it sends anything, and how far it got."""
    rows = tx.run(_OUTGOING, decision_id=decision_id) if decision_id else ()
    return (_SENT.get(Message, rows[0]), _SENT.get(Delivery, rows[0])) if rows else (None, None)


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
