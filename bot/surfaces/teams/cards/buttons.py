"""Buttons and the menu of a card, bound to what the card shows; forms that have room unfold in place."""

from collections.abc import Collection, Sequence
from typing import Final

from bot.core.cards import PRIMARY, Action, Card
from bot.core.decisions import Shown
from bot.core.forms import FORMS, TITLES
from bot.core.offering import label
from bot.surfaces.teams import verbs
from bot.surfaces.teams.cards.elements import Elements, Json
from bot.surfaces.teams.cards.inputs import Filled, fresh, inputs
from bot.surfaces.teams.verbs import Decide, Open, Read, Verb

BUTTONS_MOST: Final = (
    6  # in a row: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
)
BACK: Final = "Back to the card"
CANCEL: Final = "Cancel"
CLOSE: Final = "Close"
REFRESH: Final = "Refresh"


def actions(
    card: Card, buttons: Sequence[Action], menu: Sequence[Action], *, unfolding: Collection[Action]
) -> Elements:
    """The row of buttons, and behind its dots the menu. Forms not among `unfolding` are answered with a form."""
    pressed = list(dict.fromkeys(buttons))
    listed = [action for action in dict.fromkeys(menu) if action not in pressed]
    row = [
        _button(card, action, unfolding, primary=place == 0 and action in PRIMARY)
        for place, action in enumerate(pressed)
    ]
    beyond = [{**button, "mode": "secondary"} for button in row[BUTTONS_MOST:]]
    hidden = [{**_button(card, action, unfolding, primary=False), "mode": "secondary"} for action in listed]
    return [*row[:BUTTONS_MOST], *beyond, *hidden]


def sending(action: Action, bound_to: Shown) -> Json:
    """The button that sends a form off."""
    return execute(TITLES[action][1], Decide(action), bound_to, style="positive")


def plainly(title: str, verb: Verb, on: Shown, **more: str) -> Json:
    """A button that takes nothing of what was typed along."""
    return execute(title, verb, on, associatedInputs="none", **more)


def execute(title: str, verb: Verb, on: Shown, **more: str) -> Json:
    return {"type": "Action.Execute", "title": title, **verbs.written(verb, on), **more}


def refreshing() -> Json:
    """The button under a queue."""
    return {"type": "Action.Execute", "title": REFRESH, **verbs.queue_asked(), "associatedInputs": "none"}


def _button(card: Card, action: Action, unfolding: Collection[Action], *, primary: bool) -> Json:
    title = label(card, action)
    style = {"style": "positive"} if primary else {}
    if action is Action.READ_ALL:
        return plainly(title, Read(1), card.shown, **style)
    if action not in FORMS:
        return plainly(title, Decide(action), card.shown, **style)
    if action not in unfolding:
        return plainly(title, Open(action), card.shown, **style)
    return {"type": "Action.ShowCard", "title": title, "card": _unfolded(card, action, fresh(action, card)), **style}


def _unfolded(card: Card, action: Action, filled: Filled) -> Json:
    return {
        "type": "AdaptiveCard",
        "body": inputs(action, card, filled),
        "actions": [sending(action, card.shown)],
    }
