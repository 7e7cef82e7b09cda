"""8. Customer text is inert: nothing of it is parsed by Slack or calls anybody, and no log holds any of it."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.crash.agents import TALK
from tests.crash.customers import HOSTILE, WORDS
from tests.crash.promises import Checked, Witness

_PARSED = ("mrkdwn", "markdown")  # types of text objects and blocks
_MARKUP = [each for each in HOSTILE.split() if each.startswith("<")]


def customer_text_is_inert(witness: Witness) -> list[Checked]:
    drawings = [
        (call.method, drawn, str(call.arguments.get("text", "")))
        for call in witness.agents.sandbox.workspace.journal.calls
        for drawn in (call.arguments.get("blocks"), call.arguments.get("view"))
        if drawn
    ]
    live = [f"{method}: {said[:200]}" for method, _, said in drawings if _has(said, _MARKUP)]
    live += [
        f"{method}: {text[:200]}"
        for method, drawn, _ in drawings
        for text in _parsed(drawn)
        if _has(text, (*_MARKUP, WORDS))
    ]
    cards = witness.agents.cards()
    calling = [f"{card.ts} calls {card.pings}" for card in cards if card.pings]
    lines = witness.log.splitlines()
    told = [line[:200] for line in lines if _has(line, (WORDS, TALK))]
    return [
        witness.checked(8, "a drawing gives Slack nothing of a customer's to parse", len(drawings), live),
        witness.checked(8, "a card calls nobody", len(cards), calling),
        witness.checked(8, "a log line holds nobody's words", len(lines), told),
    ]


def _has(text: str, parts: Iterable[str]) -> bool:
    return any(part in text for part in parts)


def _parsed(drawn: Any) -> Iterator[str]:
    """The texts of a message or a view that Slack would parse."""
    if isinstance(drawn, dict):
        if drawn.get("type") in _PARSED:
            yield str(drawn["text"])
        for part in drawn.values():
            yield from _parsed(part)
    elif isinstance(drawn, list):
        for part in drawn:
            yield from _parsed(part)
