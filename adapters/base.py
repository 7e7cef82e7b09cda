"""What a customer channel is: words in through `receive`, approved words out through `send`.

An adapter knows its wire and nothing else: not the database, not the bot. It is built with `receive`; whatever it
raises besides the two failures below is a bug.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from fastapi import APIRouter

TEXT_CHARS: Final = 50_000  # the longest message any channel may hand in; longer ones are refused with 413
ATTACHMENTS: Final = 20
STANDARD_TIER: Final = "standard"


class Automatic(StrEnum):
    """Why a message was not written by a person, as far as the channel's own headers say."""

    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    BULK = "bulk"


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file the customer sent: we hold its name and link, never its bytes. Both are hostile input."""

    name: str
    url: str  # http or https


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who wrote, by the channel's own id. None: the channel does not say, what is known stays as it is."""

    external_id: str
    name: str | None = None
    email: str | None = None
    tier: str | None = None


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """A message as a channel delivered it. One `external_id` in one thread is one message, however often."""

    channel: str  # the channel's name in signoff.toml
    thread: str  # the channel's id of the conversation
    external_id: str  # the channel's id of the message
    sender: Sender
    text: str
    attachments: tuple[Attachment, ...] = ()
    automatic: Automatic | None = None


@dataclass(frozen=True, kw_only=True)
class Received:
    """The message is committed: the channel may be told so."""

    message_id: str
    conversation_id: str
    repeated: bool  # it was here before, and nothing happened this time


Receive = Callable[[Inbound], Awaitable[Received]]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an agent authorised, on its way to a customer."""

    key: str  # the same on every attempt: the receiver may have it already
    thread: str
    to: str  # the customer's id on the channel
    text: str  # plain text, exactly as approved
    author: str  # the agent's display name
    sequence: int  # grows within a thread
    in_reply_to: str | None  # the channel's id of the newest message it answers
    written_at: datetime


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a thread as its customer may see it."""

    id: str  # outgoing: the key it is sent under; incoming: the channel's own id, by which a page knows its words again
    sequence: int
    outgoing: bool
    author: str
    text: str
    attachments: tuple[Attachment, ...]
    at: datetime


Transcript = Callable[[str, int], Awaitable[list[Line]]]
"""`transcript(thread, after)`: what the customer of a thread may see beyond a sequence number, oldest first.

Replies appear once their delivery has begun; held and cancelled ones never. An unknown thread is empty; of a long one
come only so many lines at once, the oldest: ask again until there is nothing new.
"""


class TemporaryFailure(Exception):
    """The channel cannot take it now; it will be tried again. The message carries the remote's own code."""

    def __init__(self, words: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(words)
        self.retry_after_seconds = retry_after_seconds


class PermanentFailure(Exception):
    """The channel will never take it; a person is told. The message carries the remote's own code."""


class Adapter(Protocol):
    """A customer channel. Every adapter passes tests/adapters/contract.py."""

    name: str  # as in signoff.toml, and in /channels/<name>/
    title: str  # what agents read on the card
    repeats_safely: bool  # sending the same key twice reaches the customer once

    @property
    def routes(self) -> APIRouter:
        """What it serves below /channels/<name>."""

    async def send(self, reply: Reply) -> str:
        """Deliver, and return the channel's id of the message.

        Raises:
            TemporaryFailure: nothing certain arrived; the same key may be sent again later.
            PermanentFailure: the channel refused this message or thread for good.
        """

    async def close(self) -> None: ...
