"""Long texts in parts that fill the room there is, and go on where the next room begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.surfaces.teams.cards.elements import Elements, inert, split_at, weight

_SLIVER: Final = 200  # bytes: less of a text is not begun at the end of a room
_COMMA: Final = 1
_LONGEST: Final = 10**9


@dataclass(frozen=True, kw_only=True)
class Part:
    """`head` stands before the text, once; `text` is inert, and may be drawn in pieces. Empty: the head is all."""

    head: Elements
    text: str = ""
    draw: Callable[[str], Elements] = lambda text: []  # only called with some text


@dataclass(frozen=True)
class Filled:
    """What found room, and what did not."""

    elements: Elements
    rest: tuple[Part, ...] = ()

    @property
    def left(self) -> int:
        """Characters that found no room; at least one for each part."""
        return sum(max(1, len(part.text)) for part in self.rest)


def fill(parts: Sequence[Part], room: int = _LONGEST) -> Filled:
    """As many parts as fit, in order, the last one perhaps not whole. `room`: bytes."""
    elements: Elements = []
    for place, part in enumerate(parts):
        left = room - _cost(part.head)
        begun, rest = _begun(part, left, least=_SLIVER if elements else 1)
        if left < 0 or (part.text and not begun):
            return Filled(elements, tuple(parts[place:]))
        drawn = part.draw(begun) if begun else []
        elements += [*part.head, *drawn]
        room = left - _cost(drawn)
        if rest:
            return Filled(elements, (replace(part, head=[], text=rest), *parts[place + 1 :]))
    return Filled(elements)


def _begun(part: Part, room: int, *, least: int) -> tuple[str, str]:
    """As much of its text as fits, and the rest; none of it if that would be less than `least` bytes."""
    if not part.text:
        return "", ""
    begun, rest = split_at(part.text, room - _cost(part.draw("x")) + 1)
    return (begun, rest) if not rest or len(begun.encode()) >= least else ("", part.text)


def pages(parts: Sequence[Part], room: int) -> list[Elements]:
    """All parts, in rooms of so many bytes each."""
    found: list[Elements] = []
    rest = tuple(parts)
    while rest:
        filled = fill(rest, room)
        if not filled.elements:
            raise ValueError(f"no page of {room} bytes holds the head of a part")
        found.append(filled.elements)
        rest = filled.rest
    return found


def wanted(parts: Sequence[Part]) -> int:
    """The bytes that would hold them all."""
    return sum(_cost(part.head) + (_cost(part.draw(part.text)) if part.text else 0) for part in parts)


def part(head: Elements, text: str, draw: Callable[[str], Elements]) -> Part:
    return Part(head=head, text=inert(text), draw=draw)


def _cost(elements: Elements) -> int:
    """What they add to an array that holds others."""
    return weight(elements) - 2 + _COMMA if elements else 0
