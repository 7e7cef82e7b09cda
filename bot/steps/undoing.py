"""Second thoughts: taking a held reply back, trying a failed one again, asking a question anew."""

from bot.core import verdicts
from bot.core.decisions import Verdict
from bot.core.texts import one_line
from bot.steps.recording import Stand, record
from bot.steps.workshop import (
    channel_lane,
    open_review,
    promise_show,
    show_conversation,
    show_message,
    show_review,
)
from storage import conversations, postings, reviews
from storage.rows import change, get, known, put
from storage.tables import (
    Conversation,
    ConversationStatus,
    Decision,
    DecisionKind,
    Delivery,
    DeliveryStatus,
    Draft,
    JobKind,
    Message,
    Posting,
    Review,
    ReviewStatus,
)


def undo(stand: Stand) -> Verdict:
    """Take back what is still held. The question is open again, as if nobody had pressed."""
    message, delivery = _outgoing(stand)
    if message is None or delivery is None:
        return verdicts.NOT_FOUND
    if delivery.status is DeliveryStatus.CANCELLED:
        return verdicts.REPEATED
    cancelled = {"status": DeliveryStatus.CANCELLED, "updated_at": stand.now}
    if not change(stand.tx, Delivery, delivery.id, cancelled, expect={"status": DeliveryStatus.HELD}):
        return verdicts.GONE_OUT
    stand.shop.jobs.cancel(stand.tx, JobKind.RELEASE, delivery.id)
    sent = known(stand.tx, Decision, message.decision_id)
    review = get(stand.tx, Review, sent.review_id)
    record(stand, DecisionKind.UNDO, review=review, reason=message.id)
    reviews.mark_undone(stand.tx, sent.id)
    if review is None:
        _unsay(stand, message)
    else:
        _revive(stand, review, message)
    return verdicts.RECORDED


def retry(stand: Stand) -> Verdict:
    """Try a failed delivery again, under the same key."""
    message, delivery = _outgoing(stand)
    if message is None or delivery is None:
        return verdicts.NOT_FOUND
    again = {"status": DeliveryStatus.SENDING, "attempts": 0, "error": None, "updated_at": stand.now}
    if not change(stand.tx, Delivery, delivery.id, again, expect={"status": DeliveryStatus.FAILED}):
        return verdicts.REPEATED if delivery.status is DeliveryStatus.SENDING else verdicts.NOTHING_FAILED
    decision = known(stand.tx, Decision, message.decision_id)
    record(stand, DecisionKind.RETRY, review=get(stand.tx, Review, decision.review_id), reason=message.id)
    lane = channel_lane(stand.conversation.id)
    stand.shop.jobs.cancel(stand.tx, JobKind.RELAY, delivery.id)  # given up before: a person has seen to it now
    stand.shop.jobs.promise(stand.tx, JobKind.RELAY, delivery.id, at=stand.now, lane=lane)
    show_message(stand.tx, stand.shop, message)
    return verdicts.RECORDED


def ask_again(stand: Stand, *, since: int, instruction: str | None) -> Review:
    """Open a question about everything said beyond `since`, and have it drafted now."""
    tx, shop, conversation = stand.tx, stand.shop, stand.conversation
    lines = conversations.said_between(tx, conversation.id, after=since, until=conversation.sequence)
    first_at = conversations.oldest_wait(lines) or stand.now
    review = open_review(
        tx,
        shop,
        conversation,
        category=conversation.category,
        priority=conversation.priority,
        reasons=[],
        since=since,
        first_at=first_at,
        draft_after=stand.now,
    )
    if instruction is not None:
        put(tx, Review, review.id, {"instruction": instruction})
    news = {"waiting_since": first_at, "status": ConversationStatus.OPEN, "answered_sequence": since}
    put(tx, Conversation, conversation.id, news)
    shop.jobs.promise(tx, JobKind.DRAFT, review.id, at=stand.now)
    return review


def _outgoing(stand: Stand) -> tuple[Message | None, Delivery | None]:
    message = get(stand.tx, Message, stand.press.on.message_id)
    if message is None or message.conversation_id != stand.conversation.id or message.decision_id is None:
        return None, None
    return message, reviews.delivery_of(stand.tx, message.id)


def _unsay(stand: Stand, message: Message) -> None:
    """An owner's reply taken back: whoever waited waits again, and where nobody owns it any more, agents are asked."""
    tx, conversation = stand.tx, stand.conversation
    show_message(tx, stand.shop, message)
    if reviews.replied_after(tx, message):
        return
    since = reviews.dealt_with_before(tx, message)
    lines = conversations.said_between(tx, conversation.id, after=since, until=conversation.sequence)
    waiting_since = conversations.oldest_wait(lines)
    if conversation.owner_id is not None or waiting_since is None:
        news = {"waiting_since": waiting_since, "answered_sequence": since}
        put(tx, Conversation, conversation.id, news)
        show_conversation(tx, stand.shop, conversation.id)
        return
    newer = _close_newer(stand)
    review = ask_again(stand, since=since, instruction=None)
    put(tx, Review, review.id, {"notice": _taken_back(stand)})
    _hang(stand, postings.of_review(tx, newer.id) if newer else [], review)
    show_conversation(tx, stand.shop, conversation.id)


def _close_newer(stand: Stand) -> Review | None:
    """The question opened since, if there is one: what was taken back is asked together with it."""
    newer = reviews.pending(stand.tx, stand.conversation.id)
    if newer is not None:
        closed = {"status": ReviewStatus.SUPERSEDED, "decided_at": stand.now}
        change(stand.tx, Review, newer.id, closed, expect={"status": ReviewStatus.PENDING})
        stand.shop.jobs.cancel(stand.tx, JobKind.DRAFT, newer.id)
    return newer


def _hang(stand: Stand, cards: list[Posting], review: Review) -> None:
    """These cards ask this question from now on."""
    for posting in cards:
        put(stand.tx, Posting, posting.id, {"review_id": review.id})
        promise_show(stand.tx, stand.shop, posting)


def _taken_back(stand: Stand) -> str:
    return f"{one_line(stand.agent.name, 60)} took the reply back before it was sent"


def _revive(stand: Stand, old: Review, message: Message) -> None:
    """The question of a reply that was taken back, asked again on the same card.

    If the customer wrote during the hold there is a newer question, or one whose own reply was taken back: the two
    become one, which is drafted anew.
    """
    tx, shop = stand.tx, stand.shop
    if stand.conversation.owner_id is not None:
        if not reviews.replied_after(tx, message):  # the owner has not answered it either
            waited = stand.conversation.waiting_since or old.first_at
            news = {
                "waiting_since": min(old.first_at, waited),
                "answered_sequence": min(old.since_sequence, stand.conversation.answered_sequence),
            }
            put(tx, Conversation, stand.conversation.id, news)
        show_review(tx, shop, old.id)
        show_conversation(tx, shop, stand.conversation.id)
        return
    newer = _close_newer(stand)
    since = min(old.since_sequence, newer.since_sequence) if newer else old.since_sequence
    first_at = min(old.first_at, newer.first_at) if newer else old.first_at
    review = open_review(
        tx,
        shop,
        stand.conversation,
        category=old.category,
        priority=old.priority,
        reasons=old.reasons,
        since=since,
        first_at=first_at,
        draft_after=stand.now,
        notice=_taken_back(stand),
    )
    put(tx, Conversation, stand.conversation.id, {"waiting_since": first_at, "answered_sequence": since})
    if newer is None:
        draft = get(tx, Draft, old.draft_id)
        edited = message.text if draft is None or draft.text != message.text else None
        change(
            tx, Review, review.id, {"draft_id": old.draft_id, "draft_missing": old.draft_missing, "edited_text": edited}
        )
    if newer is not None or (old.draft_id is None and old.draft_missing is None):  # or it was being drafted yet
        shop.jobs.promise(tx, JobKind.DRAFT, review.id, at=stand.now)
    hanging = postings.of_review(tx, newer.id) if newer else []
    _hang(stand, hanging or postings.of_review(tx, old.id), review)
    show_review(tx, shop, old.id)
