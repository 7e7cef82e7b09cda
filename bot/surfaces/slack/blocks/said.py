"""What people said, and the draft: whole, or visibly cut."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.core.addresses import web_host
from bot.core.cards import File, Proposal, Said
from bot.core.wording import ATTACHED, NO_LINK, UNNAMED, UNNAMED_FILE, more_characters, speaker
from bot.surfaces.slack.blocks.elements import (
    Block,
    bold,
    bullets,
    clip,
    inert,
    linkable,
    linked,
    moment,
    quote,
    run,
    section,
    split_at,
    units,
)

AUTHOR_CHARS = 80
FILE_CHARS = 120
BURST = timedelta(minutes=1)


@dataclass(frozen=True)
class Drawn:
    """Parts of a rich text block, and the characters that found no room."""

    parts: list[Block]
    left: int


def words_of(said: Sequence[Said], room: int) -> Drawn:
    """Everything said, oldest first, under its author and time, until the room is used up. A burst has one heading."""
    headed: list[Said] = []

    def paragraph(one: Said, text: str) -> list[Block]:
        if headed and headed[-1].author == one.author and one.at - headed[-1].at < BURST:
            return [quote(text)]
        headed.append(one)
        return [section(bold(_author(one)), run(" · "), [moment(one.at)]), quote(text)]

    return _until_full(said, room, paragraph)


def lines_of(earlier: Sequence[Said], room: int) -> Drawn:
    """The lines before that, compact, newest last."""

    def line(one: Said, text: str) -> list[Block]:
        return [section(run(speaker(by_agent=one.by_agent)), bold(f"{_author(one)}: "), run(text))]

    return _until_full(earlier, room, line)


def _until_full(said: Sequence[Said], room: int, paragraph: Callable[[Said, str], list[Block]]) -> Drawn:
    parts: list[Block] = []
    left = 0
    for place, one in enumerate(said):
        if left or (place and room <= 0):
            left += max(1, units(one.text))
            continue
        shown, rest = split_at(inert(one.text), room)
        room -= _overhead(one) + units(shown)
        files, unlisted = _files(one.files, 0 if rest else room)
        room -= sum(map(_file_units, one.files))
        parts += [*paragraph(one, shown), *files]
        left = units(rest) + unlisted
    return Drawn(parts, left)


def draft_of(proposal: Proposal, room: int) -> Drawn:
    """The proposed reply."""
    shown, rest = split_at(inert(proposal.text), room)
    return Drawn([section(run(shown))] if shown else [], units(rest))


def wanted(said: Sequence[Said]) -> int:
    """The room that would show it all."""
    return sum(units(inert(one.text)) + _overhead(one) + sum(map(_file_units, one.files)) for one in said)


def cut_mark(left: int) -> list[Block]:
    """The visible cut; nothing where nothing was cut."""
    return [section(run(more_characters(left), italic=True))] if left else []


def _author(said: Said) -> str:
    return clip(" ".join(inert(said.author).split()), AUTHOR_CHARS) or UNNAMED


def _overhead(said: Said) -> int:
    return units(_author(said)) + 25  # its separator, "Customer ", and a quote that must not be empty


def _files(files: Sequence[File], room: int) -> tuple[list[Block], int]:
    """A list of files, and the characters that found no room. The name is the sender's, the link's text is not."""
    entries: list[Block] = []
    for place, file in enumerate(files):
        if (room := room - _file_units(file)) < 0:
            return ([bullets(entries)] if entries else []), sum(map(_file_units, files[place:]))
        link = linked(f"open at {web_host(file.url)}", file.url) if linkable(file.url) else []
        entries.append(section(run(ATTACHED + _file_name(file)), run(" — "), link or run(NO_LINK)))
    return ([bullets(entries)] if entries else []), 0


def _file_name(file: File) -> str:
    return clip(" ".join(inert(file.name).split()), FILE_CHARS) or UNNAMED_FILE


def _file_units(file: File) -> int:
    return units(_file_name(file)) + min(units(web_host(file.url)), 200) + 24
