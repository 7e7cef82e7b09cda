"""Everything a card is about, uncut: in pages, each within a card's budget, of which the last one ends in Approve.

They answer a press, so that only the presser sees them. Every page is bound to what was shown: whoever answers the
press looks first whether the card is still that one, and begins again at page 1 if it is not.
"""

from typing import Final

from bot.core import wording
from bot.core.cards import Action, Card
from bot.core.forms import NOTHING_TO_READ, TITLES
from bot.surfaces.teams.cards.body import headed
from bot.surfaces.teams.cards.buttons import BACK, plainly
from bot.surfaces.teams.cards.elements import (
    CARD_BYTES,
    Elements,
    Json,
    adaptive,
    bold,
    dated,
    one_line,
    paragraph,
    run,
    subtle,
)
from bot.surfaces.teams.cards.parts import pages
from bot.surfaces.teams.cards.said import everything_of
from bot.surfaces.teams.verbs import PAGES_MOST, Decide, Read, Show

NEXT: Final = "Read on"
BEFORE: Final = "Page before"
_FRAME_BYTES: Final = 6000  # the headline, a warning, the buttons
_ROOM: Final = CARD_BYTES - _FRAME_BYTES


def everything(card: Card, page: int = 1, *, warning: str = "") -> Json:
    """One page of it; the last one, if there are not so many."""
    found = pages(everything_of(card), _ROOM) or [paragraph(run(NOTHING_TO_READ))]
    number = max(1, min(page, len(found), PAGES_MOST))
    of = f"Page {number} of {len(found)}" if len(found) > 1 else ""
    elements = [*banner(warning), *headed(card), *paragraph(subtle(of), spacing="none"), *found[number - 1]]
    return adaptive(elements, _buttons(card, number, len(found)))


def readable(card: Card) -> bool:
    """Whether the pages hold all there is."""
    return len(pages(everything_of(card), _ROOM)) <= PAGES_MOST


def approvable(card: Card) -> bool:
    """Whether reading it all may end in Approve: the card asks for it, and there is a draft that the pages hold."""
    asked = Action.APPROVE in card.buttons or Action.READ_ALL in card.buttons
    return asked and card.proposal is not None and bool(card.proposal.text.strip()) and readable(card)


def banner(warning: str) -> Elements:
    """What changed while somebody read or wrote."""
    words = [bold(wording.WARNING), dated(one_line(warning, 300))] if warning else []
    return paragraph(*words)


def _buttons(card: Card, number: int, total: int) -> list[Json]:
    buttons = []
    if number < min(total, PAGES_MOST):
        buttons.append(plainly(NEXT, Read(number + 1), card.shown, style="positive"))
    elif number == total and approvable(card):
        send = TITLES[Action.READ_ALL][1]
        buttons.append(plainly(send, Decide(Action.APPROVE), card.shown, style="positive"))
    if number > 1:
        buttons.append(plainly(BEFORE, Read(number - 1), card.shown))
    return [*buttons, plainly(BACK, Show(), card.shown)]
