"""What people may say to the bot by name, and what they mean by it."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bot.core.decisions import PAUSE_MOST

COMMANDS: Final = (
    ("queue", "yours, then what waits, oldest first"),
    ("status", "how many wait, how long, what was not delivered, what is paused"),
    (
        "pause [category] [30m|2h]",
        "stop drafting, for one category or for all; for one hour if you do not say. Cards still come",
    ),
    ("resume [category]", "draft again"),
    ("help", "this list"),
)
MENTION: Final = "Mention me in a card's thread to ask for another draft: “@Signoff shorter, please”."
PAUSE_USUALLY: Final = timedelta(hours=1)
CALLED: Final = "You called?"
ON_ITS_WAY: Final = "Another draft is on its way."
_LENGTH: Final = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m(?:in)?)?")
_EVERYTHING: Final = ("all", "everything")


def unknown(words: Sequence[str]) -> str:
    """Said before the list of what is known."""
    return f"I do not know “{' '.join(words)[:100]}”. I know these:"


def pause_meant(words: Sequence[str], categories: Sequence[tuple[str, str]]) -> tuple[str | None, timedelta]:
    """The category (None: everything) and the length of a pause. Raises ValueError with what to say instead."""
    lengths = [length for word in words if (length := length_of(word)) is not None]
    category = category_meant([word for word in words if length_of(word) is None], categories)
    asked = lengths[0] if lengths else PAUSE_USUALLY
    if len(lengths) > 1 or not timedelta() < asked <= PAUSE_MOST:
        raise ValueError(f"Say one length, from 1m to {PAUSE_MOST.days}d: 30m, 2h, 1d, 1h30m.")
    return category, asked


def category_meant(words: Sequence[str], categories: Sequence[tuple[str, str]]) -> str | None:
    """The category meant by its name or title; None: everything. Raises ValueError with the names there are."""
    meant = " ".join(words)
    if not meant or meant in _EVERYTHING:
        return None
    for name, title in categories:
        if meant in (name.lower(), title.lower()):
            return name
    if meant.isdecimal():
        raise ValueError(f"Say {meant[:5]} of what: {meant[:5]}m is minutes, {meant[:5]}h hours, {meant[:5]}d days.")
    known = ", ".join(name for name, _ in categories) or "none but everything"
    raise ValueError(f"There is no category “{meant[:60]}”. There are: {known}.")


def length_of(word: str) -> timedelta | None:
    """30m, 2h, 1d, 1h30m; None for any other word."""
    found = _LENGTH.fullmatch(word)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes = (int(group or 0) for group in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)
