"""What stands above a card's buttons."""

from dataclasses import dataclass
from typing import Final

from bot.core import wording
from bot.core.cards import Card, CardState, Cited, Ending, Offer, Reason
from bot.surfaces.teams.cards.elements import (
    Elements,
    bold,
    cited,
    dated,
    italic,
    linked,
    moment,
    one_line,
    paragraph,
    quote,
    run,
    subtle,
)
from bot.surfaces.teams.cards.parts import fill
from bot.surfaces.teams.cards.said import cut_mark, draft_of, lines_of, reply_of, words_of

SOURCES: Final = 8
HEADLINE_CHARS: Final = 150
LONG_WORDS: Final = 300
_PLENTY: Final = 10**9


@dataclass(frozen=True, kw_only=True)
class Room:
    """Bytes that the long texts may take, and how much of everything else is drawn."""

    said: int = _PLENTY
    earlier: int = _PLENTY
    draft: int = _PLENTY
    ending: int = _PLENTY
    rows: int = 5  # notices and reasons, each
    sources: int = SOURCES
    words: int = LONG_WORDS  # characters of one of them


@dataclass(frozen=True)
class Body:
    """`cut`: customer's words, the draft or the reply are not all there."""

    elements: Elements
    cut: bool


def body(card: Card, room: Room) -> Body:
    open_question = card.state in wording.OPEN
    earlier = fill(lines_of(card.earlier), room.earlier)
    words = fill(words_of(card.said), room.said)
    draft = fill(draft_of(card) if open_question else [], room.draft)
    reply = fill(reply_of(card), room.ending)
    elements = [*headed(card), *[_notice(words, room) for words in card.notices[: room.rows]]]
    if open_question:
        elements += _reasons(card, room)
    elements += [*earlier.elements, *cut_mark(earlier.left), *words.elements, *cut_mark(words.left)]
    if card.ending is not None:
        elements += [*_ending(card, card.ending, room), *reply.elements, *cut_mark(reply.left)]
    if open_question and card.proposal is not None:
        elements += [*draft.elements, *cut_mark(draft.left), *_provenance(card, room)]
    if open_question and card.proposal is None:
        elements += _without_draft(card, room)
    return Body(elements, cut=any(part.rest for part in (earlier, words, draft, reply)))


def headed(card: Card) -> Elements:
    """Who and what, and how long they wait."""
    small = {"isSubtle": True, "size": "small"}
    facts = run(one_line(" · ".join(card.facts), 400 if card.facts else 0), **small)
    waits = [*run(wording.WAITING_SINCE, **small), moment(card.waiting_since, **small)] if card.waiting_since else []
    between = run(" · ", **small) if facts and waits else []
    return [
        *paragraph(run(one_line(card.headline, HEADLINE_CHARS) or wording.UNNAMED, weight="bolder", size="medium")),
        *paragraph(facts, between, waits, spacing="none"),
    ]


def line(card: Card) -> Elements:
    """One small line: what it was, and what became of it."""
    small = {"isSubtle": True, "size": "small"}
    headline = run(one_line(card.headline, HEADLINE_CHARS) or wording.UNNAMED, **small)
    if card.ending is not None:
        ours = [text for text in (card.ending.words, card.ending.delivery) if text]
        rest = [dated(f" · {one_line(text, LONG_WORDS)}", **small) for text in ours]
        rest += [[*run(" · ", **small), moment(card.ending.at, **small)]]
    elif card.notices:
        rest = [dated(f" · {one_line(card.notices[0], LONG_WORDS)}", **small)]
    else:
        rest = [run(f" · {one_line(one.text, LONG_WORDS)}", **small) for one in card.said[-1:]]
    return paragraph(headline, *rest)


def _notice(words: str, room: Room) -> dict[str, object]:
    return paragraph(bold(wording.NOTE), dated(one_line(words, room.words)), spacing="small")[0]


def _reasons(card: Card, room: Room) -> Elements:
    found = card.reasons[: room.rows]
    if len(found) == 1:
        return paragraph(run(wording.WHY), *_reason(found[0], room), spacing="small")
    entries = [element for one in found for element in paragraph(run("• "), *_reason(one, room), spacing="none")]
    return [*paragraph(run(wording.WHY), spacing="small"), *entries] if entries else []


def _reason(reason: Reason, room: Room) -> list[Elements]:
    quoted = one_line(reason.quote, min(200, room.words))
    return [bold(one_line(reason.words, min(120, room.words))), italic(f" — “{quoted}”") if quoted else []]


def _provenance(card: Card, room: Room) -> Elements:
    """Sources by title and link, evidence, and what made the draft."""
    found = card.proposal.sources if card.proposal else ()
    runs = [bold(wording.SOURCES)] if found else []
    for place, source in enumerate(found[: room.sources]):
        runs += [run(" · ") if place else [], _source(place + 1, source)]
    left = len(found) - room.sources
    more = run(f" · and {left} more") if left > 0 else []
    made = one_line(wording.provenance(card), 2 * room.words)
    return [*paragraph(*runs, more, spacing="small"), *paragraph(subtle(made), spacing="small")]


def _source(number: int, source: Cited) -> Elements:
    version = run(f" (v{source.version})") if source.version > 1 else []
    return [cited(number), *linked(one_line(source.title, 120), source.url), *version]


def _without_draft(card: Card, room: Room) -> Elements:
    why = [bold(wording.NO_DRAFT), dated(one_line(card.missing, 400))] if card.missing else []
    elements = paragraph(*why, separator=True, spacing="medium")
    if card.offers:
        elements += paragraph(bold(wording.OFFERS), spacing="small")
    for offer in card.offers[: min(3, room.rows)]:
        elements += _offer(offer, room)
    return elements


def _offer(offer: Offer, room: Room) -> Elements:
    most = min(500, 2 * room.words)
    shown = offer.text if len(offer.text) <= most else offer.text[: most - 1] + "…"
    return [*paragraph(linked(one_line(offer.title, 120), offer.url), spacing="small"), *quote(shown)]


def _ending(card: Card, ending: Ending, room: Room) -> Elements:
    """Who did what, when, and how its delivery stands."""
    symbol = wording.SYMBOLS.get(card.state, "")
    colour = {"color": "attention"} if card.state is CardState.FAILED else {}
    happened = run(symbol + one_line(ending.words, room.words), weight="bolder", **colour)
    delivery = [bold(wording.DELIVERY), dated(one_line(ending.delivery, room.words))] if ending.delivery else []
    return [
        *paragraph(happened, run(" · "), [moment(ending.at)], separator=True, spacing="medium"),
        *paragraph(*delivery, spacing="small"),
    ]
