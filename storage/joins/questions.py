"""A review with whose question it is."""

from typing import Final

from sqlalchemy import bindparam, select

from storage.database import Tx, table_of
from storage.joins.joined import Joined
from storage.tables import Conversation, Customer, Review

_REVIEW: Final = table_of(Review)
_CONVERSATION: Final = table_of(Conversation)
_CUSTOMER: Final = table_of(Customer)

_ROWS: Final = Joined(Review, Conversation, Customer)
_QUESTION: Final = (
    select(*_ROWS.columns)
    .select_from(_REVIEW)
    .join(_CONVERSATION, _CONVERSATION.c.id == _REVIEW.c.conversation_id)
    .join(_CUSTOMER, _CUSTOMER.c.id == _CONVERSATION.c.customer_id)
    .where(_REVIEW.c.id == bindparam("review_id"))
)


def question(tx: Tx, review_id: str) -> tuple[Review, Conversation, Customer] | None:
    """None: there is no such review."""
    rows = tx.run(_QUESTION, review_id=review_id)
    if not rows:
        return None
    return _ROWS.known(Review, rows[0]), _ROWS.known(Conversation, rows[0]), _ROWS.known(Customer, rows[0])
