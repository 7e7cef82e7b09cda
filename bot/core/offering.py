"""Which buttons stand under a card as it was drawn: Approve only beside a draft and customer's words that are whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.core.cards import LABELS, Action, Card
from bot.core.wording import OPEN

APPROVING: Final = (Action.APPROVE, Action.READ_ALL)
READ_ONLY: Final = "Read all…"  # READ_ALL where there is nothing to approve


@dataclass(frozen=True, kw_only=True)
class Offered:
    """`too_long`: nothing can show it all, and the reader is to be told so."""

    buttons: tuple[Action, ...]
    menu: tuple[Action, ...]
    too_long: bool = False


def offered(card: Card, *, cut: bool, readable: bool) -> Offered:
    """The buttons under a drawing. `cut`: it shows not all there is; `readable`: a form of the surface could.

    Where something was cut, reading all comes before approving; where nothing can show all, neither.
    """
    readable = cut and readable
    if not any(action in APPROVING for action in (*card.buttons, *card.menu)):
        return Offered(buttons=(*card.buttons, *([Action.READ_ALL] if readable else [])), menu=card.menu)
    drawn = card.state in OPEN and card.proposal is not None and bool(card.proposal.text.strip())
    if drawn and not cut and Action.READ_ALL not in (*card.buttons, *card.menu):
        return Offered(buttons=card.buttons, menu=card.menu)
    instead = [Action.READ_ALL] if (readable or not cut) and (drawn or cut) else []
    return Offered(
        buttons=_replaced(card.buttons, instead), menu=_replaced(card.menu, instead), too_long=cut and not readable
    )


def unapproved(card: Card) -> Offered:
    """The buttons of a line that shows no draft."""
    return Offered(buttons=_replaced(card.buttons, []), menu=_replaced(card.menu, []))


def label(card: Card, action: Action) -> str:
    """What the button says on this card."""
    approving = card.proposal is not None and not set(APPROVING).isdisjoint(card.buttons)
    return READ_ONLY if action is Action.READ_ALL and not approving else LABELS[action]


def _replaced(actions: Sequence[Action], instead: Sequence[Action]) -> tuple[Action, ...]:
    replaced: list[Action] = []
    for action in actions:
        replaced += instead if action in APPROVING else [action]
    return tuple(dict.fromkeys(replaced))
