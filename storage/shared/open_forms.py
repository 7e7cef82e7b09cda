"""Forms that somebody has open, whichever replica opened them."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from storage.database import Tx, table_of
from storage.tables import OpenForm

_FORM: Final = table_of(OpenForm)
_OF: Final = (
    select(_FORM)
    .where(_FORM.c.conversation_id == bindparam("conversation_id"), _FORM.c.opened_at >= bindparam("since"))
    .order_by(_FORM.c.opened_at)
)
_CONVERSATIONS: Final = select(_FORM.c.conversation_id).where(_FORM.c.opened_at >= bindparam("since")).distinct()
_TOLD: Final = (
    update(_FORM)
    .where(_FORM.c.view_id == bindparam("view"))
    .values(told=bindparam("words"), view_hash=bindparam("version"))
)
_CLOSED: Final = delete(_FORM).where(_FORM.c.view_id == bindparam("view"))


def opened(tx: Tx, form: OpenForm) -> None:
    """Keep it, in place of what was known of the same view."""
    closed(tx, form.view_id)
    tx.add(form)


def closed(tx: Tx, view_id: str) -> None:
    tx.run(_CLOSED, view=view_id)


def told(tx: Tx, view_id: str, words: str, view_hash: str | None) -> None:
    """Note what its writer was last warned of."""
    tx.run(_TOLD, view=view_id, words=words, version=view_hash)


def of_conversation(tx: Tx, conversation_id: str, *, since: datetime) -> list[OpenForm]:
    return tx.all(OpenForm, _OF, conversation_id=conversation_id, since=since)


def conversations(tx: Tx, *, since: datetime) -> set[str]:
    """Where any form is open."""
    return {row.conversation_id for row in tx.run(_CONVERSATIONS, since=since)}
