"""The one door from the surfaces into the bot: presses in, cards and queues out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.core import verdicts
from bot.core.cards import Action, Card, Queue, QueueRow, Status
from bot.core.decisions import PAUSE_MOST, Answer, PauseRequest, Press, Presser, Shown, Verdict
from bot.core.drawing import UNNAMED
from bot.core.texts import one_line
from bot.core.verdicts import paused_words
from bot.steps.deciding import Deciding
from bot.steps.posting import Showing
from bot.steps.roster import Roster
from bot.steps.workshop import Workshop
from storage import agents, desk, ids, postings, reviews
from storage.database import Tx
from storage.joins.facts import Facts, facts_behind
from storage.rows import get
from storage.tables import Agent, Conversation, Decision, DecisionKind, Pause, Role

log = logging.getLogger(__name__)

_ROWS: Final = 50


@dataclass(frozen=True)
class FrontDesk:
    """Implements bot.surfaces.base.Desk."""

    shop: Workshop
    deciding: Deciding
    showing: Showing
    roster: Roster
    drafter: str  # what drafts, in a word, for the status

    async def decide(self, press: Press) -> Verdict:
        verdict = await self.deciding(press)
        if verdict.answer is Answer.NOT_ALLOWED and await self.roster.read_for_stranger(press.who.surface):
            return await self.deciding(press)
        return verdict

    async def card(self, shown: Shown) -> Card | None:
        facts = await self.shop.db.read(lambda tx: _facts_shown(tx, shown))
        return None if facts is None else await self.showing.card(facts)

    async def card_at(self, surface: str, ref: str) -> Card | None:
        facts = await self.shop.db.read(lambda tx: _facts_at(tx, surface, ref))
        return None if facts is None else await self.showing.card(facts)

    async def may(self, who: Presser) -> Role | None:
        agent = await self._agent(who)
        return agent.role if agent else None

    async def hindrance(self, who: Presser, on: Shown, action: Action) -> Verdict | None:
        agent = await self._agent(who)
        if agent is None:
            return verdicts.NOT_ALLOWED
        if action is not Action.REPLY:
            return None
        return await self.shop.db.read(lambda tx: _not_their_own(tx, agent, on))

    async def _agent(self, who: Presser) -> Agent | None:
        agent = await self.shop.db.read(lambda tx: agents.agent_for(tx, who.surface, who.external_id))
        if agent is None and await self.roster.read_for_stranger(who.surface):
            agent = await self.shop.db.read(lambda tx: agents.agent_for(tx, who.surface, who.external_id))
        return agent

    async def queue(self, who: Presser) -> Queue:
        agent = await self._agent(who)
        if agent is None:
            return Queue(agent=None, mine=(), waiting=(), waiting_total=0)
        return await self.shop.db.read(lambda tx: self._queue(tx, who, agent))

    def _queue(self, tx: Tx, who: Presser, agent: Agent) -> Queue:
        return Queue(
            agent=agent.name,
            mine=self._rows(desk.owned(tx, who.surface, agent.id, most=_ROWS)),
            waiting=self._rows(desk.waiting(tx, who.surface, most=_ROWS)),
            waiting_total=desk.counts(tx)[0],
            notices=self._pauses(tx),
        )

    def _rows(self, rows: Sequence[Any]) -> tuple[QueueRow, ...]:
        return tuple(
            QueueRow(
                conversation_id=row.id,
                review_id=row.review_id,
                headline=f"{self.shop.policy.category_title(row.category)} · {one_line(row.customer or UNNAMED, 60)}",
                preview=one_line(row.preview or "", 140),
                waiting_since=row.waiting_since,
                priority=row.priority,
                owner=one_line(row.owner, 60) if row.owner else None,
                posting_key=row.posting_id,
                place=row.place,
                ref=row.ref,
            )
            for row in rows
        )

    def _pauses(self, tx: Tx) -> tuple[str, ...]:
        now = self.shop.clock()
        return tuple(paused_words(pause, agents.name_of(tx, pause.agent_id)) for pause in agents.pauses(tx, now))

    async def status(self) -> Status:
        return await self.shop.db.read(self._status)

    def _status(self, tx: Tx) -> Status:
        waiting, oldest, taken_over = desk.counts(tx)
        midnight = self.shop.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        failed, sent = desk.deliveries(tx, since=midnight)
        return Status(
            waiting=waiting,
            oldest_waiting_since=oldest,
            taken_over=taken_over,
            failed_deliveries=failed,
            drafter=self.drafter,
            pauses=self._pauses(tx),
            sent_today=sent,
        )

    async def pause(self, request: PauseRequest) -> Verdict:
        """Rest drafting for a time. Every pause is a decision of somebody's, and ends by itself."""
        agent = await self._agent(request.who)
        if agent is None:
            return verdicts.NOT_ALLOWED
        if request.category is not None and request.category not in self.shop.policy.category_names:
            return verdicts.unknown_category(request.category)
        if not request.length or request.length.total_seconds() < 0 or request.length > PAUSE_MOST:
            return verdicts.refused(f"A pause lasts between a second and {PAUSE_MOST.days} days.")
        return await self.shop.db.write(lambda tx: self._pause(tx, request, agent))

    def _pause(self, tx: Tx, request: PauseRequest, agent: Agent) -> Verdict:
        now = self.shop.clock()
        pause = Pause(
            id=ids.new("pau"),
            category=request.category,
            until=now + request.length,
            agent_id=agent.id,
            ended_at=None,
            created_at=now,
        )
        tx.add(pause)
        self._record(tx, DecisionKind.PAUSE, agent, request.who, request.category)
        return verdicts.done(paused_words(pause, agent.name))

    async def resume(self, who: Presser, category: str | None) -> Verdict:
        agent = await self._agent(who)
        if agent is None:
            return verdicts.NOT_ALLOWED
        return await self.shop.db.write(lambda tx: self._resume(tx, who, agent, category))

    def _resume(self, tx: Tx, who: Presser, agent: Agent, category: str | None) -> Verdict:
        ended = agents.end_pauses(tx, category, self.shop.clock())
        if not ended:
            return verdicts.done("Nothing was paused" + (f" for {category}." if category else "."))
        self._record(tx, DecisionKind.RESUME, agent, who, category)
        return verdicts.done(f"Drafting goes on for {category or 'everything'}.")

    def _record(self, tx: Tx, kind: DecisionKind, agent: Agent, who: Presser, category: str | None) -> None:
        tx.add(
            Decision(
                id=ids.new("dec"),
                kind=kind,
                agent_id=agent.id,
                surface=who.surface,
                conversation_id=None,
                review_id=None,
                draft_id=None,
                text=None,
                reason=category or "everything",
                created_at=self.shop.clock(),
            )
        )

    async def roster_changed(self, surface: str) -> None:
        await self.roster.read(surface)


def _not_their_own(tx: Tx, agent: Agent, on: Shown) -> Verdict | None:
    conversation = get(tx, Conversation, on.conversation_id)
    if conversation is None or conversation.owner_id == agent.id:
        return None
    if conversation.owner_id is None:
        return verdicts.NOBODY_OWNS
    return verdicts.not_owner(agents.name_of(tx, conversation.owner_id))


def _facts_shown(tx: Tx, shown: Shown) -> Facts | None:
    """By the review shown, else the conversation's newest card."""
    hanging = postings.of_review(tx, shown.review_id) if shown.review_id else []
    hanging = hanging or postings.of_conversation(tx, shown.conversation_id)
    return facts_behind(tx, hanging[-1].id) if hanging else None


def _facts_at(tx: Tx, surface: str, ref: str) -> Facts | None:
    """The thread's conversation: its open question if it has one, else its newest card."""
    posting = postings.at(tx, surface, ref)
    if posting is None:
        return None
    waiting = reviews.pending(tx, posting.conversation_id)
    hanging = postings.of_review(tx, waiting.id) if waiting else []
    hanging = hanging or postings.of_conversation(tx, posting.conversation_id)
    return facts_behind(tx, hanging[-1].id)
