"""A submitted form as a decision, or as what is wrong with it."""

from dataclasses import dataclass
from typing import Final

from bot.core.cards import Action
from bot.core.decisions import (
    REPLY_CHARS,
    Approve,
    Decision,
    Dismiss,
    DismissReason,
    Edit,
    EditReason,
    Recategorise,
    Redraft,
    SendReply,
)
from bot.surfaces.slack.modals.filled import Filled
from bot.surfaces.slack.modals.forms import CHOICE, INSTRUCTION_CHARS, NOTE, NOTE_CHARS, TEXT


@dataclass(frozen=True)
class Errors:
    """What is wrong, by block_id: shown under the inputs."""

    by_block: dict[str, str]


def decided(action: Action, filled: Filled) -> Decision | Errors:
    """What the form says. Raises ValueError for an action without a form."""
    match action:
        case Action.READ_ALL:
            return Approve()
        case Action.EDIT | Action.WRITE | Action.REPLY:
            return _reply(action, filled)
        case Action.REDRAFT:
            if len(filled.text) > INSTRUCTION_CHARS:
                return Errors({_FIRST: f"At most {INSTRUCTION_CHARS:,} characters."})
            return Redraft(filled.text.strip())
        case Action.RECATEGORISE:
            return Recategorise(filled.choice) if filled.choice else Errors({CHOICE: "Choose a category."})
        case Action.DISMISS:
            return _dismissal(filled)
        case _:
            raise ValueError(f"{action} has no form")


_FIRST: Final = f"{TEXT}-0"


def _reply(action: Action, filled: Filled) -> Decision | Errors:
    text = filled.text
    if not text.strip():
        return Errors({_FIRST: "Write the reply first."})
    if len(text) > REPLY_CHARS:
        last = f"{TEXT}-{len(filled.texts) - 1}"
        return Errors({last: f"The reply has {len(text):,} characters; at most {REPLY_CHARS:,} can be sent."})
    if action is Action.REPLY:
        return SendReply(text)
    try:
        return Edit(text, EditReason(filled.choice) if filled.choice else None)
    except ValueError:
        return Errors({CHOICE: "Choose one of these."})


def _dismissal(filled: Filled) -> Decision | Errors:
    if len(filled.note) > NOTE_CHARS:
        return Errors({NOTE: f"At most {NOTE_CHARS} characters."})
    try:
        return Dismiss(DismissReason(filled.choice or ""), filled.note.strip())
    except ValueError:
        return Errors({CHOICE: "Choose a reason."})
