"""Which cards hang where."""

from typing import Final

from sqlalchemy import bindparam, select

from storage.database import Tx, table_of
from storage.tables import Posting, PostingStatus

_POSTING: Final = table_of(Posting)

_OF_CONVERSATION: Final = (
    select(_POSTING)
    .where(_POSTING.c.conversation_id == bindparam("conversation_id"))
    .order_by(_POSTING.c.created_at, _POSTING.c.id)
)
_ROOT: Final = (
    select(_POSTING.c.ref)
    .where(
        _POSTING.c.conversation_id == bindparam("conversation_id"),
        _POSTING.c.surface == bindparam("surface"),
        _POSTING.c.place == bindparam("place"),
        _POSTING.c.status == PostingStatus.POSTED,
    )
    .order_by(_POSTING.c.created_at, _POSTING.c.id)
    .limit(1)
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


def root(tx: Tx, posting: Posting) -> str | None:
    """The ref of the card that began the conversation's thread in this place; None: this one begins it."""
    rows = tx.run(_ROOT, conversation_id=posting.conversation_id, surface=posting.surface, place=posting.place)
    return str(rows[0][0]) if rows else None


def at(tx: Tx, surface: str, ref: str) -> Posting | None:
    return tx.first(Posting, _AT, surface=surface, ref=ref)
