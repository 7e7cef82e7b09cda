"""The words around what people wrote: the same on every surface's cards."""

from typing import Final

from bot.core.cards import Card, CardState

OPEN: Final = (CardState.WAITING, CardState.TAKEN_OVER)  # the draft is drawn
SETTLED: Final = (CardState.SENT, CardState.DISMISSED)  # nothing to do: short, among those that wait
SYMBOLS: Final = {
    CardState.HELD: "⏳ ",
    CardState.SENDING: "⏳ ",
    CardState.SENT: "✓ ",
    CardState.FAILED: "⚠ ",
    CardState.DISMISSED: "✕ ",
}
NAMELESS: Final = "Signoff"  # a card that says nothing else to screen readers
UNNAMED: Final = "Unnamed"
NO_WORDS: Final = "(no words)"
UNTITLED: Final = "untitled"

NOTE: Final = "Note: "
WARNING: Final = "⚠ "
WAITING_SINCE: Final = "Waiting since "
WHY: Final = "Why this needs care: "
EARLIER: Final = "Earlier"
PROPOSED: Final = "Proposed reply"
SOURCES: Final = "Sources: "
CAUTION: Final = "AI can be wrong: check before sending"
NO_DRAFT: Final = "No draft. "
OFFERS: Final = "What we have on this:"
DELIVERY: Final = "Delivery: "

ATTACHED: Final = "Attached: "
NO_LINK: Final = "no usable link"
UNNAMED_FILE: Final = "unnamed file"

YOURS: Final = "Yours"
WAITING: Final = "Waiting"
NOTHING_WAITS: Final = "Nothing waits. Every customer has an answer."


def too_long_for(surface: str) -> str:
    """In place of Approve, where no form can show it all. `surface`: "Slack"."""
    return f"Too long for {surface} to show whole, so it cannot be approved here: edit it or take over."


def more_characters(left: int) -> str:
    """The visible cut."""
    return f"… {left:,} more characters: Read all"


def speaker(*, by_agent: bool) -> str:
    """Who is an agent is said where no name can say it."""
    return "Agent " if by_agent else "Customer "


def provenance(card: Card) -> str:
    """Evidence, and what made the draft; empty without one."""
    if card.proposal is None:
        return ""
    caution = "" if card.proposal.offline else CAUTION
    return " · ".join(filter(None, (card.proposal.evidence, card.proposal.made_by, caution)))
