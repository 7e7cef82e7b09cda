"""Reviews, their drafts, and what decisions about them taught."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from storage.database import Tx, table_of
from storage.rows import change, get
from storage.tables import (
    Decision,
    DecisionKind,
    Delivery,
    DeliveryStatus,
    Draft,
    EditKind,
    Feedback,
    Message,
    Review,
    ReviewStatus,
)

_REVIEW: Final = table_of(Review)
_FEEDBACK: Final = table_of(Feedback)
_MESSAGE: Final = table_of(Message)
_DELIVERY: Final = table_of(Delivery)

_PENDING: Final = select(_REVIEW).where(
    _REVIEW.c.conversation_id == bindparam("conversation_id"), _REVIEW.c.status == ReviewStatus.PENDING
)
_DRAFT: Final = table_of(Draft)
_LAST_DRAFT: Final = (
    select(_DRAFT)
    .where(_DRAFT.c.review_id == bindparam("review_id"))
    .order_by(_DRAFT.c.created_at.desc(), _DRAFT.c.id.desc())
    .limit(1)
)
_UNDONE: Final = (
    update(_FEEDBACK)
    .where(_FEEDBACK.c.decision_id == bindparam("of_decision"))
    .values(undone=True)
    .returning(_FEEDBACK.c.id)
)
_EVIDENCE: Final = (
    select(_FEEDBACK.c.edit_kind)
    .where(
        _FEEDBACK.c.category == bindparam("category"),
        _FEEDBACK.c.action.in_((DecisionKind.APPROVE, DecisionKind.EDIT)),
        _FEEDBACK.c.undone.is_(False),
        _FEEDBACK.c.draft_id.is_not(None),
    )
    .order_by(_FEEDBACK.c.created_at.desc())
    .limit(100)
)
_DELIVERY_OF: Final = select(_DELIVERY).where(_DELIVERY.c.message_id == bindparam("message_id"))
_UNSENT: Final = (
    select(_DELIVERY)
    .where(
        _DELIVERY.c.conversation_id == bindparam("conversation_id"),
        _DELIVERY.c.status.in_((DeliveryStatus.HELD, DeliveryStatus.SENDING)),
        _DELIVERY.c.release_at <= bindparam("until", type_=_DELIVERY.c.release_at.type),
    )
    .order_by(_DELIVERY.c.id)
)
_DECISION: Final = table_of(Decision)
_REPLIED_AFTER: Final = (
    select(_MESSAGE.c.id)
    .join(_DELIVERY, _DELIVERY.c.message_id == _MESSAGE.c.id)
    .join(_DECISION, _DECISION.c.id == _MESSAGE.c.decision_id)
    .where(
        _MESSAGE.c.conversation_id == bindparam("conversation_id"),
        _MESSAGE.c.sequence > bindparam("sequence"),
        _DECISION.c.kind == DecisionKind.REPLY,
        _DELIVERY.c.status != DeliveryStatus.CANCELLED,
    )
    .limit(1)
)
_ANSWERED_BEFORE: Final = (
    select(func.max(_MESSAGE.c.sequence))
    .join(_DELIVERY, _DELIVERY.c.message_id == _MESSAGE.c.id)
    .where(
        _MESSAGE.c.conversation_id == bindparam("conversation_id"),
        _MESSAGE.c.sequence < bindparam("sequence"),
        _DELIVERY.c.status != DeliveryStatus.CANCELLED,
    )
)
_DISMISSED_BEFORE: Final = select(func.max(_REVIEW.c.sequence)).where(
    _REVIEW.c.conversation_id == bindparam("conversation_id"),
    _REVIEW.c.sequence < bindparam("sequence"),
    _REVIEW.c.status == ReviewStatus.DISMISSED,
)
_RESOLVED_BEFORE: Final = (
    select(func.max(_MESSAGE.c.sequence))
    .join(_DECISION, _DECISION.c.conversation_id == _MESSAGE.c.conversation_id)
    .where(
        _MESSAGE.c.conversation_id == bindparam("conversation_id"),
        _MESSAGE.c.sequence < bindparam("sequence"),
        _DECISION.c.kind == DecisionKind.RESOLVE,
        _DECISION.c.created_at < bindparam("before", type_=_DECISION.c.created_at.type),
        _MESSAGE.c.created_at <= _DECISION.c.created_at,
    )
)


def pending(tx: Tx, conversation_id: str) -> Review | None:
    """The conversation's open question; a constraint allows one."""
    return tx.first(Review, _PENDING, conversation_id=conversation_id)


def settle(tx: Tx, review: Review, status: ReviewStatus, **values: Any) -> bool:
    """Close an open question. False if somebody else got there first.

    Compare-and-set in one statement, also on what was shown: its sequence and its draft.
    """
    expect = {"status": ReviewStatus.PENDING, "sequence": review.sequence, "draft_id": review.draft_id}
    return change(tx, Review, review.id, {"status": status, **values}, expect=expect)


def amend(tx: Tx, review: Review, **values: Any) -> bool:
    """Change an open question that nobody settled or redrafted since it was read."""
    expect = {"status": ReviewStatus.PENDING, "draft_attempt": review.draft_attempt, "sequence": review.sequence}
    return change(tx, Review, review.id, values, expect=expect)


def draft_of(tx: Tx, review: Review) -> Draft | None:
    return get(tx, Draft, review.draft_id)


def last_draft(tx: Tx, review_id: str) -> Draft | None:
    """The newest draft a review had, also one that a redraft set aside."""
    return tx.first(Draft, _LAST_DRAFT, review_id=review_id)


def mark_undone(tx: Tx, decision_id: str) -> None:
    tx.run(_UNDONE, of_decision=decision_id)


def evidence(tx: Tx, category: str) -> dict[str, int]:
    """How the newest 100 drafts of a category that went out had fared: `{"unchanged": 31, "of": 34}`."""
    kinds = [row[0] for row in tx.run(_EVIDENCE, category=category)]
    return {"unchanged": sum(kind is EditKind.UNCHANGED for kind in kinds), "of": len(kinds)}


def delivery_of(tx: Tx, message_id: str) -> Delivery | None:
    return tx.first(Delivery, _DELIVERY_OF, message_id=message_id)


def unsent_until(tx: Tx, conversation_id: str, until: datetime) -> list[Delivery]:
    """The conversation's deliveries whose hold ends by then, held or on their way, in the order they were written."""
    return tx.all(Delivery, _UNSENT, conversation_id=conversation_id, until=until)


def replied_after(tx: Tx, message: Message) -> bool:
    """Whether an owner said more after it that was not taken back."""
    return bool(tx.run(_REPLIED_AFTER, conversation_id=message.conversation_id, sequence=message.sequence))


def dealt_with_before(tx: Tx, message: Message) -> int:
    """The sequence up to which replies that were not taken back, dismissals and resolving had settled what was said."""
    about = {"conversation_id": message.conversation_id, "sequence": message.sequence}
    found = [
        *tx.run(_ANSWERED_BEFORE, **about),
        *tx.run(_DISMISSED_BEFORE, **about),
        *tx.run(_RESOLVED_BEFORE, **about, before=message.created_at),
    ]
    return max(row[0] or 0 for row in found)
