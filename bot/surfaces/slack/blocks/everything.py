"""Everything a card is about, uncut: what the "Read all" form shows."""

from typing import Final

from bot.core.cards import Card
from bot.core.wording import EARLIER, PROPOSED
from bot.surfaces.slack.blocks.elements import Block, as_sent, bold, divider, inert, note, quote, rich, section
from bot.surfaces.slack.blocks.said import draft_of, lines_of, words_of

VIEW_BLOCKS: Final = 100
VIEW_BYTES: Final = 250_000  # view_too_large beyond
_SPARE_BYTES: Final = 10_000  # the form around it: titles, metadata, a warning
_SPARE_BLOCKS: Final = 8
_ALL: Final = 10**9


def everything(card: Card) -> list[Block]:
    """The customer's words, and the draft or the reply, whole."""
    blocks: list[Block] = []
    if card.earlier:
        blocks += rich([section(bold(EARLIER)), *lines_of(card.earlier, _ALL).parts], block_id="earlier")
    blocks += rich(words_of(card.said, _ALL).parts, block_id="said")
    if card.proposal is not None:
        parts = [section(bold(PROPOSED)), *draft_of(card.proposal, _ALL).parts]
        blocks += [divider(), *rich(parts, block_id="draft"), note(card.proposal.made_by)]
    if card.ending is not None and card.ending.text:
        sent = quote(card.ending.text)
        blocks += [divider(), *rich([section(bold(inert(card.ending.words))), sent], block_id="reply")]
    return blocks


def fits_a_form(blocks: list[Block], *, spare: int = 0) -> bool:
    """Whether a form can hold these blocks, with `spare` bytes for what else stands in it."""
    return len(blocks) <= VIEW_BLOCKS - _SPARE_BLOCKS and as_sent(blocks) + spare <= VIEW_BYTES - _SPARE_BYTES
