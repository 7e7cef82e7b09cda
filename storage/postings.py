"""Which cards hang where."""

from typing import Final

from sqlalchemy import bindparam, select

from storage.database import Tx, table_of
from storage.tables import Posting

_POSTING: Final = table_of(Posting)

_OF_CONVERSATION: Final = (
    select(_POSTING)
    .where(_POSTING.c.conversation_id == bindparam("conversation_id"))
    .order_by(_POSTING.c.created_at, _POSTING.c.id)
)
_OF_REVIEW: Final = (
    select(_POSTING)
    .where(_POSTING.c.review_id == bindparam("review_id"))
    .order_by(_POSTING.c.created_at, _POSTING.c.id)
)
_AT: Final = select(_POSTING).where(_POSTING.c.surface == bindparam("surface"), _POSTING.c.ref == bindparam("ref"))


def of_conversation(tx: Tx, conversation_id: str) -> list[Posting]:
    """Oldest first."""
    return tx.all(Posting, _OF_CONVERSATION, conversation_id=conversation_id)


def of_review(tx: Tx, review_id: str) -> list[Posting]:
    """Oldest first; the last one is the live one of its surface."""
    return tx.all(Posting, _OF_REVIEW, review_id=review_id)


def at(tx: Tx, surface: str, ref: str) -> Posting | None:
    return tx.first(Posting, _AT, surface=surface, ref=ref)
