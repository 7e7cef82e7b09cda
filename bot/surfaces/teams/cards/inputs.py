"""What a form of each action asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from bot.core.cards import Action, Card
from bot.core.decisions import REPLY_CHARS
from bot.core.forms import (
    ASK_CATEGORY,
    ASK_DISMISS_REASON,
    ASK_EDIT_REASON,
    ASK_NOTE,
    ASK_REPLY,
    ASK_WISH,
    CHOOSE_CATEGORY,
    CHOOSE_REASON,
    DISMISS_REASONS,
    EDIT_REASONS,
    INSTRUCTION_CHARS,
    NOTE_CHARS,
    WISH_HINT,
    WRITE_FIRST,
    Field,
    opens_with,
)
from bot.surfaces.teams.cards.elements import Elements, Json, inert, one_line
from bot.surfaces.teams.verbs import field_id

CATEGORIES_MOST: Final = 100
_OPTION_CHARS: Final = 75


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What a form holds, or what somebody made of it."""

    text: str = ""
    choice: str | None = None
    note: str = ""


def fresh(action: Action, card: Card) -> Filled:
    """What a newly opened form holds."""
    return Filled(text=opens_with(action, card))


def inputs(action: Action, card: Card, filled: Filled) -> Elements:
    """Its inputs, in order; their ids are the action's."""
    match action:
        case Action.EDIT:
            return [
                _reply(action, filled),
                _radios(action, ASK_EDIT_REASON, EDIT_REASONS, filled.choice),
            ]
        case Action.WRITE | Action.REPLY:
            return [_reply(action, filled)]
        case Action.REDRAFT:
            wish = _text(action, Field.TEXT, ASK_WISH, filled.text, INSTRUCTION_CHARS)
            return [{**wish, "placeholder": WISH_HINT}]
        case Action.RECATEGORISE:
            return [_categories(action, card, filled.choice)]
        case Action.DISMISS:
            reasons = _radios(action, ASK_DISMISS_REASON, DISMISS_REASONS, filled.choice)
            return [
                {**reasons, "isRequired": True, "errorMessage": CHOOSE_REASON},
                _text(action, Field.NOTE, ASK_NOTE, filled.note, NOTE_CHARS),
            ]
        case (
            Action.READ_ALL
            | Action.APPROVE
            | Action.TAKE_OVER
            | Action.UNDO
            | Action.RETRY
            | Action.HAND_BACK
            | Action.RESOLVE
            | Action.DRAFT
        ):
            return []
        case _:
            assert_never(action)


def _reply(action: Action, filled: Filled) -> Json:
    written = _text(action, Field.TEXT, ASK_REPLY, filled.text, REPLY_CHARS)
    return {**written, "isRequired": True, "errorMessage": WRITE_FIRST}


def _text(action: Action, field: Field, label: str, value: str, most: int) -> Json:
    """Its value is drawn and sent as it is; a client that counts otherwise than we do must not cut it."""
    shown = inert(value)
    units = len(shown.encode("utf-16-le")) // 2
    written: Json = {
        "type": "Input.Text",
        "id": field_id(action, field),
        "label": label,
        "isMultiline": True,
        "maxLength": max(most, units),
    }
    return {**written, "value": shown} if shown else written


def _radios(action: Action, label: str, reasons: Mapping[Any, str], chosen: str | None) -> Json:
    options = [(str(reason), words) for reason, words in reasons.items()]
    return {**_choices(action, label, options, chosen), "style": "expanded"}


def _categories(action: Action, card: Card, chosen: str | None) -> Json:
    options = [(name, title or name) for name, title in card.categories[:CATEGORIES_MOST]] or [("none", "None")]
    select = _choices(action, ASK_CATEGORY, options, chosen)
    return {**select, "style": "compact", "isRequired": True, "errorMessage": CHOOSE_CATEGORY}


def _choices(action: Action, label: str, options: Sequence[tuple[str, str]], chosen: str | None) -> Json:
    choices = [{"title": one_line(words, _OPTION_CHARS) or "—", "value": value} for value, words in options]
    drawn: Json = {"type": "Input.ChoiceSet", "id": field_id(action, Field.CHOICE), "label": label, "choices": choices}
    return {**drawn, "value": chosen} if chosen in [value for value, _ in options] else drawn
