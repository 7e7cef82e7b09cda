"""Press -> decision, and everything that follows from it, in one transaction."""

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Final, assert_never

from bot.core import verdicts
from bot.core.decisions import (
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
from bot.core.texts import one_line
from bot.steps import owning, settling, undoing
from bot.steps.recording import Overtaken, Stand, record
from bot.steps.workshop import Workshop
from storage import agents, postings, reviews
from storage.database import Tx
from storage.failpoints import Point, reached
from storage.joins.presses import met
from storage.rows import get, known, lock
from storage.tables import (
    Agent,
    Conversation,
    Decision,
    DecisionKind,
    Draft,
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
        who, event = press.who, f"{press.who.surface}:{press.event}" if press.event else None
        meeting = partial(
            met, surface=who.surface, external_id=who.external_id, review_id=press.on.review_id, event=event
        )
        tx.ahead(lock, Conversation, press.on.conversation_id)  # the first: what is read is read once it is held
        tx.ahead(meeting)
        if press.on.review_id is not None:
            tx.ahead(postings.of_review, press.on.review_id)  # the cards to be redrawn
        conversation = lock(tx, Conversation, press.on.conversation_id)
        now = self.shop.clock()  # once nobody else decides here: what waited for its turn is dated after it
        found = meeting(tx)
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
                return settling.approve(stand, review, draft)
            case Edit(text, reason):
                return settling.edit(stand, review, draft, text, reason.value if reason else None)
            case Redraft(instruction):
                return settling.redraft(stand, review, draft, instruction)
            case Recategorise(category):
                return settling.recategorise(stand, review, draft, category)
            case Dismiss(why, note):
                return settling.dismiss(
                    stand, review, draft, f"{why.value}: {one_line(note, 500)}" if note else why.value
                )
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
        wish = settling.wished(instruction)
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
    if same and (not isinstance(press.decision, Edit) or settling.clean(press.decision.text) == winner.text):
        return verdicts.REPEATED
    return verdicts.too_late(_name(stand.tx, winner.agent_id), winner.kind, winner.created_at, now)


def _name(tx: Tx, agent_id: str) -> str:
    return known(tx, Agent, agent_id).name
