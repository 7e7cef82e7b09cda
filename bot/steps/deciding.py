"""Press -> decision, and everything that follows from it, in one transaction."""

import logging
from dataclasses import dataclass, field
from typing import Final, assert_never

from bot.core import verdicts
from bot.core.decisions import (
    REPLY_CHARS,
    Answer,
    Approve,
    Dismiss,
    Edit,
    HandBack,
    Press,
    Recategorise,
    Redraft,
    Resolve,
    RetryDelivery,
    SendReply,
    Shown,
    TakeOver,
    Undo,
    Verdict,
)
from bot.core.texts import legible, one_line
from bot.core.verdicts import paused_words
from bot.steps import owning, undoing
from bot.steps.recording import Overtaken, Stand, answered, record, send, teach
from bot.steps.workshop import Workshop, show_review, want_postings
from storage import agents, reviews
from storage.database import Tx
from storage.failpoints import Point, reached
from storage.joins.presses import met
from storage.rows import change, get, known, lock
from storage.tables import (
    Agent,
    Conversation,
    Customer,
    Decision,
    DecisionKind,
    Draft,
    JobKind,
    Review,
    ReviewStatus,
    Seen,
)

log = logging.getLogger(__name__)

_ATTEMPTS: Final = 5
_KINDS: Final = {
    Approve: DecisionKind.APPROVE,
    Edit: DecisionKind.EDIT,
    TakeOver: DecisionKind.TAKE_OVER,
    Redraft: DecisionKind.REDRAFT,
    Recategorise: DecisionKind.RECATEGORISE,
    Dismiss: DecisionKind.DISMISS,
}


@dataclass
class Deciding:
    shop: Workshop
    under_way: int = field(default=0, init=False)  # presses that wait for their answer

    async def __call__(self, press: Press) -> Verdict:
        """Record the decision or say why not. When this returns, what it says is committed."""
        self.under_way += 1
        try:
            return await self._answer(press)
        finally:
            self.under_way -= 1

    async def _answer(self, press: Press) -> Verdict:
        for attempt in range(_ATTEMPTS):
            try:
                verdict = await self.shop.db.write(lambda tx: self._decide(tx, press))
                break
            except Overtaken:
                if attempt == _ATTEMPTS - 1:
                    raise
        if verdict.answer is Answer.RECORDED:
            reached(Point.DECIDED_FOR_GOOD)
        facts = {
            "decision": type(press.decision).__name__,
            "answer": str(verdict.answer),
            "conversation": press.on.conversation_id[:40],
            "review": (press.on.review_id or "")[:40],
            "presser": press.who.external_id[:40],
        }
        log.log(logging.WARNING if verdict.answer is Answer.NOT_ALLOWED else logging.INFO, "press", extra=facts)
        return verdict

    def _decide(self, tx: Tx, press: Press) -> Verdict:
        conversation = lock(tx, Conversation, press.on.conversation_id)
        now = self.shop.clock()  # once nobody else decides here: what waited for its turn is dated after it
        who, event = press.who, f"{press.who.surface}:{press.event}" if press.event else None
        found = met(tx, surface=who.surface, external_id=who.external_id, review_id=press.on.review_id, event=event)
        if found is None:
            return verdicts.NOT_ALLOWED
        if conversation is None:
            return verdicts.NOT_FOUND
        if found.seen:
            return verdicts.REPEATED
        stand = Stand(
            tx=tx,
            shop=self.shop,
            press=press,
            agent=found.agent,
            review=found.review,
            draft=found.draft,
            conversation=conversation,
            now=now,
        )
        verdict = self._meet(stand)
        if event and verdict.answer is Answer.RECORDED:  # a refused form may be sent again as it is
            tx.add(Seen(key=event, at=now))
        if verdict.answer is Answer.RECORDED:
            reached(Point.DECIDED)
        return verdict

    def _meet(self, stand: Stand) -> Verdict:
        press = stand.press
        match press.decision:
            case Undo():
                return undoing.undo(stand)
            case RetryDelivery():
                return undoing.retry(stand)
            case SendReply(text):
                return owning.reply(stand, text)
            case HandBack():
                return owning.hand_back(stand)
            case Resolve():
                return owning.resolve(stand)
            case TakeOver():
                return self._take_over(stand)
            case Redraft(instruction) if press.on.review_id is None:
                return self._first_draft(stand, instruction)
            case Approve() | Edit() | Redraft() | Recategorise() | Dismiss():
                return self._settle(stand)
            case _:
                assert_never(press.decision)

    def _settle(self, stand: Stand) -> Verdict:
        review, draft = stand.review, stand.draft
        if review is None or review.conversation_id != stand.conversation.id:
            return verdicts.NOT_FOUND
        refusal = self._refusal(stand, review, draft)
        if refusal is not None:
            return refusal
        match stand.press.decision:
            case Approve():
                return _approve(stand, review, draft)
            case Edit(text, reason):
                return _edit(stand, review, draft, text, reason.value if reason else None)
            case Redraft(instruction):
                return _redraft(stand, review, draft, instruction)
            case Recategorise(category):
                return _recategorise(stand, review, draft, category)
            case Dismiss(why, note):
                return _dismiss(stand, review, draft, f"{why.value}: {one_line(note, 500)}" if note else why.value)
            case _:
                raise TypeError(f"{stand.press.decision} settles no review")

    def _refusal(self, stand: Stand, review: Review, draft: Draft | None) -> Verdict | None:
        """Promise 2 and 3: who comes late, or saw something else, is told; None: go ahead."""
        on = stand.press.on
        if review.status is ReviewStatus.SUPERSEDED:
            return verdicts.customer_wrote(_open_question(stand))
        if review.status is not ReviewStatus.PENDING:
            return _too_late(stand, review, _open_question(stand))
        if review.sequence != on.sequence:
            return verdicts.customer_wrote(_open_question(stand))
        matters = isinstance(stand.press.decision, Approve | Edit)
        if matters and (draft.digest if draft else None) != on.draft_digest:
            return verdicts.draft_changed(_open_question(stand))
        return None

    def _take_over(self, stand: Stand) -> Verdict:
        """Of a question, or of a conversation that somebody else owns or nobody asks about."""
        review = stand.review
        if review is not None and review.conversation_id != stand.conversation.id:
            return verdicts.NOT_FOUND
        if stand.conversation.owner_id is not None:
            return owning.take_from_owner(stand)
        settled = review is not None and review.status not in (ReviewStatus.PENDING, ReviewStatus.SUPERSEDED)
        if review is not None and settled and stand.press.on.message_id is None:
            return _too_late(stand, review, _open_question(stand))
        return owning.take(stand)

    def _first_draft(self, stand: Stand, instruction: str) -> Verdict:
        """A draft for what the rules thought needs no answer."""
        if stand.conversation.owner_id is not None:
            return verdicts.not_owner(agents.name_of(stand.tx, stand.conversation.owner_id))
        if reviews.pending(stand.tx, stand.conversation.id) is not None:
            return verdicts.REPEATED
        wish = _wish(instruction)
        record(stand, DecisionKind.REDRAFT, reason=wish or None)
        undoing.ask_again(stand, since=stand.conversation.answered_sequence, instruction=wish)
        return verdicts.RECORDED


def _open_question(stand: Stand) -> Shown | None:
    """What a refused press should have been about."""
    review = reviews.pending(stand.tx, stand.conversation.id)
    if review is None:
        return None
    draft = reviews.draft_of(stand.tx, review)
    return Shown(
        conversation_id=stand.conversation.id,
        sequence=review.sequence,
        review_id=review.id,
        draft_digest=draft.digest if draft else None,
    )


def _too_late(stand: Stand, review: Review, now: Shown | None) -> Verdict:
    """Somebody was first; if it was this very press, there is nothing to say."""
    winner = get(stand.tx, Decision, review.decision_id)
    if winner is None:
        return verdicts.settled_otherwise(now)
    press = stand.press
    same = winner.agent_id == stand.agent.id and winner.kind is _KINDS.get(type(press.decision))
    if same and (not isinstance(press.decision, Edit) or _clean(press.decision.text) == winner.text):
        return verdicts.REPEATED
    return verdicts.too_late(_name(stand.tx, winner.agent_id), winner.kind, winner.created_at, now)


def _name(tx: Tx, agent_id: str) -> str:
    return known(tx, Agent, agent_id).name


def _clean(text: str) -> str:
    """What goes out is what can be read: nothing hidden in it, no space around it."""
    return legible(text).strip()


def _wish(instruction: str) -> str:
    """Of an agent's words for a redraft, as many as the drafter reads; a mention may hold 40,000."""
    return _clean(instruction)[:2000]


def _approve(stand: Stand, review: Review, draft: Draft | None) -> Verdict:
    if draft is None:
        return verdicts.NO_DRAFT
    return _answer(stand, review, draft, DecisionKind.APPROVE, ReviewStatus.APPROVED, draft.text, None)


def _edit(stand: Stand, review: Review, draft: Draft | None, text: str, reason: str | None) -> Verdict:
    clean = _clean(text)
    if not clean:
        return verdicts.EMPTY
    if len(clean) > REPLY_CHARS:
        return verdicts.too_long(REPLY_CHARS)
    return _answer(stand, review, draft, DecisionKind.EDIT, ReviewStatus.EDITED, clean, reason)


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


def _dismiss(stand: Stand, review: Review, draft: Draft | None, reason: str) -> Verdict:
    decision = record(stand, DecisionKind.DISMISS, review=review, reason=reason)
    if not reviews.settle(stand.tx, review, ReviewStatus.DISMISSED, decision_id=decision.id, decided_at=stand.now):
        raise Overtaken
    teach(stand, decision, review, draft)
    answered(stand, review.sequence)
    stand.shop.jobs.cancel(stand.tx, JobKind.DRAFT, review.id)
    show_review(stand.tx, stand.shop, review.id)
    return verdicts.RECORDED


def _redraft(stand: Stand, review: Review, draft: Draft | None, instruction: str) -> Verdict:
    """Not while drafting is paused: the draft there is stays."""
    pause = agents.pause_on(stand.tx, review.category, stand.now)
    if pause is not None:
        return verdicts.refused(paused_words(pause, agents.name_of(stand.tx, pause.agent_id)))
    decision = record(stand, DecisionKind.REDRAFT, review=review, reason=_wish(instruction) or None)
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


def _recategorise(stand: Stand, review: Review, draft: Draft | None, category: str) -> Verdict:
    policy = stand.shop.policy
    if category not in policy.category_names:
        return verdicts.unknown_category(category)
    if category == review.category:
        return verdicts.SAME_CATEGORY
    decision = record(stand, DecisionKind.RECATEGORISE, review=review, reason=category)
    teach(stand, decision, review, draft)
    if not reviews.amend(stand.tx, review, category=category):
        raise Overtaken
    change(stand.tx, Conversation, stand.conversation.id, {"category": category})
    customer = known(stand.tx, Customer, stand.conversation.customer_id)
    if policy.place(category, customer.tier) != policy.place(review.category, customer.tier):
        want_postings(stand.tx, stand.shop, stand.conversation, customer, category=category, review_id=review.id)
    show_review(stand.tx, stand.shop, review.id)
    return verdicts.RECORDED
