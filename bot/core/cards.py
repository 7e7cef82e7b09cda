"""A card as a value, before a surface decides how it looks. Every word on it is chosen here or is somebody's quote."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.core.decisions import Shown
from storage.tables import Priority


class Action(StrEnum):
    """What an agent may press. The values are the surfaces' action ids: stable."""

    APPROVE = "approve"
    READ_ALL = "read_all"  # opens everything; approving happens there (the card could not hold it all)
    EDIT = "edit"
    WRITE = "write"  # Edit where there is no draft
    TAKE_OVER = "take_over"
    REDRAFT = "redraft"
    RECATEGORISE = "recategorise"
    DISMISS = "dismiss"
    UNDO = "undo"
    RETRY = "retry"
    REPLY = "reply"
    HAND_BACK = "hand_back"
    RESOLVE = "resolve"
    DRAFT = "draft"  # a first draft, where the rules wanted none


# What a card asks its reader to do. The others are there to be found, not to be pressed first.
PRIMARY: Final = frozenset({Action.APPROVE, Action.READ_ALL, Action.WRITE, Action.REPLY, Action.RETRY})
LABELS: Final[dict[Action, str]] = {
    Action.APPROVE: "Approve & send",
    Action.READ_ALL: "Read all & approve…",
    Action.EDIT: "Edit…",
    Action.WRITE: "Write reply…",
    Action.TAKE_OVER: "Take over",
    Action.REDRAFT: "Redraft…",
    Action.RECATEGORISE: "Wrong category…",
    Action.DISMISS: "Dismiss…",
    Action.UNDO: "Undo",
    Action.RETRY: "Retry",
    Action.REPLY: "Reply…",
    Action.HAND_BACK: "Hand back to Signoff",
    Action.RESOLVE: "Resolve",
    Action.DRAFT: "Draft a reply",
}


class CardState(StrEnum):
    WAITING = "waiting"  # a question is open
    HELD = "held"  # decided; Undo is still possible
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    TAKEN_OVER = "taken_over"  # a person owns the conversation, and this is its live card
    DISMISSED = "dismissed"
    CLOSED = "closed"  # one line: superseded, moved, undone, or continued further down
    NOTE = "note"  # a line nobody has to answer: an auto-reply, thanks


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why this needs care, with the customer's own words."""

    words: str  # "Asks for a person"
    quote: str  # hostile; empty where no words triggered it


@dataclass(frozen=True, kw_only=True)
class File:
    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """Something somebody said in this conversation. `text` is legible, whole, and hostile."""

    author: str
    text: str
    at: datetime
    files: tuple[File, ...] = ()
    by_agent: bool = False  # a name proves nothing: customers choose theirs


@dataclass(frozen=True, kw_only=True)
class Cited:
    title: str
    url: str | None
    version: int


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The draft as shown: whole."""

    text: str
    sources: tuple[Cited, ...]
    evidence: str  # "31 of 34 drafts like this went out unchanged"; empty while there is none
    made_by: str  # "Drafted by claude-sonnet-5-5"; offline drafts say so
    offline: bool


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the knowledge base or past replies have, where there is no draft."""

    title: str
    text: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What happened: who, what, when, and the text that went or goes out."""

    words: str  # "Approved by Bo Lindqvist", in plain text; names are hostile
    at: datetime
    text: str | None = None  # what goes out; None: nothing does
    delivery: str = ""  # "Not sent yet: Undo takes it back", "Delivered", "NOT DELIVERED: …"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One posting on a surface. Equal cards look the same: a surface is not asked to redraw them."""

    key: str  # the posting's id
    shown: Shown  # what its buttons are bound to
    state: CardState
    headline: str  # "Billing · Ada Kern", plain text
    facts: tuple[str, ...]  # "VIP", "Web chat", "High priority", "Owned by Bo": plain text, in order of weight
    waiting_since: datetime | None  # None: nobody waits
    priority: Priority
    said: tuple[Said, ...]  # what is to be answered, oldest first
    earlier: tuple[Said, ...] = ()  # a few lines before that, for whoever takes over; newest last
    reasons: tuple[Reason, ...] = ()
    notices: tuple[
        str, ...
    ] = ()  # "Drafting is paused until 2026-03-02T14:00Z (Bo Lindqvist)": times as core.texts.moment
    proposal: Proposal | None = None
    prefill: str | None = None  # what Edit opens with, where it is not the draft: an edit that was undone
    missing: str = ""  # why there is no draft; empty where there is one or none was wanted
    offers: tuple[Offer, ...] = ()
    ending: Ending | None = None
    buttons: tuple[Action, ...] = ()  # the first one is drawn as primary if it is among PRIMARY
    menu: tuple[Action, ...] = ()
    broadcast: bool = False  # a card in a thread that must also show in the channel
    category: str = ""
    categories: tuple[tuple[str, str], ...] = ()  # (name, title) an agent may move it to
    summary: str = ""  # one or two sentences: all that a screen reader or notification gets


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """One conversation in an agent's queue."""

    conversation_id: str
    review_id: str | None
    headline: str
    preview: str  # the newest words, one line, hostile
    waiting_since: datetime | None
    priority: Priority
    owner: str | None
    posting_key: str | None  # its newest card
    place: str | None
    ref: str | None


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits, oldest first; the agent's own first."""

    agent: str | None  # the agent's name; None: not an agent, and both lists are empty
    mine: tuple[QueueRow, ...]
    waiting: tuple[QueueRow, ...]  # nobody owns them
    waiting_total: int  # `waiting` may be cut
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Status:
    """The desk in figures."""

    waiting: int
    oldest_waiting_since: datetime | None
    taken_over: int
    failed_deliveries: int
    drafter: str  # "claude-sonnet-5-5" / "offline"
    pauses: tuple[str, ...]
    sent_today: int
