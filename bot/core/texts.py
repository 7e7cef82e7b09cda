"""Text from outside, made legible: nothing in it may hide, reorder or be cut in silence."""

import hashlib
import re
import unicodedata
from typing import Final

# Bidirectional overrides and isolates can make a text read differently from what is sent; zero-width characters can
# hide words from a reader. Zero-width joiners stay where they join emoji or letters (U+200D, U+200C).
_HIDDEN: Final = re.compile(
    "[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def legible(text: str) -> str:
    """For drawing: without control, bidirectional and zero-width characters; line ends are \\n; NFC. Words stay."""
    unified = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _HIDDEN.sub("", _CONTROL.sub("", unified)).replace("\u2028", "\n").replace("\u2029", "\n")


def one_line(text: str, most: int) -> str:
    """Legible, on one line, at most `most` characters, with … where it was cut."""
    flat = " ".join(legible(text).split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def storable(text: str) -> str:
    """As it came, but for NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def digest(text: str) -> str:
    """What a press is bound to: 32 hexadecimal characters of SHA-256 over exactly this text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
