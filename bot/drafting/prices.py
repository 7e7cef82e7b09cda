"""What a call costs, by the list prices of November 2026 (platform.claude.com, models and pricing)."""

import re
from dataclasses import dataclass
from typing import Final

_DATED: Final = re.compile(r"-20\d{6}$")
_LONG_PROMPT: Final = 100_000


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens. A cache entry that lives an hour costs twice the input to write."""

    input: float
    output: float
    cache_read: float

    @property
    def cache_write(self) -> float:
        return 2 * self.input


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What one answer used. `input` counts neither what was read from the cache nor what was written to it."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.cache_read + self.cache_write


_PRICES: Final = {
    "claude-haiku-5-5": Price(0.10, 0.50, 0.01),
    "claude-sonnet-5-5": Price(2.0, 10.0, 0.10),
    "claude-opus-5-5": Price(4.0, 20.0, 0.20),
    "claude-fable-5-1": Price(10.0, 50.0, 0.25),
}
_LONG: Final = {"claude-haiku-5-5": Price(0.50, 2.50, 0.05)}  # prompts above 100,000 tokens


def price(model: str, prompt_tokens: int = 0) -> Price | None:
    """None: a model that is not in the list. A dated id costs what its undated name does."""
    name = _DATED.sub("", model)
    return _LONG.get(name, _PRICES.get(name)) if prompt_tokens > _LONG_PROMPT else _PRICES.get(name)


def cost_usd(model: str, tokens: Tokens) -> float:
    """0 for a model without a known price; whoever asks says so in the log."""
    known = price(model, tokens.prompt)
    if known is None:
        return 0.0
    millionths = (
        tokens.input * known.input
        + tokens.output * known.output
        + tokens.cache_read * known.cache_read
        + tokens.cache_write * known.cache_write
    )
    return millionths / 1_000_000
