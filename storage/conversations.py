"""Customers, conversations and what was said."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, or_, select

from storage.database import Tx, table_of
from storage.tables import Conversation, Customer, Delivery, DeliveryStatus, Direction, Message

_CUSTOMER: Final = table_of(Customer)
_CONVERSATION: Final = table_of(Conversation)
_MESSAGE: Final = table_of(Message)
_DELIVERY: Final = table_of(Delivery)

_BEYOND: Final = 2**31 - 1  # every sequence

_CUSTOMER_BY: Final = select(_CUSTOMER).where(
    _CUSTOMER.c.channel == bindparam("channel"), _CUSTOMER.c.external_id == bindparam("external_id")
)
_CONVERSATION_BY: Final = select(_CONVERSATION).where(
    _CONVERSATION.c.channel == bindparam("channel"), _CONVERSATION.c.external_id == bindparam("external_id")
)
_CONVERSATION_LOCKED: Final = _CONVERSATION_BY.with_for_update()
_MESSAGE_BY: Final = select(_MESSAGE).where(
    _MESSAGE.c.conversation_id == bindparam("conversation_id"),
    _MESSAGE.c.direction == Direction.INCOMING,
    _MESSAGE.c.external_id == bindparam("external_id"),
)
# Outgoing words count as said from the moment their sending begins; held and cancelled ones were never said. A join:
# PostgreSQL may answer `or exists (...)` by reading every delivery there is.
_SAID: Final = (
    select(_MESSAGE)
    .outerjoin(_DELIVERY, _DELIVERY.c.message_id == _MESSAGE.c.id)
    .where(
        _MESSAGE.c.conversation_id == bindparam("conversation_id"),
        or_(
            _MESSAGE.c.direction == Direction.INCOMING,
            _DELIVERY.c.status.in_((DeliveryStatus.SENDING, DeliveryStatus.SENT)),
        ),
    )
)
_BETWEEN: Final = _SAID.where(
    _MESSAGE.c.sequence > bindparam("after"), _MESSAGE.c.sequence <= bindparam("until")
).order_by(_MESSAGE.c.sequence)
_NEXT: Final = _BETWEEN.limit(bindparam("most"))
_BEFORE: Final = (
    _SAID.where(_MESSAGE.c.sequence <= bindparam("until")).order_by(_MESSAGE.c.sequence.desc()).limit(bindparam("most"))
)


def customer_of(tx: Tx, channel: str, external_id: str) -> Customer | None:
    return tx.first(Customer, _CUSTOMER_BY, channel=channel, external_id=external_id)


def conversation_of(tx: Tx, channel: str, external_id: str) -> Conversation | None:
    return tx.first(Conversation, _CONVERSATION_BY, channel=channel, external_id=external_id)


def conversation_to_change(tx: Tx, channel: str, external_id: str) -> Conversation | None:
    """The conversation, held against other writers until the transaction ends."""
    statement = _CONVERSATION_LOCKED if tx.postgres else _CONVERSATION_BY
    return tx.first(Conversation, statement, channel=channel, external_id=external_id)


def incoming(tx: Tx, conversation_id: str, external_id: str) -> Message | None:
    """The message the channel knows by that id, if it was heard before."""
    return tx.first(Message, _MESSAGE_BY, conversation_id=conversation_id, external_id=external_id)


def said_between(tx: Tx, conversation_id: str, *, after: int, until: int) -> list[Message]:
    """What was said beyond sequence `after`, up to `until`, oldest first."""
    return tx.all(Message, _BETWEEN, conversation_id=conversation_id, after=after, until=until)


def said_since(tx: Tx, conversation_id: str, *, after: int) -> list[Message]:
    """What was said beyond sequence `after`, oldest first."""
    return said_between(tx, conversation_id, after=after, until=_BEYOND)


def said_next(tx: Tx, conversation_id: str, *, after: int, most: int) -> list[Message]:
    """The first `most` things said beyond sequence `after`, oldest first."""
    return tx.all(Message, _NEXT, conversation_id=conversation_id, after=after, until=_BEYOND, most=most)


def said_up_to(tx: Tx, conversation_id: str, *, until: int, most: int) -> list[Message]:
    """The newest `most` things said up to a sequence, oldest first."""
    return tx.all(Message, _BEFORE, conversation_id=conversation_id, until=until, most=most)[::-1]


def oldest_wait(messages: list[Message]) -> datetime | None:
    """When the first of the customer's own words among these came; None if there are none."""
    times = [
        message.created_at for message in messages if message.direction is Direction.INCOMING and not message.automatic
    ]
    return min(times, default=None)
