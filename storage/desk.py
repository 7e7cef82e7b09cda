"""What waits and how the desk stands: the reads behind the queue and the status."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, select, text

from storage.database import Tx, table_of
from storage.tables import (
    SENT,
    UNSENT,
    Agent,
    Conversation,
    ConversationStatus,
    Customer,
    Delivery,
    DeliveryStatus,
    Direction,
    Message,
    Posting,
    Review,
    ReviewStatus,
)

_CONVERSATION: Final = table_of(Conversation)
_CUSTOMER: Final = table_of(Customer)
_MESSAGE: Final = table_of(Message)
_POSTING: Final = table_of(Posting)
_REVIEW: Final = table_of(Review)
_AGENT: Final = table_of(Agent)
_DELIVERY: Final = table_of(Delivery)

_newest_words: Final = (
    select(_MESSAGE.c.text)
    .where(_MESSAGE.c.conversation_id == _CONVERSATION.c.id, _MESSAGE.c.direction == Direction.INCOMING)
    .order_by(_MESSAGE.c.sequence.desc())
    .limit(1)
    .scalar_subquery()
)
_newest_posting: Final = (
    select(_POSTING.c.id)
    # As an expression, or SQLite would go through every card of the surface for each conversation.
    .where(_POSTING.c.conversation_id == _CONVERSATION.c.id, func.lower(_POSTING.c.surface) == bindparam("surface"))
    .order_by(_POSTING.c.created_at.desc(), _POSTING.c.id.desc())
    .limit(1)
    .correlate(_CONVERSATION)
    .scalar_subquery()
)
_ROWS: Final = (
    select(
        _CONVERSATION.c.id,
        _CONVERSATION.c.category,
        _CONVERSATION.c.priority,
        _CONVERSATION.c.waiting_since,
        _CUSTOMER.c.name.label("customer"),
        _AGENT.c.name.label("owner"),
        _REVIEW.c.id.label("review_id"),
        _newest_words.label("preview"),
        _POSTING.c.id.label("posting_id"),
        _POSTING.c.place,
        _POSTING.c.ref,
    )
    .select_from(_CONVERSATION)
    .join(_CUSTOMER, _CUSTOMER.c.id == _CONVERSATION.c.customer_id)
    .outerjoin(_AGENT, _AGENT.c.id == _CONVERSATION.c.owner_id)
    .outerjoin(_REVIEW, (_REVIEW.c.conversation_id == _CONVERSATION.c.id) & (_REVIEW.c.status == ReviewStatus.PENDING))
    .outerjoin(_POSTING, _POSTING.c.id == _newest_posting)
    .order_by(_CONVERSATION.c.waiting_since, _CONVERSATION.c.id)
    .limit(bindparam("most"))
)
_open: Final = _CONVERSATION.c.status == ConversationStatus.OPEN
_unowned: Final = and_(_open, _CONVERSATION.c.owner_id.is_(None), _CONVERSATION.c.waiting_since.is_not(None))
_WAITING: Final = _ROWS.where(_unowned)
_MINE: Final = _ROWS.where(_open, _CONVERSATION.c.owner_id == bindparam("agent_id"))
_COUNTS: Final = select(
    select(func.count()).where(_unowned).scalar_subquery().label("waiting"),
    select(func.min(_CONVERSATION.c.waiting_since)).where(_unowned).scalar_subquery().label("oldest"),
    select(func.count()).where(_CONVERSATION.c.owner_id.is_not(None)).scalar_subquery().label("owned"),
)
_failed: Final = select(func.count()).where(text(UNSENT), _DELIVERY.c.status == DeliveryStatus.FAILED)
_sent: Final = select(func.count()).where(text(SENT), _DELIVERY.c.updated_at >= bindparam("since"))
_DELIVERIES: Final = select(
    _failed.select_from(_DELIVERY).scalar_subquery().label("failed"),
    _sent.select_from(_DELIVERY).scalar_subquery().label("sent"),
)


def waiting(tx: Tx, surface: str, *, most: int) -> list[Any]:
    """Conversations nobody owns and somebody waits in: who waits longest first."""
    return list(tx.run(_WAITING, surface=surface, most=most))


def owned(tx: Tx, surface: str, agent_id: str, *, most: int) -> list[Any]:
    return list(tx.run(_MINE, surface=surface, agent_id=agent_id, most=most))


def counts(tx: Tx) -> tuple[int, datetime | None, int]:
    """How many `waiting` would list, the oldest of them since when, and how many are taken over."""
    (row,) = tx.run(_COUNTS)
    return row[0], row[1], row[2]


def deliveries(tx: Tx, *, since: datetime) -> tuple[int, int]:
    """How many stand failed, and how many went out since then."""
    (row,) = tx.run(_DELIVERIES, since=since)
    return row[0], row[1]
