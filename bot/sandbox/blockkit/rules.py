"""The small rules every block and element is checked with: keys, texts, lengths, choices.

A check appends sentences to `found`; each ends with a JSON pointer, as Slack's `response_metadata.messages` do.
"""

from collections.abc import Collection, Sequence
from typing import Any, Literal

JSON = dict[str, Any]
Surface = Literal["message", "modal", "home"]
Found = list[str]

PLAIN = ("plain_text",)
ANY_TEXT = ("plain_text", "mrkdwn")
TEXT_KEYS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}


def note(found: Found, sentence: str, at: str) -> None:
    found.append(f"[ERROR] {sentence} [json-pointer:{at}]")


def is_object(value: object, at: str, found: Found) -> bool:
    if isinstance(value, dict):
        return True
    note(found, "must be an object", at)
    return False


def keys(value: JSON, allowed: Collection[str], required: Collection[str], at: str, found: Found) -> None:
    for key in value:
        if key not in allowed:
            note(found, f"no more fields allowed: {key}", f"{at}/{key}")
    for key in required:
        if value.get(key) is None:
            note(found, f"missing required field: {key}", at)


def string(value: object, limit: int, at: str, found: Found, *, least: int = 1) -> None:
    """A string of `least` to `limit` characters; None is fine (a missing key is `keys`' business)."""
    if value is None:
        return
    if not isinstance(value, str):
        note(found, "must be a string", at)
    elif len(value) > limit:
        note(found, f"must be less than {limit + 1} characters", at)
    elif len(value) < least:
        note(found, f"must be more than {least - 1} characters", at)


def text(value: object, limit: int, at: str, found: Found, *, kinds: Sequence[str] = ANY_TEXT) -> None:
    """A text object of one of `kinds` with 1 to `limit` characters; None is fine."""
    if value is None or not is_object(value, at, found):
        return
    assert isinstance(value, dict)
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        note(found, f"must be a {' or '.join(kinds)} text object", f"{at}/type")
        return
    keys(value, TEXT_KEYS[kind], ("text",), at, found)
    string(value.get("text"), limit, f"{at}/text", found)
    for flag in ("emoji", "verbatim"):
        boolean(value.get(flag), f"{at}/{flag}", found)


def boolean(value: object, at: str, found: Found) -> None:
    if value is not None and not isinstance(value, bool):
        note(found, "must be true or false", at)


def one_of(value: object, choices: Collection[str], at: str, found: Found) -> None:
    if value is not None and (not isinstance(value, str) or value not in choices):
        note(found, f"must be one of {', '.join(sorted(choices))}", at)


def whole(value: object, least: int, most: int, at: str, found: Found) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        note(found, f"must be a whole number from {least} to {most}", at)


def items(value: object, least: int, most: int, at: str, found: Found) -> list[Any]:
    """The list, if it is one and its length is right enough to look inside; None counts as absent."""
    if value is None:
        return []
    if not isinstance(value, list):
        note(found, "must be a list", at)
        return []
    if not least <= len(value) <= most:
        note(found, f"must have {least} to {most} items, not {len(value)}", at)
    return value


def url(value: object, at: str, found: Found, *, limit: int = 3000) -> None:
    string(value, limit, at, found)
    if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:", "slack://")):
        note(found, "must be a URL", at)
