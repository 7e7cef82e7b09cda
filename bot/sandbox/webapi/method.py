"""What a Web API method is, and how its arguments are read whatever form they came in."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

Item = TypeVar("Item")


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call. Forms and queries carry text, so booleans may be "1" and lists may be JSON."""

    given: JSON

    def text(self, name: str) -> str | None:
        value = self.given.get(name)
        return None if value is None else str(value)

    def need(self, name: str) -> str:
        """Raises: Refusal `invalid_arguments` when it is missing."""
        value = self.text(name)
        if not value:
            raise Refusal("invalid_arguments", f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        return self.given.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int) -> int:
        """Raises: Refusal `invalid_arguments`."""
        value = self.given.get(name)
        if value in (None, ""):
            return default
        try:
            return int(str(value))
        except ValueError as error:
            raise Refusal("invalid_arguments", f"[ERROR] must be a whole number: {name}") from error

    def structure(self, name: str, *, refusal: str = "invalid_arguments") -> Any:
        """A nested value, from JSON or from text holding JSON. Raises: Refusal with that code."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise Refusal(refusal, f"[ERROR] not JSON: {name}") from error


Run = Callable[["Workspace", Arguments], JSON]


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method: what it needs, how often it may be called (tier; None is practically unlimited), what it does."""

    name: str
    run: Run
    scope: str | None = None
    tier: int | None = None
    token: str | None = "bot"  # bot, app, or None for methods that need none


def page(
    items: Sequence[Item], arguments: Arguments, *, default: int = 100, most: int = 1000
) -> tuple[list[Item], JSON]:
    """The page asked for by `cursor` and `limit`, and the `response_metadata` that names the next one."""
    limit = arguments.number("limit", default)
    if not 1 <= limit <= most:
        raise Refusal("invalid_limit")
    start = _offset(arguments.text("cursor"))
    cut = list(items[start : start + limit])
    more = start + limit < len(items)
    following = base64.b64encode(f"next:{start + limit}".encode()).decode() if more else ""
    return cut, {"next_cursor": following}


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next" and int(number) >= 0:
            return int(number)
    except (binascii.Error, ValueError) as error:
        raise Refusal("invalid_cursor") from error
    raise Refusal("invalid_cursor")
