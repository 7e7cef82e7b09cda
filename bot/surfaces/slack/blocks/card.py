"""A card as a Slack message: the one grammar of every card, whatever its state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.core import wording
from bot.core.cards import Action, Card, CardState, Cited, Ending, Offer
from bot.core.offering import offered, unapproved
from bot.core.texts import spoken
from bot.surfaces.slack.blocks import said
from bot.surfaces.slack.blocks.buttons import actions
from bot.surfaces.slack.blocks.elements import (
    Block,
    bold,
    bullets,
    clip,
    dated,
    divider,
    escaped,
    header,
    inert,
    linked,
    moment,
    note,
    plain,
    quote,
    rich,
    run,
    section,
    split_at,
    stamp,
    units,
    waiting,
    weight,
)
from bot.surfaces.slack.blocks.everything import everything, fits_a_form
from bot.surfaces.slack.blocks.said import Drawn

MESSAGE_BLOCKS: Final = 50
BEGINNING_CHARS: Final = 3000  # of customer's words and draft, where the card cannot hold all
ENDING_CHARS: Final = 2500
MESSAGE_CHARS: Final = 10_000  # msg_blocks_too_long is undocumented; seen from 11,341 characters on
SOURCES: Final = 8
_SPARE: Final = 400  # cut marks, and a notice that a form cannot hold it either


@dataclass(frozen=True)
class Message:
    """What chat.postMessage and chat.update are given."""

    text: str  # escaped: all that screen readers and notifications get
    blocks: list[Block]


@dataclass(frozen=True, kw_only=True)
class Room:
    """Characters that the long texts may take."""

    said: int
    earlier: int
    draft: int
    ending: int = 10**9


ALL: Final = Room(said=10**9, earlier=10**9, draft=10**9)
NONE: Final = Room(said=0, earlier=0, draft=0)
SETTLED: Final = Room(said=400, earlier=0, draft=0, ending=400)  # nothing to do: short, among those that wait


def message(card: Card) -> Message:
    """The card within Slack's limits. Approve stands only beside a draft and customer's words that are whole."""
    text = escaped(spoken(card.summary)) or escaped(card.headline) or wording.NAMELESS
    if card.state is CardState.CLOSED:
        return Message(text, [_line(card)])
    if card.state is CardState.NOTE:
        row = unapproved(card)
        return Message(text, [_line(card), *actions(card, row.buttons, row.menu)])
    if card.state in wording.SETTLED and Action.REPLY not in card.buttons:
        blocks, cut = _draw(replace(card, earlier=()), SETTLED)
        return Message(text, [*blocks, *_offered(card, cut=cut)])
    blocks, cut = _draw(card, ALL)
    if _fits([*blocks, *actions(card, card.buttons, card.menu)]):
        return Message(text, [*blocks, *_offered(card, cut=cut)])
    blocks, cut = _draw(card, _share(card))
    return Message(text, [*blocks, *_offered(card, cut=cut)])


def _draw(card: Card, room: Room) -> tuple[list[Block], bool]:
    """The blocks above the buttons, and whether customer's words or the draft were cut."""
    open_question = card.state in wording.OPEN
    blocks = [header(card.headline), *_facts(card), *[_notice(words) for words in card.notices[:5]]]
    if open_question:
        blocks += _reasons(card)
    earlier = said.lines_of(card.earlier, room.earlier)
    words = said.words_of(card.said, room.said)
    if earlier.parts:
        blocks += rich([section(bold(wording.EARLIER)), *earlier.parts, *said.cut_mark(earlier.left)])
    blocks += rich([*words.parts, *said.cut_mark(words.left)])
    left = earlier.left + words.left
    if card.ending is not None:
        ending = _ending(card, card.ending, room.ending)
        blocks += [divider(), *rich(ending.parts)]
        left += ending.left
    if open_question and card.proposal is not None:
        draft = said.draft_of(card.proposal, room.draft)
        blocks += [divider(), *rich([section(bold(wording.PROPOSED)), *draft.parts, *said.cut_mark(draft.left)])]
        blocks += _provenance(card)
        left += draft.left
    if open_question and card.proposal is None:
        blocks += _without_draft(card)
    return blocks, left > 0


def _share(card: Card) -> Room:
    """Who gets the room there is: the older lines at most a sixth, then the draft and the customer's words alike.

    What must be opened to be approved need not fill the channel too: a beginning says what it is.
    """
    empty, _ = _draw(card, NONE)
    taken = weight([*empty, *actions(card, [*card.buttons, Action.READ_ALL], card.menu)])
    room = min(BEGINNING_CHARS, max(0, MESSAGE_CHARS - _SPARE - taken))
    earlier = min(said.wanted(card.earlier), room // 6)
    room -= earlier
    words = said.wanted(card.said)
    draft = units(inert(card.proposal.text)) if card.proposal is not None else 0
    for_draft = min(draft, max(room // 2, room - words))
    return Room(said=max(0, min(words, room - for_draft)), earlier=earlier, draft=for_draft)


def _fits(blocks: list[Block]) -> bool:
    return len(blocks) <= MESSAGE_BLOCKS and weight(blocks) <= MESSAGE_CHARS


def _offered(card: Card, *, cut: bool) -> list[Block]:
    """The buttons, after why the one is missing that the reader looks for."""
    row = offered(card, cut=cut, readable=cut and fits_a_form(everything(card)))
    why = [note(wording.too_long_for("Slack"))] if row.too_long else []
    return [*why, *actions(card, row.buttons, row.menu)]


def _facts(card: Card) -> list[Block]:
    elements = [plain(" · ".join(card.facts), 400)] if card.facts else []
    if card.waiting_since is not None:
        elements.append(waiting(card.waiting_since))
    return [{"type": "context", "elements": elements}] if elements else []


def _notice(words: str) -> Block:
    return rich([section(bold(wording.NOTE), dated(clip(inert(words), 250)))])[0]


def _reasons(card: Card) -> list[Block]:
    entries = []
    for reason in card.reasons[:5]:
        words = bold(clip(inert(reason.words), 120))
        quoted = run(f" — “{clip(' '.join(inert(reason.quote).split()), 200)}”", italic=True) if reason.quote else []
        entries.append(section(words, quoted))
    why = run(wording.WHY)
    if len(entries) == 1:
        return rich([section(why, entries[0]["elements"])])
    return rich([section(why), bullets(entries)]) if entries else []


def _provenance(card: Card) -> list[Block]:
    """Sources by title and link, evidence, and what made the draft."""
    assert card.proposal is not None
    proposal = card.proposal
    blocks = rich([section(*_sources(proposal.sources))]) if proposal.sources else []
    return [*blocks, note(wording.provenance(card))]


def _sources(sources: Sequence[Cited]) -> list[list[Block]]:
    """In one line: a card is read from the top, and these stand below the draft."""
    runs = [bold(wording.SOURCES)]
    for place, source in enumerate(sources[:SOURCES]):
        version = run(f" (v{source.version})") if source.version > 1 else []
        runs += [run(" · ") if place else [], linked(clip(source.title, 120), source.url), version]
    left = len(sources) - SOURCES
    return [*runs, run(f" · and {left} more")] if left > 0 else runs


def _without_draft(card: Card) -> list[Block]:
    parts = [section(bold(wording.NO_DRAFT), dated(clip(inert(card.missing), 400)))] if card.missing else []
    if card.offers:
        parts.append(section(bold(wording.OFFERS)))
    for offer in card.offers[:3]:
        parts += _offer(offer)
    return rich(parts)


def _offer(offer: Offer) -> list[Block]:
    shown, rest = split_at(inert(offer.text), 500)
    return [section(linked(clip(offer.title, 120), offer.url)), quote(shown + ("…" if rest else ""))]


def _ending(card: Card, ending: Ending, room: int) -> Drawn:
    """Who did what, when, how its delivery stands, and the text that goes out."""
    happened = section(
        bold(wording.SYMBOLS.get(card.state, "") + clip(inert(ending.words), 300)), run(" · "), [moment(ending.at)]
    )
    parts = [happened]
    if ending.delivery:
        parts.append(section(bold(wording.DELIVERY), dated(clip(inert(ending.delivery), 300))))
    if ending.text is None:
        return Drawn(parts, 0)
    shown, rest = split_at(inert(ending.text), min(room, ENDING_CHARS))
    return Drawn([*parts, quote(shown), *said.cut_mark(units(rest))], units(rest))


def _line(card: Card) -> Block:
    """One small line: what it was, and what became of it."""
    if card.ending is not None:
        rest = [card.ending.words, card.ending.delivery]
    elif card.notices:
        rest = [card.notices[0]]
    else:
        rest = [one.text for one in card.said[-1:]]
    words = " · ".join([card.headline, *filter(None, (clip(" ".join(inert(text).split()), 300) for text in rest))])
    parts = [plain(words, 800)]
    if card.ending is not None:
        parts.append(stamp(card.ending.at))
    return {"type": "context", "elements": parts}
