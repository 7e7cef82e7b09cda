"""The small drawing verbs. Words from outside go through `run`, `quote` or `plain`, where Slack parses nothing.

Limits: https://docs.slack.dev/reference/block-kit/blocks and the pages below it. They are counted in UTF-16 units here,
as Slack's own clients count: never fewer than Slack sees.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from bot.core.addresses import is_web_address
from bot.core.texts import in_utc, legible, moments
from bot.core.wording import NO_WORDS, UNTITLED, WAITING_SINCE

Block = dict[str, Any]

HEADER_CHARS: Final = 150
CONTEXT_CHARS: Final = 2000
URL_CHARS: Final = 3000
FALLBACK_CHARS: Final = 3000  # top-level `text`: Slack advises 4,000 at most
RUN_CHARS: Final = 3000  # no limit is documented for one run of rich text; longer texts take several, seamlessly
PARTS: Final = 100  # parts of one rich_text block; more take another block

_WHEN: Final = "{date_short_pretty} at {time}"
_WHEN_AND_AGO: Final = _WHEN + " ({ago})"


def units(text: str) -> int:
    """The length as Slack counts it: an emoji outside the basic plane is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def inert(text: str) -> str:
    """Nothing in it hides, reorders or fails to be sent; line ends are \\n."""
    return legible(text)


def clip(text: str, most: int) -> str:
    """At most `most` units, with … where it was cut."""
    if units(text) <= most:
        return text
    return split_at(text, most - 1)[0].rstrip() + "…"


def split_at(text: str, most: int) -> tuple[str, str]:
    """The longest beginning of at most `most` units, and the rest."""
    end = min(len(text), max(most, 0))
    while units(text[:end]) > most:
        end -= max(1, (units(text[:end]) - most) // 2)
    return text[:end], text[end:]


def escaped(text: str, most: int = FALLBACK_CHARS) -> str:
    """For top-level `text` and mrkdwn: no mention, link or entity survives."""
    return clip(inert(text), most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, most: int) -> Block:
    """One line of plain text without emoji codes; — where there is none."""
    flat = " ".join(inert(text).split())
    return {"type": "plain_text", "text": clip(flat, most) or "—", "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER_CHARS)}


def divider() -> Block:
    return {"type": "divider"}


def note(text: str, most: int = 600) -> Block:
    """A small grey line."""
    return {"type": "context", "elements": [plain(text, min(most, CONTEXT_CHARS))]}


def run(text: str, **style: bool) -> list[Block]:
    """Words drawn as they are: rich text parses nothing. An empty text draws nothing: Slack refuses empty runs."""
    left, runs = inert(text), []
    while left:
        head, left = split_at(left, RUN_CHARS)
        runs.append({"type": "text", "text": head, **({"style": style} if style else {})})
    return runs


def bold(text: str) -> list[Block]:
    return run(text, bold=True)


def linked(title: str, url: str | None) -> list[Block]:
    """A title that links where it says, if the address is http or https; else just the title."""
    words = clip(" ".join(inert(title).split()), 200) or UNTITLED
    if url is None or not linkable(url):
        return run(words)
    return [{"type": "link", "url": url, "text": words}]


def linkable(url: str) -> bool:
    """Whether a link may go there: a web address that is short enough."""
    return is_web_address(url) and units(url) <= URL_CHARS


def moment(at: datetime) -> Block:
    """A time in the reader's own zone."""
    return {"type": "date", "timestamp": int(at.timestamp()), "format": _WHEN, "fallback": in_utc(at)}


def since(at: datetime) -> Block:
    """A time in the reader's own zone, and how long ago that is when they look."""
    return {"type": "date", "timestamp": int(at.timestamp()), "format": _WHEN_AND_AGO, "fallback": in_utc(at)}


def waiting(at: datetime) -> Block:
    """The same for context blocks, which take no rich text. Only a number goes into the markup."""
    return {"type": "mrkdwn", "text": f"{WAITING_SINCE}{_token(at, _WHEN_AND_AGO)}"}


def stamp(at: datetime) -> Block:
    """A time in the reader's own zone, for context blocks."""
    return {"type": "mrkdwn", "text": _token(at, _WHEN)}


def dated(text: str) -> list[Block]:
    """Our own sentences: ISO times in them are shown in the reader's zone."""
    pieces = moments(text)
    return [block for piece in pieces for block in (run(piece) if isinstance(piece, str) else [moment(piece)])]


def section(*runs: Sequence[Block]) -> Block:
    """One paragraph of rich text; give it to `rich`."""
    return {"type": "rich_text_section", "elements": [element for group in runs for element in group]}


def quote(text: str) -> Block:
    return {"type": "rich_text_quote", "elements": run(text) or run(NO_WORDS)}


def bullets(entries: Iterable[Block]) -> Block:
    return {"type": "rich_text_list", "style": "bullet", "elements": list(entries)}


def rich(parts: Sequence[Block], *, block_id: str | None = None) -> list[Block]:
    """Rich text blocks of these parts; none where there are none. Only the first one carries the block_id."""
    blocks: list[Block] = []
    for start in range(0, len(parts), PARTS):
        block: Block = {"type": "rich_text", "elements": list(parts[start : start + PARTS])}
        if block_id is not None:
            block["block_id"] = block_id if start == 0 else f"{block_id}-{start}"
        blocks.append(block)
    return blocks


def weight(value: object) -> int:
    """All text that blocks draw, in units: what `msg_blocks_too_long` is about."""
    total = 0
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            text = part.get("text")
            if isinstance(text, str):
                total += units(text)
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    return total


def as_sent(value: object) -> int:
    """Bytes on the wire: slack_sdk sends JSON with everything beyond ASCII escaped."""
    return len(json.dumps(value))


def _token(at: datetime, form: str) -> str:
    return f"<!date^{int(at.timestamp())}^{form}|{in_utc(at)}>"
