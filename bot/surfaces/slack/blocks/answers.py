"""Answers to one person: a sentence, the queue, the figures, the help."""

from dataclasses import dataclass
from typing import Final

from bot.core import commands, wording
from bot.core.cards import Queue, QueueRow, Status
from bot.core.texts import spoken
from bot.core.verdicts import NOT_ALLOWED
from bot.surfaces.slack.blocks.elements import (
    Block,
    bold,
    bullets,
    clip,
    dated,
    escaped,
    inert,
    linked,
    moment,
    rich,
    run,
    section,
    since,
)

ROWS: Final = 20
COMMANDS: Final = tuple((f"/signoff {name}", what) for name, what in commands.COMMANDS)


@dataclass(frozen=True)
class Words:
    """Something said to one person."""

    text: str  # escaped
    blocks: list[Block]


def said(words: str) -> Words:
    """One sentence of ours; names in it are hostile, times in it are shown in the reader's zone."""
    shown = clip(inert(words), 2000) or "Done."
    return Words(escaped(spoken(shown)), rich([section(dated(shown))]))


def queue(found: Queue, links: dict[str, str]) -> Words:
    """The queue; `links` by the rows' conversation ids."""
    if found.agent is None:
        return said(NOT_ALLOWED.words)
    blocks = queue_blocks(found, links)
    return Words(escaped(f"{len(found.mine)} yours, {found.waiting_total} waiting"), blocks)


def queue_blocks(found: Queue, links: dict[str, str]) -> list[Block]:
    blocks = [block for words in found.notices[:5] for block in rich([section(bold(wording.NOTE), dated(words))])]
    if found.mine:
        blocks += rich([section(bold(wording.YOURS)), bullets(_row(row, links) for row in found.mine[:ROWS])])
        if len(found.mine) > ROWS:
            blocks += rich([section(run(f"and {len(found.mine) - ROWS} more of yours", italic=True))])
    if found.waiting:
        blocks += rich([section(bold(wording.WAITING)), bullets(_row(row, links) for row in found.waiting[:ROWS])])
        left = found.waiting_total - min(len(found.waiting), ROWS)
        if left > 0:
            blocks += rich([section(run(f"and {left} more waiting", italic=True))])
    if not found.mine and not found.waiting:
        blocks += rich([section(run(wording.NOTHING_WAITS))])
    return blocks


def status(found: Status) -> Words:
    oldest = [run(", the oldest since "), [moment(found.oldest_waiting_since)]] if found.oldest_waiting_since else []
    lines = [
        section(bold(f"{found.waiting}"), run(" waiting"), *oldest),
        section(bold(f"{found.taken_over}"), run(" taken over")),
        section(bold(f"{found.failed_deliveries}"), run(" not delivered")),
        section(bold(f"{found.sent_today}"), run(" sent today")),
        section(run("Drafter: "), bold(found.drafter)),
        *[section(dated(clip(inert(words), 300))) for words in found.pauses[:20]],
    ]
    text = f"{found.waiting} waiting, {found.taken_over} taken over, {found.failed_deliveries} not delivered"
    return Words(escaped(text), rich([bullets(lines)]))


def help_text(*, trouble: str = "") -> Words:
    """The commands, after what was wrong with the one given."""
    first = [section(dated(clip(inert(trouble), 500)))] if trouble else []
    lines = bullets(section(run(name, code=True), run(f" — {what}")) for name, what in COMMANDS)
    last = section(run(commands.MENTION))
    return Words(escaped(trouble or "What /signoff can do"), rich([*first, lines, last]))


def _row(row: QueueRow, links: dict[str, str]) -> Block:
    title = linked(clip(row.headline, 150), links.get(row.conversation_id))
    waits = [run(" · waiting since "), [since(row.waiting_since)]] if row.waiting_since else []
    owner = run(f" · owned by {clip(inert(row.owner), 60)}") if row.owner else []
    preview = run(" — " + clip(" ".join(inert(row.preview).split()), 120)) if row.preview.strip() else []
    return section(
        title,
        run(f" · {row.priority.value} priority") if row.priority.value != "normal" else [],
        *waits,
        owner,
        preview,
    )
