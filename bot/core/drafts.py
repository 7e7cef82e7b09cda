"""What the drafter is asked and what it answers; the protocols bot.drafting implements."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from storage.tables import Draft


@dataclass(frozen=True, kw_only=True)
class Source:
    """A knowledge-base article as a draft used it: this version, this passage."""

    article_id: str
    slug: str
    version: int
    title: str
    url: str | None
    quote: str  # the passage cited; hostile like any text

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def sources_of(draft: Draft) -> tuple[Source, ...]:
    return tuple(Source(**source) for source in draft.sources)


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """A piece of a current article that search found."""

    source: Source  # its quote is the snippet's whole text
    heading: str | None
    score: float  # higher is better; comparable within one search only


@dataclass(frozen=True, kw_only=True)
class Precedent:
    """A reply that went out before to a similar question. For agents' eyes only: it may name another customer."""

    question: str
    text: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One message of the conversation, as the drafter sees it."""

    by_customer: bool
    author: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """All a drafter may know of a conversation. Everything in it but `instruction` is hostile input."""

    conversation_id: str
    customer_name: str | None
    channel_title: str
    tier: str
    category: str
    turns: tuple[Turn, ...]  # oldest first; the newest ones are the question
    question: str  # what is to be answered: the unanswered messages, joined
    instruction: str | None = None  # an agent's words for a redraft
    previous_draft: str | None = None  # what the redraft starts from


class Sentiment(StrEnum):
    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    ANGRY = "angry"


@dataclass(frozen=True, kw_only=True)
class ModelTriage:
    """Features the model saw. Rules decide what follows; a feature may raise a priority, never lower one."""

    category: str | None  # one of the configured names; None: none fits
    sentiment: Sentiment
    wants_human: bool
    sensitive: bool  # legal, safety, health, money in dispute
    language: str | None  # ISO 639-1
    injection_suspected: bool
    thanks_only: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """A proposed reply and what produced it."""

    text: str
    sources: tuple[Source, ...]  # only those cited, each one sent with the request
    offline: bool
    model: str
    prompt_version: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    milliseconds: int = 0


class DraftUnavailable(Exception):
    """No draft can be had now. `reason` is a short code for metrics; the message says it to an agent, in a sentence."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class Drafter(Protocol):
    """Claude, or the offline drafter. Neither sends, decides or chooses a recipient."""

    offline: bool

    async def triage(self, case: Case) -> ModelTriage | None:
        """None: not available; rules alone then decide. Never raises for a failing model."""

    async def draft(self, case: Case, snippets: Sequence[Snippet]) -> Drafted:
        """A reply to `case.question`. May take as long as it likes: the caller has the deadline.

        Raises:
            DraftUnavailable: refusal, outage, overload, a malformed or cut answer, nothing to answer with.
        """


class Library(Protocol):
    """The knowledge base and past replies, searched without the model."""

    async def search(self, question: str, *, limit: int = 6) -> list[Snippet]: ...

    async def precedents(self, question: str, *, not_of: str, limit: int = 3) -> list[Precedent]:
        """Past replies to similar questions, never those of the customer `not_of`."""
