"""Review -> draft -> promise of a card. Whatever happens to the model, the card comes."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.drafts import Case, Drafted, Drafter, DraftUnavailable, Library, ModelTriage, Source, Turn
from bot.core.texts import digest, legible
from bot.core.triage import Because, Handling, Triage, category_by_rule, with_model
from bot.core.verdicts import paused_words
from bot.steps.budget import Budget
from bot.steps.workshop import Workshop, promise_show, want_postings
from storage import agents, conversations, ids, postings, reviews
from storage.database import Tx
from storage.failpoints import Point, reached
from storage.jobs import Claimed, Postpone
from storage.joins.questions import question
from storage.rows import lock, put
from storage.tables import Conversation, Customer, Direction, Draft, Message, Review, ReviewStatus

log = logging.getLogger(__name__)

TURNS = 20  # of the conversation, as far as a drafter sees
_FEW_WORDS = 8  # a question this short is searched for with what was said before it
_WITHOUT_MODEL = 3  # a job begun this often does without the model: a crash may have come from it


@dataclass(frozen=True, kw_only=True)
class _Before:
    """What drafting starts from, read in one go."""

    review: Review
    conversation: Conversation
    customer: Customer
    said: tuple[Message, ...]
    paused: str | None  # the pause that rests this category, in words
    previous: str | None  # the draft a redraft starts from


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What drafting came to: a draft, or the reason why there is none."""

    drafted: Drafted | None
    missing: str | None
    model: ModelTriage | None = None
    retrieved: tuple[Source, ...] = ()


@dataclass
class _Found:
    """What is known so far, kept also if the draft then fails."""

    model: ModelTriage | None = None
    retrieved: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Drafting:
    shop: Workshop
    drafter: Drafter
    library: Library
    budget: Budget
    count: Callable[[str], None]  # told "drafted" or the reason why not, for metrics

    async def __call__(self, job: Claimed) -> None:
        before = await self.shop.db.read(lambda tx: self._before(tx, job.subject))
        if before is None:
            return
        if self.shop.clock() < before.review.draft_after:
            raise Postpone(before.review.draft_after)
        reached(Point.ASKING)
        made = await self._make(before, attempt=job.attempt)
        reached(Point.DRAFTED)
        kept = await self.shop.db.write(lambda tx: self._keep(tx, before, made))
        reached(Point.DRAFT_KEPT)
        facts = {"review": before.review.id, "conversation": before.conversation.id, "written": made.missing is None}
        log.info("draft kept" if kept else "draft came too late", extra=facts)

    def _before(self, tx: Tx, review_id: str) -> _Before | None:
        """None: there is nothing (left) to draft."""
        found = question(tx, review_id)
        if found is None:
            return None
        review, conversation, customer = found
        if review.status is not ReviewStatus.PENDING:
            return None
        if review.draft_id is not None or review.draft_missing is not None:
            return None
        last = reviews.last_draft(tx, review.id) if review.instruction is not None else None
        return _Before(
            review=review,
            conversation=conversation,
            customer=customer,
            said=tuple(conversations.said_up_to(tx, conversation.id, until=review.sequence, most=TURNS)),
            paused=self._paused(tx, review.category),
            previous=last.text if last else None,
        )

    def _paused(self, tx: Tx, category: str) -> str | None:
        pause = agents.pause_on(tx, category, self.shop.clock())
        return paused_words(pause, agents.name_of(tx, pause.agent_id)) if pause else None

    async def _make(self, before: _Before, *, attempt: int) -> _Made:
        if before.paused is not None:
            return _Made(drafted=None, missing=before.paused)
        if not self.shop.policy.category(before.review.category).draft and not before.review.instruction:
            return _Made(drafted=None, missing="Replies in this category are written by people.")
        if attempt >= _WITHOUT_MODEL:
            return _Made(drafted=None, missing="Drafting failed repeatedly: please write this one.")
        spent = None
        if not self.drafter.offline:
            spent = await self.budget.spend(before.customer.id, now=self.shop.clock())
        if spent is not None:
            self.count("budget")
            return _Made(drafted=None, missing=spent)
        found = _Found()
        seconds = self.shop.policy.desk.draft_deadline_seconds
        try:
            async with asyncio.timeout(seconds):
                drafted = await self._ask(before, found)
        except TimeoutError:
            self.count("deadline")
            return _Made(drafted=None, missing=f"No draft within {seconds:g} seconds.", model=found.model)
        except DraftUnavailable as unavailable:
            self.count(unavailable.reason)
            return _Made(drafted=None, missing=str(unavailable), model=found.model)
        self.count("drafted")
        return _Made(drafted=drafted, missing=None, model=found.model, retrieved=found.retrieved)

    async def _ask(self, before: _Before, found: _Found) -> Drafted:
        """Triage and search side by side, then the draft. What triage found is kept even if the draft fails."""
        case = self._case(before, before.review.category)
        async with asyncio.TaskGroup() as group:
            judging = group.create_task(self.drafter.triage(case))
            searching = group.create_task(self.library.search(_query(case)))
        found.model = judging.result()
        found.retrieved = tuple(snippet.source for snippet in searching.result())
        judged = self._judged(before, found.model)
        if judged.handling is Handling.WRITE:
            raise DraftUnavailable("written_by_people", "Replies in this category are written by people.")
        if judged.category != before.review.category:
            paused = await self.shop.db.read(lambda tx: self._paused(tx, judged.category))
            if paused is not None:
                raise DraftUnavailable("paused", paused)
        return await self.drafter.draft(self._case(before, judged.category), searching.result())

    def _case(self, before: _Before, category: str) -> Case:
        channel = self.shop.policy.channels.get(before.conversation.channel)
        question = [
            message.text
            for message in before.said
            if message.direction is Direction.INCOMING and message.sequence > before.review.since_sequence
        ]
        return Case(
            conversation_id=before.conversation.id,
            customer_name=before.customer.name,
            channel_title=channel.title if channel else before.conversation.channel,
            tier=before.customer.tier,
            category=category,
            turns=tuple(
                Turn(
                    by_customer=message.direction is Direction.INCOMING,
                    author=message.author,
                    text=legible(message.text),
                )
                for message in before.said
            ),
            question=legible("\n\n".join(question)),
            instruction=before.review.instruction or None,
            previous_draft=before.previous,
        )

    def _judged(self, before: _Before, model: ModelTriage | None) -> Triage:
        """The rules' judgement as the review holds it, raised by what the model saw."""
        review = before.review
        rules = Triage(
            category=review.category,
            priority=review.priority,
            handling=Handling.DRAFT,
            reasons=tuple(Because(rule=reason["name"], quote=reason["quote"]) for reason in review.reasons),
        )
        words = "\n".join(message.text for message in before.said if message.sequence > review.since_sequence)
        settled = category_by_rule(words, self.shop.policy) is not None or review.instruction is not None
        judged = with_model(rules, model, self.shop.policy, categorised_by_rule=settled)
        if not self.shop.policy.category(judged.category).draft and review.instruction is None:
            return Triage(
                category=judged.category, priority=judged.priority, handling=Handling.WRITE, reasons=judged.reasons
            )
        return judged

    def _keep(self, tx: Tx, before: _Before, made: _Made) -> bool:
        """Put the draft on its review, unless the review moved on; and put its card up.

        The conversation first, as everybody does who changes a review of it: in another order two could wait for each
        other, until the database ends one of them after a second.
        """
        review, judged = before.review, self._judged(before, made.model)
        tx.ahead(lock, Conversation, before.conversation.id)  # the first: what is read is read once it is held
        tx.ahead(reviews.evidence, judged.category)
        tx.ahead(postings.of_review, review.id)
        tx.ahead(postings.of_conversation, before.conversation.id)
        lock(tx, Conversation, before.conversation.id)
        reasons = [{"name": because.rule, "quote": because.quote} for because in judged.reasons]
        draft = self._draft(tx, review, judged.category, made) if made.drafted else None
        news: dict[str, object] = {
            "category": judged.category,
            "priority": judged.priority,
            "reasons": reasons,
            "draft_id": draft.id if draft else None,
            "draft_missing": made.missing,
        }
        if not reviews.amend(tx, review, **news):
            return False
        if draft:
            tx.add(draft)
        conversation = before.conversation
        put(tx, Conversation, conversation.id, {"category": judged.category, "priority": judged.priority})
        hanging = postings.of_review(tx, review.id)
        if not hanging:
            want_postings(tx, self.shop, conversation, before.customer, category=judged.category, review_id=review.id)
        for posting in hanging:
            promise_show(tx, self.shop, posting)
        return True

    def _draft(self, tx: Tx, review: Review, category: str, made: _Made) -> Draft:
        drafted = made.drafted
        assert drafted is not None
        text = legible(drafted.text).strip()
        return Draft(
            id=ids.new("drf"),
            review_id=review.id,
            text=text,
            digest=digest(text),
            sources=[source.as_json() for source in drafted.sources],
            retrieved=[
                {"article_id": source.article_id, "slug": source.slug, "version": source.version}
                for source in made.retrieved
            ],
            evidence=reviews.evidence(tx, category),
            offline=drafted.offline,
            model=drafted.model,
            prompt_version=drafted.prompt_version,
            instruction=review.instruction,
            triage=made.model.as_json() if made.model else None,
            input_tokens=drafted.input_tokens,
            output_tokens=drafted.output_tokens,
            cache_read_tokens=drafted.cache_read_tokens,
            cache_write_tokens=drafted.cache_write_tokens,
            cost_usd=drafted.cost_usd,
            milliseconds=drafted.milliseconds,
            created_at=self.shop.clock(),
        )


def _query(case: Case) -> str:
    """What to search for: a few words ("and how do I send it back?") mean little without what was said before."""
    if len(case.question.split()) > _FEW_WORDS:
        return case.question
    before = [turn.text for turn in case.turns if turn.by_customer and turn.text not in case.question]
    return "\n".join([case.question, *before[-1:]])
