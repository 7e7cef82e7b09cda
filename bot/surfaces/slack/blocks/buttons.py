"""Buttons and the overflow menu of a card, bound to what the card shows."""

from collections.abc import Sequence
from typing import Final

from bot.core.cards import PRIMARY, Action, Card
from bot.core.decisions import Shown
from bot.core.offering import label
from bot.surfaces.slack.blocks.elements import Block, plain

MENU: Final = "menu"  # the overflow's action_id
REFRESH: Final = "refresh"  # the Home's button
MENU_OPTIONS: Final = 5
_LABEL_CHARS: Final = 75


def actions(card: Card, buttons: Sequence[Action], menu: Sequence[Action]) -> list[Block]:
    """The row of buttons, none where there is nothing to press.

    A button carries what was shown in its value (2,000 characters); a menu's option holds only 150, so that the
    menu's press is bound by the block's id (255), which comes back with it.
    """
    pressed = list(dict.fromkeys([*buttons, *menu[MENU_OPTIONS:]]))
    listed = [action for action in dict.fromkeys(menu[:MENU_OPTIONS]) if action not in pressed]
    packed = card.shown.pack()
    elements = [
        _button(card, action, packed, primary=place == 0 and action in PRIMARY) for place, action in enumerate(pressed)
    ]
    if listed:
        elements.append(_overflow(card, listed))
    return [{"type": "actions", "block_id": packed, "elements": elements}] if elements else []


def shown_in(packed: str) -> Shown:
    """What a button's value or an actions block's id was bound to. Raises ValueError for what is not ours."""
    return Shown.unpack(packed)


def _button(card: Card, action: Action, packed: str, *, primary: bool) -> Block:
    words = label(card, action)
    spoken = plain(f"{words.rstrip('…')}: {card.headline}", _LABEL_CHARS)["text"]
    button: Block = {
        "type": "button",
        "action_id": str(action),
        "text": plain(words, _LABEL_CHARS),
        "value": packed,
        "accessibility_label": spoken,
    }
    return {**button, "style": "primary"} if primary else button


def _overflow(card: Card, menu: Sequence[Action]) -> Block:
    options = [{"text": plain(label(card, action), _LABEL_CHARS), "value": str(action)} for action in menu]
    return {"type": "overflow", "action_id": MENU, "options": options}
