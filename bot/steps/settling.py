"""What an agent decides about an open question, and what follows from it: each in the transaction of its press."""

from bot.core import verdicts
from bot.core.decisions import REPLY_CHARS, Verdict
from bot.core.texts import legible
from bot.core.verdicts import paused_words
from bot.steps.recording import Overtaken, Stand, answered, record, send, teach
from bot.steps.workshop import show_review, want_postings
from storage import agents, reviews
from storage.rows import known, put
from storage.tables import Conversation, Customer, DecisionKind, Draft, JobKind, Review, ReviewStatus


def clean(text: str) -> str:
    """What goes out is what can be read: nothing hidden in it, no space around it."""
    return legible(text).strip()


def wished(instruction: str) -> str:
    """Of an agent's words for a redraft, as many as the drafter reads; a mention may hold 40,000."""
    return clean(instruction)[:2000]


def approve(stand: Stand, review: Review, draft: Draft | None) -> Verdict:
    if draft is None:
        return verdicts.NO_DRAFT
    return _answer(stand, review, draft, DecisionKind.APPROVE, ReviewStatus.APPROVED, draft.text, None)


def edit(stand: Stand, review: Review, draft: Draft | None, text: str, reason: str | None) -> Verdict:
    words = clean(text)
    if not words:
        return verdicts.EMPTY
    if len(words) > REPLY_CHARS:
        return verdicts.too_long(REPLY_CHARS)
    return _answer(stand, review, draft, DecisionKind.EDIT, ReviewStatus.EDITED, words, reason)


def _answer(
    stand: Stand,
    review: Review,
    draft: Draft | None,
    kind: DecisionKind,
    status: ReviewStatus,
    text: str,
    reason: str | None,
) -> Verdict:
    decision = record(stand, kind, review=review, text=text, reason=reason)
    if not reviews.settle(stand.tx, review, status, decision_id=decision.id, decided_at=stand.now):
        raise Overtaken
    teach(stand, decision, review, draft)
    send(stand, decision)
    show_review(stand.tx, stand.shop, review.id)
    return verdicts.RECORDED


def dismiss(stand: Stand, review: Review, draft: Draft | None, reason: str) -> Verdict:
    decision = record(stand, DecisionKind.DISMISS, review=review, reason=reason)
    if not reviews.settle(stand.tx, review, ReviewStatus.DISMISSED, decision_id=decision.id, decided_at=stand.now):
        raise Overtaken
    teach(stand, decision, review, draft)
    answered(stand, review.sequence)
    stand.shop.jobs.cancel(stand.tx, JobKind.DRAFT, review.id)
    show_review(stand.tx, stand.shop, review.id)
    return verdicts.RECORDED


def redraft(stand: Stand, review: Review, draft: Draft | None, instruction: str) -> Verdict:
    """Not while drafting is paused: the draft there is stays."""
    pause = agents.pause_on(stand.tx, review.category, stand.now)
    if pause is not None:
        return verdicts.refused(paused_words(pause, agents.name_of(stand.tx, pause.agent_id)))
    decision = record(stand, DecisionKind.REDRAFT, review=review, reason=wished(instruction) or None)
    teach(stand, decision, review, draft)
    news = {
        "draft_id": None,
        "draft_missing": None,
        "draft_attempt": review.draft_attempt + 1,
        "instruction": decision.reason or "",
        "edited_text": None,
        "draft_after": stand.now,
    }
    if not reviews.amend(stand.tx, review, **news):
        raise Overtaken
    stand.shop.jobs.cancel(stand.tx, JobKind.DRAFT, review.id)
    stand.shop.jobs.promise(stand.tx, JobKind.DRAFT, review.id, at=stand.now)
    show_review(stand.tx, stand.shop, review.id)
    return verdicts.RECORDED


def recategorise(stand: Stand, review: Review, draft: Draft | None, category: str) -> Verdict:
    policy = stand.shop.policy
    if category not in policy.category_names:
        return verdicts.unknown_category(category)
    if category == review.category:
        return verdicts.SAME_CATEGORY
    decision = record(stand, DecisionKind.RECATEGORISE, review=review, reason=category)
    teach(stand, decision, review, draft)
    if not reviews.amend(stand.tx, review, category=category):
        raise Overtaken
    put(stand.tx, Conversation, stand.conversation.id, {"category": category})
    customer = known(stand.tx, Customer, stand.conversation.customer_id)
    moved = [
        surface
        for surface in stand.shop.surfaces
        if policy.place(surface, category, customer.tier) != policy.place(surface, review.category, customer.tier)
    ]
    if moved:
        want_postings(
            stand.tx,
            stand.shop,
            stand.conversation,
            customer,
            category=category,
            review_id=review.id,
            surfaces=moved,
        )
    show_review(stand.tx, stand.shop, review.id)
    return verdicts.RECORDED
