"""Forms that answer a press, in place of the card and for the presser only: fresh, or again with what was typed."""

from typing import Final

from bot.core import wording
from bot.core.cards import Action, Card
from bot.core.decisions import REPLY_CHARS, Shown
from bot.core.forms import NOT_DONE, TITLES, YOUR_TEXT
from bot.surfaces.teams.cards.buttons import BACK, CANCEL, plainly, sending
from bot.surfaces.teams.cards.elements import (
    CARD_BYTES,
    Elements,
    Json,
    adaptive,
    bold,
    dated,
    inert,
    one_line,
    paragraph,
    run,
    weight,
    wide_weight,
)
from bot.surfaces.teams.cards.everything import banner
from bot.surfaces.teams.cards.inputs import Filled, inputs
from bot.surfaces.teams.cards.parts import fill
from bot.surfaces.teams.cards.said import cut_mark, words_of
from bot.surfaces.teams.verbs import Show

FORM_BYTES: Final = 90_000  # in UTF-16: Teams refuses messages of more than 100 KB
_CONTEXT_LEAST: Final = 1500  # bytes of the customer's words, however long the text below is
_SPARE: Final = 200


def form(action: Action, card: Card, *, bound_to: Shown, filled: Filled, warning: str = "") -> Json:
    """The form of this action on this card. Sending it off is bound to `bound_to`, whatever the card now is.

    Within a card's budget, unless the text in it alone needs more: that is never cut.
    """
    buttons = [sending(action, bound_to), plainly(CANCEL, Show(), bound_to)]
    title = paragraph(run(TITLES[action][0], weight="bolder", size="medium"))
    top = [*title, *banner(warning)]
    asked = inputs(action, card, filled)
    room = CARD_BYTES - _SPARE - weight(adaptive([*top, *asked], buttons))
    return adaptive([*top, *_context(card, room), *asked], buttons)


def openable(drawn: Json) -> bool:
    """Whether Teams takes a form of this size."""
    return wide_weight(drawn) <= FORM_BYTES


def explanation(words: str, *, on: Shown, kept: str = "") -> Json:
    """Why it was not done, with the agent's words to copy."""
    text = kept if len(kept) <= REPLY_CHARS else kept[:REPLY_CHARS] + "…"
    elements = [
        *paragraph(run(NOT_DONE, weight="bolder", size="medium")),
        *paragraph(bold(wording.WARNING), dated(one_line(words, 1000))),
    ]
    if inert(text).strip():
        elements += [*paragraph(bold(YOUR_TEXT)), *paragraph(run(text), spacing="small")]
    return adaptive(elements, [plainly(BACK, Show(), on)])


def _context(card: Card, room: int) -> Elements:
    """The customer's words above the inputs: whole if there is room beside what may be typed."""
    filled = fill(words_of(card.said), max(_CONTEXT_LEAST, room))
    return [*filled.elements, *cut_mark(filled.left)]
