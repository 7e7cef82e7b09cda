"""Text from outside, made legible: nothing in it may hide, reorder or be cut in silence."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

# Bidirectional overrides and isolates can make a text read differently from what is sent; characters that draw nothing
# can hide words from a reader: Unicode's Default_Ignorable_Code_Point, but for U+FE0E and U+FE0F (an emoji's looks).
_HIDDEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Zero-width joiners stay where one joins two letters or emoji; rows of them spell what nobody sees.
_STRAY_JOINER: Final = re.compile(r"(?<!\S)[\u200c\u200d]+|[\u200c\u200d]+(?!\S)|[\u200c\u200d]{2,}")
# Half a character of UTF-16 (JSON can carry one) has no meaning and cannot be sent or stored.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

_ISO: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})")

# Any of these, or a line end that is none of ours: most texts have none, and are left as they are after one look.
_ILLEGIBLE: Final = re.compile(f"[\\r\u2028\u2029\u200c\u200d{_HIDDEN.pattern[1:-1]}{_CONTROL.pattern[1:-1]}]")


def legible(text: str) -> str:
    """For drawing: without control, bidirectional and invisible characters; line ends are \\n; NFC. Words stay."""
    if text.isprintable() and text.isascii():
        return text
    if _ILLEGIBLE.search(text) is None:
        return unicodedata.normalize("NFC", text)
    broken = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return unicodedata.normalize("NFC", _STRAY_JOINER.sub("", _HIDDEN.sub("", _CONTROL.sub("", broken))))


def one_line(text: str, most: int) -> str:
    """Legible, on one line, at most `most` characters, with … where it was cut."""
    flat = " ".join(legible(text).split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def moment(at: datetime) -> str:
    """A time within one of our own sentences, as `2026-03-02T09:30Z`: surfaces show it in the reader's zone."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def moments(text: str) -> Iterator[str | datetime]:
    """One of our own sentences in pieces: the ISO times in it, and the words between them."""
    end = 0
    for found in _ISO.finditer(text):
        try:
            at = datetime.fromisoformat(found.group())
        except ValueError:  # not every run of digits that looks like a time is one
            continue
        yield text[end : found.start()]
        yield at
        end = found.end()
    yield text[end:]


def spoken(text: str) -> str:
    """The same where nothing can be drawn: screen readers and notifications get the times in UTC."""
    return "".join(piece if isinstance(piece, str) else in_utc(piece) for piece in moments(text))


def in_utc(at: datetime) -> str:
    """`02 Mar 2026, 09:30 UTC`: for who cannot be shown a time in their own zone."""
    return at.astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")


def storable(text: str) -> str:
    """As it came, but for NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def digest(text: str) -> str:
    """What a press is bound to: 32 hexadecimal characters of SHA-256 over exactly this text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
