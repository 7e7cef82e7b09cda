"""Looking at drawn cards: what is to be read on them, what may be pressed, and what Teams would refuse."""

import functools
import json
from collections.abc import Iterator
from typing import Any

from jsonschema.validators import validator_for

from tests.data import shared

LIVE = ("TextBlock", "FactSet", "Image", "Media", "ImageSet", "Table")
"""Elements in which Teams reads markdown, or loads something: no card has any."""


@functools.cache
def _validator() -> Any:
    schema = json.loads(shared("teams/adaptive_card_schema/adaptive-card-1.5.0.json").read_text())
    return validator_for(schema)({**schema, "anyOf": [{"$ref": "#/definitions/AdaptiveCard"}]})


def problems(card: Any) -> list[str]:
    """What the schema of Adaptive Cards 1.5 says against it; the test is skipped where the schema is absent."""
    return [f"{error.json_path}: {error.message[:200]}" for error in _validator().iter_errors(card)]


def elements(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it that has a type."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value
        for part in value.values():
            yield from elements(part)
    elif isinstance(value, list):
        for part in value:
            yield from elements(part)


def words(card: Any) -> str:
    """All that is to be read above the buttons, as it is drawn."""
    return "".join(element["text"] for element in elements(card["body"]) if element["type"] == "TextRun")


def titles(card: Any) -> list[str]:
    return [action["title"] for action in card.get("actions", ())]


def verbs(card: Any) -> list[str]:
    """What may be pressed, forms that unfold in place by the verb that sends them off."""
    found = []
    for action in card.get("actions", ()):
        pressed = action if action["type"] == "Action.Execute" else action["card"]["actions"][0]
        found.append(pressed["verb"])
    return found


def button(card: Any, verb: str) -> dict[str, Any]:
    """The Action.Execute of this verb, wherever it stands."""
    return next(one for one in elements(card) if one["type"] == "Action.Execute" and one["verb"] == verb)


def field(card: Any, name: str) -> dict[str, Any]:
    return next(one for one in elements(card) if one.get("id") == name)


def parsed(value: Any, inert: bool = False) -> str:
    """Every word that Teams might take for markup: all but runs of text, values of inputs, choices and addresses."""
    if isinstance(value, str):
        return "" if inert else value + "\n"
    if isinstance(value, list):
        return "".join(parsed(part) for part in value)
    if not isinstance(value, dict):
        return ""
    kind = value.get("type")
    quiet = {"TextRun": {"text"}, "Input.Text": {"value"}, "Action.OpenUrl": {"url"}}.get(str(kind), set())
    if set(value) == {"title", "value"}:  # a choice
        quiet = {"title"}
    return "".join(parsed(part, inert=key in quiet) for key, part in value.items())
