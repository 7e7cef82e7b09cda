"""Conversations that people handle: taking over, replying, handing back, resolving. The bot stays silent meanwhile."""

from bot.core import verdicts
from bot.core.decisions import REPLY_CHARS, Shown, Verdict
from bot.core.texts import legible
from bot.steps.recording import Overtaken, Stand, record, send, teach
from bot.steps.undoing import ask_again
from bot.steps.workshop import show_conversation, show_review, want_postings
from storage import agents, conversations, postings, reviews
from storage.rows import known, put
from storage.tables import (
    Conversation,
    ConversationStatus,
    Customer,
    DecisionKind,
    Direction,
    JobKind,
    ReviewStatus,
    Role,
)


def take(stand: Stand) -> Verdict:
    """A conversation nobody owns; its open question, if there is one, closes."""
    tx, shop, conversation = stand.tx, stand.shop, stand.conversation
    review = reviews.pending(tx, conversation.id)
    decision = record(stand, DecisionKind.TAKE_OVER, review=review)
    if review is not None:
        teach(stand, decision, review, reviews.draft_of(tx, review))
        if not reviews.settle(tx, review, ReviewStatus.TAKEN_OVER, decision_id=decision.id, decided_at=stand.now):
            raise Overtaken
        shop.jobs.cancel(tx, JobKind.DRAFT, review.id)
        if not postings.of_review(tx, review.id):  # taken from an older card, before this question had one
            customer = known(tx, Customer, conversation.customer_id)
            want_postings(tx, shop, conversation, customer, category=review.category, review_id=review.id)
        show_review(tx, shop, review.id)
    put(tx, Conversation, conversation.id, {"owner_id": stand.agent.id})
    show_conversation(tx, shop, conversation.id)
    return verdicts.RECORDED


def take_from_owner(stand: Stand) -> Verdict:
    """Only a supervisor takes a conversation out of somebody's hands."""
    owner = stand.conversation.owner_id
    if owner == stand.agent.id:
        return verdicts.REPEATED
    if stand.agent.role is Role.AGENT:
        return verdicts.not_owner(agents.name_of(stand.tx, owner or ""))
    record(stand, DecisionKind.TAKE_OVER)
    put(stand.tx, Conversation, stand.conversation.id, {"owner_id": stand.agent.id})
    show_conversation(stand.tx, stand.shop, stand.conversation.id)
    return verdicts.RECORDED


def reply(stand: Stand, text: str) -> Verdict:
    """The owner's words, bound to what they had read: refused if the customer has written since."""
    clean = legible(text).strip()
    refusal = _not_mine(stand, supervisors_too=False)
    if refusal is not None:
        return refusal
    if not clean:
        return verdicts.EMPTY
    if len(clean) > REPLY_CHARS:
        return verdicts.too_long(REPLY_CHARS)
    if _wrote_since(stand):
        return verdicts.customer_wrote(
            Shown(conversation_id=stand.conversation.id, sequence=stand.conversation.sequence)
        )
    decision = record(stand, DecisionKind.REPLY, text=clean)
    message = send(stand, decision)
    conversation = known(stand.tx, Conversation, stand.conversation.id)
    customer = known(stand.tx, Customer, conversation.customer_id)
    want_postings(stand.tx, stand.shop, conversation, customer, category=conversation.category, message_id=message.id)
    return verdicts.RECORDED


def hand_back(stand: Stand) -> Verdict:
    """The bot drafts again, at once if somebody waits."""
    refusal = _not_mine(stand, supervisors_too=True)
    if refusal is not None:
        return refusal
    record(stand, DecisionKind.HAND_BACK)
    put(stand.tx, Conversation, stand.conversation.id, {"owner_id": None})
    show_conversation(stand.tx, stand.shop, stand.conversation.id)
    if stand.conversation.waiting_since is not None:
        ask_again(stand, since=stand.conversation.answered_sequence, instruction=None)
    return verdicts.RECORDED


def resolve(stand: Stand) -> Verdict:
    """Done, until the customer writes again."""
    refusal = _not_mine(stand, supervisors_too=True)
    if refusal is not None:
        return refusal
    record(stand, DecisionKind.RESOLVE)
    news = {
        "owner_id": None,
        "status": ConversationStatus.RESOLVED,
        "waiting_since": None,
        "answered_sequence": stand.conversation.sequence,
    }
    put(stand.tx, Conversation, stand.conversation.id, news)
    show_conversation(stand.tx, stand.shop, stand.conversation.id)
    return verdicts.RECORDED


def _not_mine(stand: Stand, *, supervisors_too: bool) -> Verdict | None:
    owner = stand.conversation.owner_id
    if owner is None:
        return verdicts.NOBODY_OWNS
    if owner == stand.agent.id or (supervisors_too and stand.agent.role is not Role.AGENT):
        return None
    return verdicts.not_owner(agents.name_of(stand.tx, owner))


def _wrote_since(stand: Stand) -> bool:
    lines = conversations.said_since(stand.tx, stand.conversation.id, after=stand.press.on.sequence)
    return any(line.direction is Direction.INCOMING and not line.automatic for line in lines)
