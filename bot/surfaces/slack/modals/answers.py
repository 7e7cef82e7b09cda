"""A submitted form as a decision, or as what is wrong with it."""

from dataclasses import dataclass

from bot.core import forms
from bot.core.cards import Action
from bot.core.decisions import REPLY_CHARS, Decision
from bot.core.forms import Field, Wrong
from bot.surfaces.slack.modals.filled import Filled
from bot.surfaces.slack.modals.forms import CHOICE, NOTE, TEXT


@dataclass(frozen=True)
class Errors:
    """What is wrong, by block_id: shown under the inputs."""

    by_block: dict[str, str]


def decided(action: Action, filled: Filled) -> Decision | Errors:
    """What the form says. Raises ValueError for an action without a form."""
    decision = forms.decided(action, text=filled.text, choice=filled.choice, note=filled.note)
    return Errors({_block(decision, filled): decision.words}) if isinstance(decision, Wrong) else decision


def _block(wrong: Wrong, filled: Filled) -> str:
    """Where it is said: of a reply in parts, what is missing under the first, what is too much under the last."""
    match wrong.field:
        case Field.TEXT:
            return f"{TEXT}-{len(filled.texts) - 1 if len(filled.text) > REPLY_CHARS else 0}"
        case Field.CHOICE:
            return CHOICE
        case Field.NOTE:
            return NOTE
