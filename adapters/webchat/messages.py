"""What a browser may post to the web chat. There is no tier in it: only the site itself can vouch for that."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from adapters.base import ATTACHMENTS, Inbound, Sender
from adapters.bodies import Email, Name, Posted, PostedAttachment, Text
from adapters.webchat.visitors import Visitor

# A conversation is the how-manieth this visitor began: "start a new conversation" is the next number.
ConversationNumber = Annotated[int, Field(strict=True, ge=1, le=9_999)]


class PostedSession(Posted):
    """Asks for a token: for a stranger, for the holder of one, or for whom the site vouches."""

    identity: Annotated[str, StringConstraints(max_length=4_000)] | None = None
    conversation: ConversationNumber = 1


class PostedWords(Posted):
    """What the visitor wrote. `id` is made by the page, so that a retry is the same message."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    conversation: ConversationNumber = 1
    text: Text
    name: Name = None
    email: Email = None
    attachments: Annotated[tuple[PostedAttachment, ...], Field(max_length=ATTACHMENTS)] = ()

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if not self.text and not self.attachments:
            raise ValueError("text is empty, and there is no attachment")
        return self

    def inbound(self, *, channel: str, visitor: Visitor) -> Inbound:
        return Inbound(
            channel=channel,
            thread=thread_of(visitor, self.conversation),
            external_id=self.id,
            sender=self._sender(visitor),
            text=self.text,
            attachments=tuple(each.attachment() for each in self.attachments),
        )

    def _sender(self, visitor: Visitor) -> Sender:
        known = visitor.identity
        if known is None:
            return Sender(external_id=visitor.id, name=self.name, email=self.email)
        return Sender(external_id=visitor.id, name=known.name, email=known.email, tier=known.tier)


def thread_of(visitor: Visitor, conversation: int) -> str:
    return f"{visitor.id}/{conversation}"
