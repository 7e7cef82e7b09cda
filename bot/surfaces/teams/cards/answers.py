"""Answers to one person in their chat with the bot: a sentence, the queue, the figures, the help."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.core import commands, wording
from bot.core.cards import Queue, QueueRow, Status
from bot.core.verdicts import NOT_ALLOWED
from bot.surfaces.teams.cards.buttons import refreshing
from bot.surfaces.teams.cards.elements import (
    CARD_BYTES,
    Elements,
    Json,
    adaptive,
    bold,
    dated,
    italic,
    linked,
    moment,
    one_line,
    paragraph,
    run,
)
from bot.surfaces.teams.cards.parts import Part, fill

ROWS: Final = 20  # of each list, where there is room for them
_ROOM: Final = CARD_BYTES - 2000  # beside the headings, what is left out, and the button


@dataclass(frozen=True)
class Words:
    """Something said to one person: `summary` is what screen readers and notifications get."""

    summary: str
    card: Json


def said(words: str) -> Words:
    """One sentence of ours; names in it are hostile, times in it are shown in the reader's zone."""
    shown = one_line(words, 2000) or "Done."
    return Words(shown, adaptive(paragraph(dated(shown))))


def queue(found: Queue, links: dict[str, str]) -> Words:
    """The queue as this person sees it; `links` by the rows' conversation ids."""
    if found.agent is None:
        return said(NOT_ALLOWED.words)
    heading = f"{found.waiting_total} waiting, {len(found.mine)} yours"
    notices = [paragraph(bold(wording.NOTE), dated(one_line(words, 250))) for words in found.notices[:5]]
    mine = fill(_rows(found.mine, links), _ROOM // 2)
    waiting = fill(_rows(found.waiting, links), _ROOM // 3)
    body = [
        *paragraph(run(heading, weight="bolder", size="medium")),
        *[element for notice in notices for element in notice],
        *_listed(wording.YOURS, mine.elements, len(found.mine), "more of yours"),
        *_listed(wording.WAITING, waiting.elements, found.waiting_total if found.waiting else 0, "more waiting"),
    ]
    if not found.mine and not found.waiting:
        body += paragraph(run(wording.NOTHING_WAITS))
    return Words(heading, adaptive(body, [refreshing()]))


def status(found: Status) -> Words:
    """How the desk stands."""
    oldest = [run(", the oldest since "), [moment(found.oldest_waiting_since)]] if found.oldest_waiting_since else []
    lines: list[Sequence[Elements]] = [
        [bold(f"{found.waiting}"), run(" waiting"), *oldest],
        [bold(f"{found.taken_over}"), run(" taken over")],
        [bold(f"{found.failed_deliveries}"), run(" not delivered")],
        [bold(f"{found.sent_today}"), run(" sent today")],
        [run("Drafter: "), bold(one_line(found.drafter, 200))],
        *[[dated(one_line(words, 250))] for words in found.pauses[:10]],
    ]
    text = f"{found.waiting} waiting, {found.taken_over} taken over, {found.failed_deliveries} not delivered"
    return Words(text, adaptive(_bullets(lines)))


def help_text(*, trouble: str = "") -> Words:
    """The commands, after what was wrong with the one given."""
    first = paragraph(dated(one_line(trouble, 500)))
    lines = [[run(name, fontType="monospace"), run(f" — {what}")] for name, what in commands.COMMANDS]
    body = [*first, *_bullets(lines), *paragraph(run(commands.MENTION))]
    return Words(one_line(trouble, 500) or "What Signoff can do", adaptive(body))


def _listed(title: str, rows: Elements, total: int, more: str) -> Elements:
    if not total:
        return []
    left = total - len(rows)
    rest = paragraph(italic(f"and {left} {more}"), spacing="small") if left > 0 else []
    return [*paragraph(bold(title), separator=True, spacing="medium"), *rows, *rest]


def _rows(rows: Sequence[QueueRow], links: dict[str, str]) -> list[Part]:
    return [Part(head=_row(row, links.get(row.conversation_id))) for row in rows[:ROWS]]


def _row(row: QueueRow, link: str | None) -> Elements:
    priority = run(f" · {row.priority.value} priority") if row.priority.value != "normal" else []
    waits = [run(" · waiting since "), [moment(row.waiting_since)]] if row.waiting_since else []
    owner = run(f" · owned by {one_line(row.owner, 60)}") if row.owner else []
    preview = one_line(row.preview, 120)
    words = [run("• "), linked(one_line(row.headline, 150), link), priority, *waits, owner]
    return paragraph(*words, run(f" — {preview}") if preview else [], spacing="small")


def _bullets(lines: Sequence[Sequence[Elements]]) -> Elements:
    return [element for line in lines for element in paragraph(run("• "), *line, spacing="small")]
