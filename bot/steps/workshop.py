"""What every step works with, and the few writes that several of them share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.policy import Policy
from storage import ids, postings
from storage.database import Database, Tx
from storage.jobs import Jobs
from storage.rows import known
from storage.tables import (
    Conversation,
    Customer,
    Decision,
    JobKind,
    Message,
    Posting,
    PostingStatus,
    Priority,
    Review,
    ReviewStatus,
)

Clock = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Built once in bot.app and handed to every step."""

    db: Database
    jobs: Jobs
    policy: Policy
    clock: Clock
    surfaces: tuple[str, ...]  # names of the surfaces cards go to


def cards_lane(surface: str, conversation_id: str) -> str:
    """A surface's cards of one conversation are drawn one at a time, in order. It waits for no other surface."""
    return f"cards/{surface}/{conversation_id}"


def channel_lane(conversation_id: str) -> str:
    """Words to one customer go out one at a time, in order."""
    return f"out/{conversation_id}"


def open_review(
    tx: Tx,
    shop: Workshop,
    conversation: Conversation,
    *,
    category: str,
    priority: Priority,
    reasons: list[dict[str, str]],
    since: int,
    first_at: datetime,
    draft_after: datetime,
    notice: str | None = None,
) -> Review:
    """Ask agents about everything said beyond `since`; its row must be current. Nothing is drafted yet."""
    review = Review(
        id=ids.new("rev"),
        conversation_id=conversation.id,
        status=ReviewStatus.PENDING,
        sequence=conversation.sequence,
        since_sequence=since,
        category=category,
        priority=priority,
        reasons=reasons,
        draft_id=None,
        draft_missing=None,
        draft_attempt=0,
        instruction=None,
        notice=notice,
        edited_text=None,
        draft_after=draft_after,
        first_at=first_at,
        shown_at=None,
        decided_at=None,
        decision_id=None,
        created_at=shop.clock(),
    )
    tx.add(review)
    return review


def want_postings(
    tx: Tx,
    shop: Workshop,
    conversation: Conversation,
    customer: Customer,
    *,
    category: str,
    review_id: str | None = None,
    message_id: str | None = None,
    surfaces: Sequence[str] | None = None,
) -> None:
    """Put up a card on these surfaces (None: on every one), and redraw the ones it makes old."""
    older = postings.of_conversation(tx, conversation.id)
    for surface in shop.surfaces if surfaces is None else surfaces:
        posting = Posting(
            id=ids.new("pst"),
            surface=surface,
            place=shop.policy.place(surface, category, customer.tier),
            conversation_id=conversation.id,
            review_id=review_id,
            message_id=message_id,
            status=PostingStatus.WANTED,
            ref=None,
            shown=None,
            created_at=shop.clock(),
        )
        tx.add(posting)
        promise_show(tx, shop, posting)
        before = [other for other in older if other.surface == surface]
        if before:
            promise_show(tx, shop, before[-1])


def promise_show(tx: Tx, shop: Workshop, posting: Posting) -> None:
    lane = cards_lane(posting.surface, posting.conversation_id)
    shop.jobs.promise(tx, JobKind.SHOW, posting.id, at=shop.clock(), lane=lane)


def show_review(tx: Tx, shop: Workshop, review_id: str) -> None:
    """Redraw every card of a review."""
    for posting in postings.of_review(tx, review_id):
        promise_show(tx, shop, posting)


def ask_for_cards(tx: Tx, message: Message) -> None:
    """Ask ahead for what `show_message` will look at."""
    tx.ahead(known, Decision, message.decision_id)
    tx.ahead(postings.of_conversation, message.conversation_id)


def show_message(tx: Tx, shop: Workshop, message: Message) -> None:
    """Redraw the cards that show these outgoing words: those of the review they answered, and their own."""
    review_id = known(tx, Decision, message.decision_id).review_id
    for posting in postings.of_conversation(tx, message.conversation_id):
        if posting.message_id == message.id or (review_id is not None and posting.review_id == review_id):
            promise_show(tx, shop, posting)


def show_conversation(tx: Tx, shop: Workshop, conversation_id: str) -> None:
    """Redraw the newest card of a conversation on every surface."""
    last = {posting.surface: posting for posting in postings.of_conversation(tx, conversation_id)}
    for posting in last.values():
        promise_show(tx, shop, posting)
