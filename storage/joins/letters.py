"""A reply on its way, with whose it is: what its channel needs to know."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from storage.database import Tx, table_of
from storage.joins.joined import Joined
from storage.tables import Conversation, Customer, Delivery, Message

_DELIVERY: Final = table_of(Delivery)
_MESSAGE: Final = table_of(Message)
_CONVERSATION: Final = table_of(Conversation)
_CUSTOMER: Final = table_of(Customer)

_ROWS: Final = Joined(Delivery, Message, Conversation, Customer)
_LETTER: Final = (
    select(*_ROWS.columns)
    .select_from(_DELIVERY)
    .join(_MESSAGE, _MESSAGE.c.id == _DELIVERY.c.message_id)
    .join(_CONVERSATION, _CONVERSATION.c.id == _MESSAGE.c.conversation_id)
    .join(_CUSTOMER, _CUSTOMER.c.id == _CONVERSATION.c.customer_id)
    .where(_DELIVERY.c.id == bindparam("delivery_id"))
)


@dataclass(frozen=True, kw_only=True)
class Addressed:
    delivery: Delivery
    message: Message
    conversation: Conversation
    customer: Customer


def addressed(tx: Tx, delivery_id: str) -> Addressed | None:
    """None: there is no such delivery."""
    rows = tx.run(_LETTER, delivery_id=delivery_id)
    if not rows:
        return None
    return Addressed(
        delivery=_ROWS.known(Delivery, rows[0]),
        message=_ROWS.known(Message, rows[0]),
        conversation=_ROWS.known(Conversation, rows[0]),
        customer=_ROWS.known(Customer, rows[0]),
    )
