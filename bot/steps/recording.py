"""What every decision writes: its own row, its feedback, and the outgoing words with the promise to deliver them."""

from dataclasses import dataclass
from datetime import datetime

from bot.core.decisions import Press
from bot.core.edits import compare
from bot.core.texts import one_line
from bot.steps.workshop import Workshop, channel_lane
from storage import ids
from storage.database import Tx
from storage.rows import put
from storage.tables import (
    Agent,
    Conversation,
    Decision,
    DecisionKind,
    Delivery,
    DeliveryStatus,
    Direction,
    Draft,
    Feedback,
    JobKind,
    Message,
    Review,
)


class Overtaken(Exception):
    """Somebody settled the question between our look and our statement: the whole press is taken back and repeated."""


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A press, with everything it meets in the database. The conversation is held until the transaction ends."""

    tx: Tx
    shop: Workshop
    press: Press
    agent: Agent
    review: Review | None  # the question the press names; it may be another conversation's
    draft: Draft | None  # that question's current draft
    conversation: Conversation
    now: datetime


def record(
    stand: Stand,
    kind: DecisionKind,
    *,
    review: Review | None = None,
    text: str | None = None,
    reason: str | None = None,
) -> Decision:
    decision = Decision(
        id=ids.new("dec"),
        kind=kind,
        agent_id=stand.agent.id,
        surface=stand.press.who.surface,
        conversation_id=stand.conversation.id,
        review_id=review.id if review else None,
        draft_id=review.draft_id if review else None,
        text=text,
        reason=reason,
        created_at=stand.now,
    )
    stand.tx.add(decision)
    return decision


def teach(stand: Stand, decision: Decision, review: Review, draft: Draft | None) -> None:
    """Note what the decision says about the draft."""
    sent = decision.text
    difference = compare(draft.text if draft else None, sent) if sent is not None else None
    stand.tx.add(
        Feedback(
            id=ids.new("fbk"),
            decision_id=decision.id,
            review_id=review.id,
            agent_id=stand.agent.id,
            action=decision.kind,
            category=review.category,
            draft_id=draft.id if draft else None,
            draft_text=draft.text if draft else None,
            final_text=sent,
            edit_kind=difference.kind if difference else None,
            similarity=difference.similarity if difference and draft else None,
            reason=decision.reason,
            seconds=(stand.now - review.shown_at).total_seconds() if review.shown_at else None,
            undone=False,
            created_at=stand.now,
        )
    )


def send(stand: Stand, decision: Decision) -> Message:
    """The decision's text becomes an outgoing message: held, and then promised to its channel."""
    tx, shop, conversation = stand.tx, stand.shop, stand.conversation
    message = Message(
        id=ids.new("msg"),
        conversation_id=conversation.id,
        direction=Direction.OUTGOING,
        sequence=conversation.sequence + 1,
        external_id=None,
        text=decision.text or "",
        author=one_line(stand.agent.name, 80),
        attachments=[],
        automatic=False,
        decision_id=decision.id,
        created_at=stand.now,
    )
    tx.add(message)
    hold = shop.policy.desk.hold
    delivery = Delivery(
        id=ids.new("dlv"),
        message_id=message.id,
        conversation_id=conversation.id,
        status=DeliveryStatus.HELD if hold else DeliveryStatus.SENDING,
        release_at=stand.now + hold,
        attempts=0,
        error=None,
        updated_at=stand.now,
    )
    tx.add(delivery)
    if hold:
        shop.jobs.promise(tx, JobKind.RELEASE, delivery.id, at=delivery.release_at)
    else:
        shop.jobs.promise(tx, JobKind.RELAY, delivery.id, at=stand.now, lane=channel_lane(conversation.id))
    answered(stand, message.sequence)
    return message


def answered(stand: Stand, sequence: int) -> None:
    """Nobody waits any more for what was said up to here."""
    news = {
        "sequence": max(sequence, stand.conversation.sequence),
        "answered_sequence": sequence,
        "waiting_since": None,
    }
    put(stand.tx, Conversation, stand.conversation.id, news)
