"""What the customer of a thread may see of it."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from adapters.base import Attachment, Line
from storage import conversations
from storage.database import Database, Tx
from storage.tables import Direction

LINES_AT_ONCE: Final = 500  # more than a page may wait for in vain (GAP_LINES), so that asking again always goes on


@dataclass(frozen=True)
class Transcribing:
    """The `transcript` of one channel."""

    db: Database
    channel: str

    async def __call__(self, thread: str, after: int) -> list[Line]:
        return await self.db.read(partial(self._lines, thread=thread, after=after))

    def _lines(self, tx: Tx, *, thread: str, after: int) -> list[Line]:
        conversation = conversations.conversation_of(tx, self.channel, thread)
        if conversation is None:
            return []
        return [
            Line(
                id=message.id if message.direction is Direction.OUTGOING else message.external_id or message.id,
                sequence=message.sequence,
                outgoing=message.direction is Direction.OUTGOING,
                author=message.author,
                text=message.text,
                attachments=tuple(Attachment(**file) for file in message.attachments),
                at=message.created_at,
            )
            for message in conversations.said_next(tx, conversation.id, after=after, most=LINES_AT_ONCE)
        ]
