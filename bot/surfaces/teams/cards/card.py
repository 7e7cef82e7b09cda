"""A card as an Adaptive Card: the one grammar of every card, whatever its state, within its budget."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from bot.core import wording
from bot.core.cards import Action, Card, CardState
from bot.core.forms import FORMS
from bot.core.offering import Offered, offered, unapproved
from bot.surfaces.teams.cards.body import Room, body, line
from bot.surfaces.teams.cards.buttons import actions
from bot.surfaces.teams.cards.elements import CARD_BYTES, Json, adaptive, paragraph, subtle, weight
from bot.surfaces.teams.cards.everything import readable
from bot.surfaces.teams.cards.parts import wanted
from bot.surfaces.teams.cards.said import draft_of, lines_of, words_of

BEGINNING_BYTES: Final = 4000  # of customer's words and draft, where the card cannot hold all
ENDING_BYTES: Final = 2500  # of the text that goes out, there
SHORT_FORMS: Final = frozenset({Action.REDRAFT, Action.RECATEGORISE, Action.DISMISS, Action.REPLY})
_NO_FORMS: Final[frozenset[Action]] = frozenset()
_SPARE: Final = 1500  # cut marks, one more button, and why the one is missing that the reader looks for

ALL: Final = Room()
BEGINNING: Final = Room(ending=ENDING_BYTES)
SETTLED: Final = Room(said=600, earlier=0, draft=0, ending=600)  # nothing to do: short, among those that wait
TIGHT: Final = Room(said=0, earlier=0, draft=0, ending=0, rows=2, sources=2, words=100)


def adaptive_card(card: Card) -> Json:
    """The card within 20 KB. Approve stands only beside a draft and customer's words that are whole."""
    return _first_that_fits(_drawings(card))


def _drawings(card: Card) -> Iterable[Json]:
    """Ever smaller. What goes first are the forms that unfold in place, for they repeat the draft; then its end."""
    if card.state is CardState.CLOSED:
        yield adaptive(line(card))
    elif card.state is CardState.NOTE:
        for unfolding in (FORMS, _NO_FORMS):
            yield adaptive(line(card), _row(card, unapproved(card), unfolding))
    elif card.state in wording.SETTLED and Action.REPLY not in card.buttons:
        yield _drawn(replace(card, earlier=()), SETTLED, SHORT_FORMS)
        yield _drawn(replace(card, earlier=()), TIGHT, _NO_FORMS)
    else:
        for unfolding in (FORMS, SHORT_FORMS, _NO_FORMS) if _may_fit(card) else ():
            yield _drawn(card, ALL, unfolding)
        beginning = _shared(card, BEGINNING)
        for unfolding in (SHORT_FORMS, _NO_FORMS):
            yield _drawn(card, beginning, unfolding)
        yield _drawn(card, _shared(card, TIGHT), _NO_FORMS)


def _may_fit(card: Card) -> bool:
    """Not, if its long texts alone are too much: a letter of 20,000 characters is not drawn three times to see that."""
    texts = [one.text for one in (*card.said, *card.earlier)]
    if card.state in wording.OPEN and card.proposal is not None:
        texts.append(card.proposal.text)
    return sum(len(text.encode("utf-8", "ignore")) for text in texts) <= CARD_BYTES


def _first_that_fits(drawings: Iterable[Json]) -> Json:
    """The last one, if none does: it has nothing left that could be cut."""
    drawn = adaptive([])
    for drawn in drawings:
        if weight(drawn) <= CARD_BYTES:
            break
    return drawn


def _drawn(card: Card, room: Room, unfolding: Collection[Action]) -> Json:
    shown = body(card, room)
    row = offered(card, cut=shown.cut, readable=shown.cut and readable(card))
    why = paragraph(subtle(wording.too_long_for("Teams")), spacing="small") if row.too_long else []
    return adaptive([*shown.elements, *why], _row(card, row, unfolding))


def _row(card: Card, row: Offered, unfolding: Collection[Action]) -> list[Json]:
    return actions(card, row.buttons, row.menu, unfolding=unfolding)


def _shared(card: Card, room: Room) -> Room:
    """Who gets the room there is: the older lines at most a sixth, then the draft and the customer's words alike.

    What must be opened to be approved need not fill the channel too: a beginning says what it is.
    """
    empty = _drawn(card, replace(room, said=0, earlier=0, draft=0), _NO_FORMS)
    left = min(BEGINNING_BYTES, max(0, CARD_BYTES - _SPARE - weight(empty)))
    earlier = min(wanted(lines_of(card.earlier)), left // 6)
    left -= earlier
    words, draft = wanted(words_of(card.said)), wanted(draft_of(card))
    for_draft = min(draft, max(left // 2, left - words))
    return replace(room, said=max(0, min(words, left - for_draft)), earlier=earlier, draft=for_draft)
