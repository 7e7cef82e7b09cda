"""The small drawing verbs. Every word goes through `run`, `dated` or `moment`: TextRuns, where Teams reads no markdown.

https://adaptivecards.io/explorer/RichTextBlock.html. Sizes are bytes of compact JSON in UTF-8, as posted.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bot.core.addresses import is_web_address
from bot.core.forms import NOTHING_TO_READ
from bot.core.texts import legible, moments
from bot.core.wording import NO_WORDS, UNTITLED

Json = dict[str, Any]
Elements = list[Json]

VERSION: Final = "1.5"  # what bots may send: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
CARD_BYTES: Final = 20 * 1024  # ours: Teams takes messages of 100 KB, in UTF-16 and with all that is around the card
URL_BYTES: Final = 1000  # of a link; longer ones are not drawn

# Teams replaces {{DATE(…)}} in any text, and may make [1] a reference to a source. A word joiner draws nothing, and
# `restored` takes it away again: what stands in an input is sent.
_JOINER: Final = "\u2060"
_LIVE: Final = {  # what stands before a word joiner, once it is inert
    "{": (re.compile(r"\{(?=\{)"), re.compile(rf"\{{{_JOINER}(?=\{{)")),
    "[": (re.compile(r"\[(?=\d{1,3}\])"), re.compile(rf"\[{_JOINER}(?=\d{{1,3}}\])")),
}


def inert(text: str) -> str:
    """Legible, and nothing in it is replaced by the reader's Teams."""
    shown = legible(text)
    for sign, (live, _) in _LIVE.items():
        shown = live.sub(sign + _JOINER, shown) if sign in shown else shown
    return shown


def restored(text: str) -> str:
    """What `inert` was given, once it was legible: for texts that come back from an input."""
    for sign, (_, made_inert) in _LIVE.items():
        text = made_inert.sub(sign, text) if _JOINER in text else text
    return text


def one_line(text: str, most: int) -> str:
    """Inert, on one line, at most `most` characters, with … where it was cut."""
    flat = " ".join(legible(text).split())
    return inert(flat if len(flat) <= most else flat[: max(0, most - 1)].rstrip() + "…")


def run(text: str, **style: Any) -> Elements:
    """Words drawn as they are. An empty text draws nothing."""
    shown = inert(text)
    return [{"type": "TextRun", "text": shown, **style}] if shown else []


def bold(text: str) -> Elements:
    return run(text, weight="bolder")


def italic(text: str) -> Elements:
    return run(text, italic=True)


def subtle(text: str) -> Elements:
    return run(text, isSubtle=True, size="small")


def dated(text: str, **style: Any) -> Elements:
    """Our own sentences: ISO times in them are shown in the reader's zone."""
    pieces = moments(text)
    return [
        part
        for piece in pieces
        for part in (run(piece, **style) if isinstance(piece, str) else [moment(piece, **style)])
    ]


def moment(at: datetime, **style: Any) -> Json:
    """A time in the reader's own zone and language. Only numbers go into the markup."""
    iso = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "TextRun", "text": f"{{{{DATE({iso},SHORT)}}}} {{{{TIME({iso})}}}}", **style}


def cited(number: int) -> Json:
    """The mark of a source: Teams matches it with the citation of this number."""
    return {"type": "TextRun", "text": f"[{number}] "}


def linkable(url: str) -> bool:
    """Whether a link may go there: a web address that is short enough."""
    return is_web_address(url) and len(url.encode()) <= URL_BYTES


def linked(title: str, url: str | None) -> Elements:
    """A title that links where it says, if there is an address that may be linked; else just the title."""
    words = run(one_line(title, 200) or UNTITLED)
    if url is None or not linkable(url):
        return words
    return [{**words[0], "selectAction": {"type": "Action.OpenUrl", "url": url}}]


def paragraph(*runs: Sequence[Json], **layout: Any) -> Elements:
    """One block of text; nothing where there are no words."""
    inlines = [inline for group in runs for inline in group]
    return [{"type": "RichTextBlock", "inlines": inlines, **layout}] if inlines else []


def quote(text: str) -> Elements:
    """What somebody wrote, set apart."""
    words = paragraph(run(text) or subtle(NO_WORDS), spacing="none")
    return [{"type": "Container", "style": "emphasis", "spacing": "small", "items": words}]


def adaptive(body: Elements, actions: Sequence[Json] = ()) -> Json:
    """A whole card."""
    card: Json = {"type": "AdaptiveCard", "$schema": SCHEMA, "version": VERSION}
    card["body"] = body or paragraph(run(NOTHING_TO_READ))
    return {**card, "actions": list(actions)} if actions else card


def weight(value: object) -> int:
    """Bytes of compact JSON in UTF-8."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def wide_weight(value: object) -> int:
    """The same in UTF-16, as Teams counts."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le"))


def split_at(text: str, most: int) -> tuple[str, str]:
    """The longest beginning of an inert text whose JSON has at most `most` bytes, and the rest.

    Where the text is cut, it is cut after a line or a word, if one ends in the second half.
    """
    if len(text) * 6 <= most or _bytes(text) <= most:
        return text, ""
    least, end = 0, max(0, min(len(text), most))
    while least < end:
        middle = (least + end + 1) // 2
        if _bytes(text[:middle]) <= most:
            least = middle
        else:
            end = middle - 1
    for stop in ("\n", " "):
        cut = text.rfind(stop, 0, end)
        if cut > end // 2:
            return text[: cut + 1], text[cut + 1 :]
    return text[:end], text[end:]


def _bytes(text: str) -> int:
    return weight(text) - 2
