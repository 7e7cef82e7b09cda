"""What an agent may decide, what a press is bound to, and what the presser is told."""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

REPLY_CHARS: Final = 20_000  # the longest reply an agent may send


class DismissReason(StrEnum):
    NO_REPLY_NEEDED = "no_reply_needed"
    SPAM = "spam"
    DUPLICATE = "duplicate"
    HANDLED_ELSEWHERE = "handled_elsewhere"
    OTHER = "other"


class EditReason(StrEnum):
    WRONG_FACT = "wrong_fact"
    MISSING_INFORMATION = "missing_information"
    TONE = "tone"
    POLICY = "policy"
    OTHER = "other"


@dataclass(frozen=True)
class Approve:
    """Send exactly the draft that was shown."""


@dataclass(frozen=True)
class Edit:
    """Send this text instead of the draft (or where there was none)."""

    text: str
    reason: EditReason | None = None


@dataclass(frozen=True)
class TakeOver:
    """From now on a person talks; the bot is silent until HandBack."""


@dataclass(frozen=True)
class Redraft:
    """Write another draft. An empty instruction asks for a first or a fresh one."""

    instruction: str = ""


@dataclass(frozen=True)
class Recategorise:
    """It belongs to another category; the card moves to that category's channel."""

    category: str


@dataclass(frozen=True)
class Dismiss:
    """Nothing is sent."""

    reason: DismissReason
    note: str = ""


@dataclass(frozen=True)
class Undo:
    """Take back what is still held."""


@dataclass(frozen=True)
class RetryDelivery:
    """Try a failed delivery again, under the same key."""


@dataclass(frozen=True)
class SendReply:
    """The owner's own words in a conversation taken over."""

    text: str


@dataclass(frozen=True)
class HandBack:
    """The bot drafts again."""


@dataclass(frozen=True)
class Resolve:
    """Done, until the customer writes again."""


Decision = (
    Approve | Edit | TakeOver | Redraft | Recategorise | Dismiss | Undo | RetryDelivery | SendReply | HandBack | Resolve
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the presser had before them. It comes back through the client: a claim, no authority."""

    conversation_id: str
    sequence: int  # the conversation's, when the card was drawn
    review_id: str | None = None
    draft_digest: str | None = None  # None: the card showed no draft
    message_id: str | None = None  # the outgoing message shown, for Undo and RetryDelivery

    def pack(self) -> str:
        """At most 200 characters, for a button's value or a modal's private metadata."""
        parts = [self.conversation_id, self.sequence, self.review_id, self.draft_digest, self.message_id]
        return json.dumps(parts, separators=(",", ":"))

    @classmethod
    def unpack(cls, packed: str) -> "Shown":
        """Raises ValueError for anything that `pack` could not have written."""
        try:
            parts = json.loads(packed)
        except (ValueError, RecursionError) as error:
            raise ValueError("not a button of ours") from error
        if not isinstance(parts, list) or len(parts) != 5 or len(packed) > 400:
            raise ValueError("not a button of ours")
        conversation_id, sequence, review_id, draft_digest, message_id = parts
        texts = (review_id, draft_digest, message_id)
        if not isinstance(conversation_id, str) or type(sequence) is not int or not 0 <= sequence < 2**31:
            raise ValueError("not a button of ours")
        if not all(text is None or isinstance(text, str) for text in texts):
            raise ValueError("not a button of ours")
        if not all(text.isprintable() for text in (conversation_id, *texts) if text):  # NUL, half an emoji
            raise ValueError("not a button of ours")
        return cls(
            conversation_id=conversation_id,
            sequence=sequence,
            review_id=review_id,
            draft_digest=draft_digest,
            message_id=message_id,
        )


@dataclass(frozen=True, kw_only=True)
class Presser:
    """Who pressed, by the surface's own id. What they may do is the roster's to say, not theirs."""

    surface: str
    external_id: str


@dataclass(frozen=True, kw_only=True)
class Press:
    who: Presser
    on: Shown
    decision: Decision
    event: str | None = None  # the surface's delivery id, where it repeats deliveries; recognised the second time


class Answer(StrEnum):
    RECORDED = "recorded"
    REPEATED = "repeated"  # this very decision by this very person stands already: nothing to say
    TOO_LATE = "too_late"  # somebody else decided first, or the hold is over
    CUSTOMER_WROTE = "customer_wrote"
    DRAFT_CHANGED = "draft_changed"
    NOT_ALLOWED = "not_allowed"  # no agent, or not in a role that may
    NOT_OWNER = "not_owner"  # somebody else owns the conversation, or nobody does
    NOT_FOUND = "not_found"
    INVALID = "invalid"  # an empty or overlong text, an unknown category


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a press: a value, never an exception. `words` tells the presser, in plain text."""

    answer: Answer
    words: str
    now: Shown | None = None  # the newest open question of the conversation, when the press was about an older one

    @property
    def recorded(self) -> bool:
        return self.answer in (Answer.RECORDED, Answer.REPEATED)


@dataclass(frozen=True, kw_only=True)
class PauseRequest:
    """Rest drafting for a category, or for everything (None)."""

    who: Presser
    category: str | None
    length: timedelta


PAUSE_MOST: Final = timedelta(days=7)
