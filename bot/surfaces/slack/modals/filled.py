"""What a form holds: the texts of its inputs, and how they join to one."""

from dataclasses import dataclass
from typing import Final

from bot.surfaces.slack.blocks.elements import split_at, units

INPUT_CHARS: Final = 3000  # Slack's limit of one input
PREFILLED_CHARS: Final = 2000  # of a part, so that every part has room to grow
_ENDS: Final = ("\n\n", "\n", " ")


@dataclass(frozen=True, kw_only=True)
class Filled:
    """`joins` has one entry less than `texts`: what stood between two parts."""

    texts: tuple[str, ...] = ("",)
    joins: tuple[str, ...] = ()
    choice: str | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """The parts as one: exactly what was split, where nothing was changed. An emptied part leaves no gap."""
        whole = ""
        for place, part in enumerate(self.texts):
            join = self.joins[place - 1] if 0 < place <= len(self.joins) else ""
            whole += (join if whole and part else "") + part
        return whole


def prefilled(text: str) -> Filled:
    """A text in parts that fit Slack's inputs, split at the ends of paragraphs where there are any."""
    if units(text) <= INPUT_CHARS - 500:
        return Filled(texts=(text,))
    texts: list[str] = []
    joins: list[str] = []
    while units(text) > PREFILLED_CHARS:
        head, _ = split_at(text, PREFILLED_CHARS)
        cut, join = _end_of(head)
        texts.append(text[:cut])
        joins.append(join)
        text = text[cut + len(join) :]
    if not text:  # it ended with a join: an empty last part would lose it
        text = texts.pop() + joins.pop()
    return Filled(texts=(*texts, text), joins=tuple(joins))


def _end_of(head: str) -> tuple[int, str]:
    """Where to split, and what is left out there: the last paragraph, line or word that ends in the second half."""
    for end in _ENDS:
        cut = head.rfind(end)
        if cut > len(head) // 2:
            return cut, end
    return len(head), ""
