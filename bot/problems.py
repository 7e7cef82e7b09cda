"""What is wrong with a configuration, as values: where, what, and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import ErrorDetails


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to put right before the bot can start. Holds no secret's value."""

    where: str  # a variable, or "signoff.toml:12 desk.hold_seconds"
    what: str
    remedy: str


class Misconfigured(Exception):
    """Everything that is wrong, at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{each.where}: {each.what}. {each.remedy}" for each in self.problems))


def sentence(error: ErrorDetails) -> str:
    """pydantic's words, as the rest of a sentence that begins with the key."""
    words = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
    return f"{words[:1].lower()}{words[1:]}"
