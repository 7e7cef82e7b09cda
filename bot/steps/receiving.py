"""Channel -> message, review, promise of a draft: one transaction, and only then may the channel be answered."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import IntegrityError

from adapters.base import STANDARD_TIER, Inbound, Received, Sender
from bot.core.policy import DEFAULT_CATEGORY
from bot.core.texts import one_line, storable
from bot.core.triage import Handling, Triage, triage
from bot.steps.workshop import Workshop, open_review, show_review, want_postings
from storage import conversations, ids, reviews
from storage.database import Tx
from storage.failpoints import Point, reached
from storage.rows import change, put
from storage.tables import (
    Conversation,
    ConversationStatus,
    Customer,
    Direction,
    JobKind,
    Message,
    Priority,
    Review,
    ReviewStatus,
)

log = logging.getLogger(__name__)

_ATTEMPTS: Final = 4  # one more than there are rows that somebody else may make first: customer, thread, message


@dataclass(frozen=True)
class Receiving:
    """Built once; `await receiving(inbound)` is the `receive` that adapters call."""

    shop: Workshop

    async def __call__(self, inbound: Inbound) -> Received:
        """Commit the message and what follows from it. The same message again changes nothing.

        First messages at the same moment can meet at a constraint, of their customer and then of their thread: whoever
        comes second then finds what the first wrote.
        """
        clean = replace(inbound, text=storable(inbound.text))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                received = await self.shop.db.write(lambda tx: self._receive(tx, clean))
                break
            except IntegrityError:
                if attempt == _ATTEMPTS:
                    raise
        facts = {
            "message_id": received.message_id,
            "conversation": received.conversation_id,
            "channel": inbound.channel,
        }
        reached(Point.RECEIVED_FOR_GOOD)
        log.info("message repeated" if received.repeated else "message received", extra=facts)
        return received

    def _receive(self, tx: Tx, inbound: Inbound) -> Received:
        tx.ahead(conversations.conversation_to_change, inbound.channel, inbound.thread)
        tx.ahead(conversations.customer_of, inbound.channel, inbound.sender.external_id)
        conversation = conversations.conversation_to_change(tx, inbound.channel, inbound.thread)
        if conversation is not None:
            known = conversations.incoming(tx, conversation.id, inbound.external_id)
            if known is not None:
                return Received(message_id=known.id, conversation_id=conversation.id, repeated=True)
        customer = self._customer(tx, inbound.channel, inbound.sender)
        opened = conversation is None
        if conversation is None:
            conversation = self._new_conversation(tx, inbound, customer)
        waiting = None if opened else reviews.pending(tx, conversation.id)
        judged = triage(
            inbound.text,
            tier=customer.tier,
            automatic=inbound.automatic,
            previous=None if opened else conversation.category,
            policy=self.shop.policy,
            opened=opened or waiting is not None,
        )
        message = self._message(tx, inbound, conversation, customer, judged)
        conversation.sequence = message.sequence
        self._follow(tx, conversation, customer, message, judged, waiting)
        reached(Point.RECEIVED)
        return Received(message_id=message.id, conversation_id=conversation.id, repeated=False)

    def _customer(self, tx: Tx, channel: str, sender: Sender) -> Customer:
        """The customer's row, with whatever the channel says is new about them."""
        known = conversations.customer_of(tx, channel, sender.external_id)
        offered = {"name": sender.name, "email": sender.email, "tier": sender.tier}
        told = {key: storable(value) for key, value in offered.items() if value}
        if known is None:
            customer = Customer(
                id=ids.new("cus"),
                channel=channel,
                external_id=sender.external_id,
                name=told.get("name"),
                email=told.get("email"),
                tier=told.get("tier", STANDARD_TIER),
                created_at=self.shop.clock(),
            )
            tx.add(customer)
            return customer
        news = {key: value for key, value in told.items() if getattr(known, key) != value}
        if news:
            put(tx, Customer, known.id, news)
            for key, value in news.items():
                setattr(known, key, value)
        return known

    def _new_conversation(self, tx: Tx, inbound: Inbound, customer: Customer) -> Conversation:
        conversation = Conversation(
            id=ids.new("cnv"),
            customer_id=customer.id,
            channel=inbound.channel,
            external_id=inbound.thread,
            status=ConversationStatus.OPEN,
            sequence=0,
            answered_sequence=0,
            owner_id=None,
            category=DEFAULT_CATEGORY,
            priority=Priority.NORMAL,
            waiting_since=None,
            created_at=self.shop.clock(),
        )
        tx.add(conversation)
        return conversation

    def _message(
        self, tx: Tx, inbound: Inbound, conversation: Conversation, customer: Customer, judged: Triage
    ) -> Message:
        message = Message(
            id=ids.new("msg"),
            conversation_id=conversation.id,
            direction=Direction.INCOMING,
            sequence=conversation.sequence + 1,
            external_id=inbound.external_id,
            text=inbound.text,
            author=one_line(customer.name or "Customer", 80),
            attachments=[{"name": storable(file.name), "url": storable(file.url)} for file in inbound.attachments],
            automatic=judged.handling is Handling.NOTE,
            decision_id=None,
            created_at=self.shop.clock(),
        )
        tx.add(message)
        return message

    def _follow(
        self,
        tx: Tx,
        conversation: Conversation,
        customer: Customer,
        message: Message,
        judged: Triage,
        waiting: Review | None,
    ) -> None:
        """What the message leads to: a note, a line for the owner, or a question to agents."""
        news: dict[str, object] = {"sequence": message.sequence}
        if not message.automatic:
            news |= {
                "status": ConversationStatus.OPEN,
                "category": judged.category,
                "priority": judged.priority,
                "waiting_since": conversation.waiting_since or message.created_at,
            }
        put(tx, Conversation, conversation.id, news)
        if message.automatic or conversation.owner_id is not None:
            want_postings(tx, self.shop, conversation, customer, category=conversation.category, message_id=message.id)
        elif waiting is not None and waiting.draft_id is None and waiting.draft_missing is None:
            self._extend(tx, waiting, message, judged)
        else:
            self._ask(tx, conversation, message, judged, waiting)

    def _ask(
        self, tx: Tx, conversation: Conversation, message: Message, judged: Triage, waiting: Review | None
    ) -> None:
        """A new question, about everything unanswered; the one before it closes, whoever is pressing on it."""
        first_at = message.created_at
        if waiting is not None:
            first_at = waiting.first_at
            change(
                tx,
                Review,
                waiting.id,
                {"status": ReviewStatus.SUPERSEDED, "decided_at": message.created_at},
                expect={"status": ReviewStatus.PENDING},
            )
            show_review(tx, self.shop, waiting.id)
        after = message.created_at + timedelta(seconds=self.shop.policy.desk.quiet_seconds)
        review = open_review(
            tx,
            self.shop,
            conversation,
            category=judged.category,
            priority=judged.priority,
            reasons=_as_json(judged),
            since=conversation.answered_sequence,
            first_at=first_at,
            draft_after=after,
        )
        self.shop.jobs.promise(tx, JobKind.DRAFT, review.id, at=after)

    def _extend(self, tx: Tx, waiting: Review, message: Message, judged: Triage) -> None:
        """Another message of the same burst: the question grows, whoever drafts for the shorter one does so in vain."""
        desk = self.shop.policy.desk
        quiet = message.created_at + timedelta(seconds=desk.quiet_seconds)
        latest = waiting.first_at + timedelta(seconds=max(desk.quiet_most_seconds, desk.quiet_seconds))
        after = min(quiet, max(latest, message.created_at))
        known = {reason["name"] for reason in waiting.reasons}
        change(
            tx,
            Review,
            waiting.id,
            {
                "sequence": message.sequence,
                "draft_attempt": waiting.draft_attempt + 1,
                "draft_after": after,
                "category": judged.category,
                "priority": max(waiting.priority, judged.priority, key=list(Priority).index),
                "reasons": waiting.reasons + [r for r in _as_json(judged) if r["name"] not in known],
            },
            expect={"status": ReviewStatus.PENDING},
        )
        self.shop.jobs.cancel(tx, JobKind.DRAFT, waiting.id)
        self.shop.jobs.promise(tx, JobKind.DRAFT, waiting.id, at=after)
        show_review(tx, self.shop, waiting.id)


def _as_json(judged: Triage) -> list[dict[str, str]]:
    return [{"name": because.rule, "quote": because.quote} for because in judged.reasons]
