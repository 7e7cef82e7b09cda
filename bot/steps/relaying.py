"""Delivery -> customer: held, then sending, then sent or failed, each by compare-and-set."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from adapters.base import Adapter, PermanentFailure, Reply, TemporaryFailure
from bot.steps.workshop import Workshop, ask_for_cards, channel_lane, show_message
from storage import conversations, reviews
from storage.database import Tx
from storage.failpoints import Point, reached
from storage.jobs import Claimed
from storage.joins.letters import addressed
from storage.knowledge import articles
from storage.rows import change, get, known, put
from storage.tables import (
    Conversation,
    Delivery,
    DeliveryStatus,
    Direction,
    JobKind,
    Message,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Letter:
    """A delivery with everything its channel needs."""

    delivery: Delivery
    message: Message
    conversation: Conversation
    reply: Reply


@dataclass(frozen=True)
class Relaying:
    """The handlers of RELEASE and RELAY jobs."""

    shop: Workshop
    adapters: Mapping[str, Adapter]

    async def release(self, job: Claimed) -> None:
        """The hold is over: from here on Undo comes too late."""
        await self.shop.db.write(lambda tx: self._release(tx, job.subject))
        reached(Point.RELEASED)

    def _release(self, tx: Tx, delivery_id: str) -> None:
        """With it go the earlier ones whose hold is over too: jobs due at once run in any order, words must not.

        Where an earlier one is still on its way, this one waits behind it, and its card must not offer Undo meanwhile.
        """
        delivery = get(tx, Delivery, delivery_id)
        if delivery is None:
            return
        now = self.shop.clock()
        sending = {"status": DeliveryStatus.SENDING, "updated_at": now}
        for place, held in enumerate(reviews.unsent_until(tx, delivery.conversation_id, delivery.release_at)):
            if change(tx, Delivery, held.id, sending, expect={"status": DeliveryStatus.HELD}):
                self.shop.jobs.promise(tx, JobKind.RELAY, held.id, at=now, lane=channel_lane(held.conversation_id))
                if place > 0:
                    show_message(tx, self.shop, known(tx, Message, held.message_id))

    async def relay(self, job: Claimed) -> None:
        """Hand it to the channel. Repeated only where the channel recognises the key; else a person is asked.

        Raises:
            TemporaryFailure: for the worker to repeat; the card says so from the first time on.
            Lost: another replica may be at it.
        """
        letter = await self.shop.db.read(lambda tx: self._letter(tx, job.subject))
        if letter is None:
            return
        adapter = self.adapters.get(letter.conversation.channel)
        if adapter is None:
            await self._fail(letter, f"the channel {letter.conversation.channel} is not configured any more")
            return
        if not adapter.repeats_safely and not await self._begin_once(letter):
            await self._fail(letter, "it may have been delivered: look at the channel before you press Retry")
            return
        reached(Point.SENDING)
        job.confirm()
        try:
            external_id = await adapter.send(letter.reply)
        except PermanentFailure as refusal:
            await self._fail(letter, str(refusal))
            reached(Point.REFUSED)
            log.warning("reply refused", extra=_facts(letter))
        except TemporaryFailure as failure:
            words = str(failure)
            await self.shop.db.write(lambda tx: self._delayed(tx, letter, words))
            reached(Point.DELAYED)
            raise
        else:
            reached(Point.TAKEN)
            await self.shop.db.write(lambda tx: self._sent(tx, letter, external_id))
            reached(Point.SENT)
            log.info("reply delivered", extra=_facts(letter))

    async def given_up(self, job: Claimed, words: str) -> None:
        """The last repetition failed: a person is told on the card, and may press Retry."""
        letter = await self.shop.db.read(lambda tx: self._letter(tx, job.subject))
        if letter is not None:
            await self._fail(letter, f"gave up after {job.attempt} attempts: {words}")

    def _letter(self, tx: Tx, delivery_id: str) -> _Letter | None:
        """None: nothing (left) to send."""
        found = addressed(tx, delivery_id)
        if found is None or found.delivery.status is not DeliveryStatus.SENDING:
            return None
        message, conversation = found.message, found.conversation
        before = conversations.said_up_to(tx, conversation.id, until=message.sequence - 1, most=10)
        incoming = [line.external_id for line in before if line.direction is Direction.INCOMING]
        reply = Reply(
            key=message.id,
            thread=conversation.external_id,
            to=found.customer.external_id,
            text=message.text,
            author=message.author,
            sequence=message.sequence,
            in_reply_to=incoming[-1] if incoming else None,
            written_at=message.created_at,
        )
        return _Letter(delivery=found.delivery, message=message, conversation=conversation, reply=reply)

    async def _begin_once(self, letter: _Letter) -> bool:
        """Note the attempt before it is made. False: an earlier one was begun and its end is unknown."""
        begun = {"attempts": letter.delivery.attempts + 1, "updated_at": self.shop.clock()}
        if letter.delivery.attempts > 0 and letter.delivery.error is None:
            return False
        await self.shop.db.write(lambda tx: put(tx, Delivery, letter.delivery.id, begun | {"error": None}))
        return True

    async def _fail(self, letter: _Letter, words: str) -> None:
        log.error("reply not delivered", extra={"delivery": letter.delivery.id, "channel": letter.conversation.channel})
        await self.shop.db.write(lambda tx: self._settle(tx, letter, DeliveryStatus.FAILED, words[:500]))

    def _delayed(self, tx: Tx, letter: _Letter, words: str) -> None:
        news = {"error": words[:500], "attempts": letter.delivery.attempts + 1, "updated_at": self.shop.clock()}
        if change(tx, Delivery, letter.delivery.id, news, expect={"status": DeliveryStatus.SENDING}):
            show_message(tx, self.shop, letter.message)

    def _sent(self, tx: Tx, letter: _Letter, external_id: str) -> None:
        asked = partial(
            conversations.said_up_to, conversation_id=letter.conversation.id, until=letter.message.sequence - 1, most=4
        )
        tx.ahead(asked)
        ask_for_cards(tx, letter.message)
        if not self._settle(tx, letter, DeliveryStatus.SENT, None):
            return
        put(tx, Message, letter.message.id, {"external_id": external_id})
        question = asked(tx)
        articles.index_reply(
            tx,
            message_id=letter.message.id,
            customer_id=letter.conversation.customer_id,
            category=letter.conversation.category,
            question="\n".join(line.text for line in question if line.direction is Direction.INCOMING),
            reply=letter.message.text,
            now=self.shop.clock(),
        )

    def _settle(self, tx: Tx, letter: _Letter, status: DeliveryStatus, error: str | None) -> bool:
        news = {
            "status": status,
            "error": error,
            "attempts": letter.delivery.attempts + 1,
            "updated_at": self.shop.clock(),
        }
        if not change(tx, Delivery, letter.delivery.id, news, expect={"status": DeliveryStatus.SENDING}):
            return False
        show_message(tx, self.shop, letter.message)
        return True


def _facts(letter: _Letter) -> dict[str, object]:
    conversation = letter.conversation
    return {"delivery": letter.delivery.id, "conversation": conversation.id, "channel": conversation.channel}
