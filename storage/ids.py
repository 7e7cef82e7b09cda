"""Ids: a prefix that says what it names, then a time-ordered random part, made before the row is."""

import secrets
import time
from datetime import UTC, datetime
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing to misread aloud


def new(prefix: str) -> str:
    """`rev_…`: 9 characters of milliseconds, 13 of chance (65 bits). Sorts by creation to the millisecond."""
    stamp = int(time.time() * 1000)
    letters = []
    for _ in range(9):
        stamp, digit = divmod(stamp, 32)
        letters.append(_ALPHABET[digit])
    chance = secrets.randbits(65)
    tail = []
    for _ in range(13):
        chance, digit = divmod(chance, 32)
        tail.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(letters))}{''.join(tail)}"


def made_at(made: str) -> datetime | None:
    """When an id was made, to the millisecond; None for what `new` did not make."""
    stamp = made.rpartition("_")[2][:9]
    if len(made.rpartition("_")[2]) != 22 or any(letter not in _ALPHABET for letter in stamp):
        return None
    milliseconds = 0
    for letter in stamp:
        milliseconds = milliseconds * 32 + _ALPHABET.index(letter)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
