"""What agents fill in: which actions ask for it, in what words, and what the answers decide, on every surface."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.core.cards import Action, Card
from bot.core.decisions import (
    REPLY_CHARS,
    Approve,
    Decision,
    Dismiss,
    DismissReason,
    Edit,
    EditReason,
    HandBack,
    Recategorise,
    Redraft,
    Resolve,
    RetryDelivery,
    SendReply,
    TakeOver,
    Undo,
)

INSTRUCTION_CHARS: Final = 1000
NOTE_CHARS: Final = 500

FORMS: Final = (
    Action.EDIT,
    Action.WRITE,
    Action.REPLY,
    Action.REDRAFT,
    Action.RECATEGORISE,
    Action.DISMISS,
    Action.READ_ALL,
)
"""The actions that open a form; the others are decisions by themselves."""

AT_ONCE: Final[dict[Action, Decision]] = {
    Action.APPROVE: Approve(),
    Action.TAKE_OVER: TakeOver(),
    Action.UNDO: Undo(),
    Action.RETRY: RetryDelivery(),
    Action.HAND_BACK: HandBack(),
    Action.RESOLVE: Resolve(),
    Action.DRAFT: Redraft(),
}
"""The actions that are decisions by themselves."""

TITLES: Final = {
    Action.EDIT: ("Edit reply", "Send"),
    Action.WRITE: ("Write reply", "Send"),
    Action.REPLY: ("Reply", "Send"),
    Action.REDRAFT: ("Redraft", "Redraft"),
    Action.RECATEGORISE: ("Wrong category", "Move"),
    Action.DISMISS: ("Dismiss", "Dismiss"),
    Action.READ_ALL: ("Read all", "Approve & send"),
}
"""What a form is called, and what the button that sends it off says."""

EDIT_REASONS: Final = {
    EditReason.WRONG_FACT: "Wrong fact",
    EditReason.MISSING_INFORMATION: "Missing information",
    EditReason.TONE: "Tone",
    EditReason.POLICY: "Policy",
    EditReason.OTHER: "Other",
}
DISMISS_REASONS: Final = {
    DismissReason.NO_REPLY_NEEDED: "No reply needed",
    DismissReason.SPAM: "Spam",
    DismissReason.DUPLICATE: "Duplicate",
    DismissReason.HANDLED_ELSEWHERE: "Handled elsewhere",
    DismissReason.OTHER: "Other",
}

ASK_REPLY: Final = "Reply"
ASK_EDIT_REASON: Final = "Why the change?"
ASK_WISH: Final = "What should be different?"
WISH_HINT: Final = "Left empty, it is just another draft."
ASK_CATEGORY: Final = "It belongs to"
ASK_DISMISS_REASON: Final = "Why close it without a reply?"
ASK_NOTE: Final = "Note for the team"

WRITE_FIRST: Final = "Write the reply first."
CHOOSE_CATEGORY: Final = "Choose a category."
CHOOSE_REASON: Final = "Choose a reason."
CHOOSE_ONE: Final = "Choose one of these."

NOT_DONE: Final = "Not done"
YOUR_TEXT: Final = "Your text, to copy:"
NOTHING_TO_READ: Final = "There is nothing to read."


class Field(StrEnum):
    """The inputs a form may have. The values are the surfaces' names for them: stable."""

    TEXT = "text"
    CHOICE = "choice"
    NOTE = "note"


@dataclass(frozen=True)
class Wrong:
    """What is wrong with an answer, and with which."""

    field: Field
    words: str


def fitting(action: Action, card: Card) -> Action | None:
    """The form to open on the card as it is now: with a draft, writing is editing. None: it is not offered any more."""
    offered = (*card.buttons, *card.menu)
    if action is Action.READ_ALL or action in offered:
        return action
    swapped = {Action.EDIT: Action.WRITE, Action.WRITE: Action.EDIT}.get(action)
    return swapped if swapped in offered else None


def opens_with(action: Action, card: Card) -> str:
    """The text a newly opened form holds, as it was stored."""
    if action in (Action.EDIT, Action.WRITE) and card.prefill is not None:
        return card.prefill
    if action is Action.EDIT and card.proposal is not None:
        return card.proposal.text
    return ""


def decided(action: Action, *, text: str, choice: str | None, note: str) -> Decision | Wrong:
    """What the form says. Raises ValueError for an action without a form."""
    match action:
        case Action.READ_ALL:
            return Approve()
        case Action.EDIT | Action.WRITE | Action.REPLY:
            return _reply(action, text, choice)
        case Action.REDRAFT:
            if len(text) > INSTRUCTION_CHARS:
                return Wrong(Field.TEXT, f"At most {INSTRUCTION_CHARS:,} characters.")
            return Redraft(text.strip())
        case Action.RECATEGORISE:
            return Recategorise(choice) if choice else Wrong(Field.CHOICE, CHOOSE_CATEGORY)
        case Action.DISMISS:
            return _dismissal(choice, note)
        case _:
            raise ValueError(f"{action} has no form")


def _reply(action: Action, text: str, choice: str | None) -> Decision | Wrong:
    if not text.strip():
        return Wrong(Field.TEXT, WRITE_FIRST)
    if len(text) > REPLY_CHARS:
        return Wrong(Field.TEXT, f"The reply has {len(text):,} characters; at most {REPLY_CHARS:,} can be sent.")
    if action is Action.REPLY:
        return SendReply(text)
    try:
        return Edit(text, EditReason(choice) if choice else None)
    except ValueError:
        return Wrong(Field.CHOICE, CHOOSE_ONE)


def _dismissal(choice: str | None, note: str) -> Decision | Wrong:
    if len(note) > NOTE_CHARS:
        return Wrong(Field.NOTE, f"At most {NOTE_CHARS} characters.")
    try:
        return Dismiss(DismissReason(choice or ""), note.strip())
    except ValueError:
        return Wrong(Field.CHOICE, CHOOSE_REASON)
