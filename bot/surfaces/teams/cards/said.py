"""What people said, and the draft, as parts: drawn whole, or as far as there is room."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bot.core.addresses import web_host
from bot.core.cards import Card, File, Said
from bot.core.wording import (
    ATTACHED,
    EARLIER,
    NO_LINK,
    PROPOSED,
    UNNAMED,
    UNNAMED_FILE,
    more_characters,
    provenance,
    speaker,
)
from bot.surfaces.teams.cards.elements import (
    Elements,
    bold,
    inert,
    italic,
    linkable,
    linked,
    moment,
    one_line,
    paragraph,
    quote,
    run,
    subtle,
)
from bot.surfaces.teams.cards.parts import Part, part

AUTHOR_CHARS: Final = 80
FILE_CHARS: Final = 120
BURST: Final = timedelta(minutes=1)


def words_of(said: Sequence[Said]) -> list[Part]:
    """Everything said, oldest first, under its author and time. A burst has one heading."""
    parts: list[Part] = []
    headed: Said | None = None
    for one in said:
        head: Elements = []
        if headed is None or headed.author != one.author or one.at - headed.at >= BURST:
            head = paragraph(bold(_author(one)), run(" · "), [moment(one.at)])
            headed = one
        parts.append(_quoted(head, one.text))
        parts += [Part(head=_file(file)) for file in one.files]
    return parts


def lines_of(earlier: Sequence[Said]) -> list[Part]:
    """The lines before that, compact, newest last."""
    parts = [Part(head=paragraph(bold(EARLIER)))] if earlier else []
    for one in earlier:
        head = paragraph(run(speaker(by_agent=one.by_agent)), bold(f"{_author(one)}:"), spacing="small")
        parts.append(part(head, one.text, lambda text: paragraph(run(text), spacing="none")))
        parts += [Part(head=_file(file)) for file in one.files]
    return parts


def draft_of(card: Card) -> list[Part]:
    """The proposed reply; none where there is no draft."""
    if card.proposal is None:
        return []
    head = paragraph(bold(PROPOSED), separator=True, spacing="medium")
    return [part(head, card.proposal.text, lambda text: paragraph(run(text), spacing="small"))]


def reply_of(card: Card) -> list[Part]:
    """The text that goes or went out; none where nothing does."""
    if card.ending is None or not card.ending.text:
        return []
    return [_quoted([], card.ending.text)]


def everything_of(card: Card) -> list[Part]:
    """All a card is about, uncut."""
    draft = [*draft_of(card), Part(head=paragraph(subtle(one_line(provenance(card), 600))))] if card.proposal else []
    reply = reply_of(card)
    if card.ending is not None and reply:
        happened = paragraph(bold(one_line(card.ending.words, 300)), separator=True, spacing="medium")
        reply = [Part(head=happened), *reply]
    return [*lines_of(card.earlier), *words_of(card.said), *draft, *reply]


def cut_mark(left: int) -> Elements:
    """The visible cut; nothing where nothing was cut."""
    return paragraph(italic(more_characters(left)), spacing="small") if left else []


def _quoted(head: Elements, text: str) -> Part:
    if not inert(text).strip():
        return Part(head=[*head, *quote("")])
    return part(head, text, quote)


def _author(said: Said) -> str:
    return one_line(said.author, AUTHOR_CHARS) or UNNAMED


def _file(file: File) -> Elements:
    """The name is the sender's, the link's text is not."""
    name = one_line(file.name, FILE_CHARS) or UNNAMED_FILE
    link = linked(f"open at {web_host(file.url)}", file.url) if linkable(file.url) else run(NO_LINK)
    return paragraph(run(f"• {ATTACHED}{name} — "), link, spacing="small")
