"""The drafter on Claude: triage by the small model, drafts with citations, and every failure a sentence."""

import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

import anthropic
from anthropic.types import Message
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.core.decisions import REPLY_CHARS
from bot.core.drafts import Case, Drafted, DraftUnavailable, ModelTriage, Sentiment, Snippet, Source
from bot.core.policy import Policy
from bot.drafting import prices, prompt
from bot.drafting.accept import ask
from bot.drafting.breaker import Breaker
from bot.drafting.inert import Allowed, inert

log = logging.getLogger(__name__)

_TRIAGE_TOKENS = 1024  # the answer needs about 80; the rest is room for thinking
_QUOTE_CHARS = 2000


class ClaudeDrafter:
    """core.drafts.Drafter. It proposes text; it has no tools and decides nothing."""

    offline = False

    def __init__(self, client: anthropic.AsyncAnthropic, policy: Policy, *, clock: Callable[[], datetime]) -> None:
        self._client, self._policy, self._clock = client, policy, clock
        self._breakers: dict[str, Breaker] = {}
        self._draft_system = prompt.draft_system(policy)
        self._triage_system = prompt.triage_system(policy)
        self._triage_schema = prompt.triage_schema(policy)
        self.prompt_version = prompt.version(policy)
        for model in sorted({self._policy.models.triage, *map(self.model_for, policy.category_names)}):
            if prices.price(model) is None:
                log.warning(
                    "no price is known for this model: its drafts are noted as costing 0", extra={"model": model}
                )

    async def aclose(self) -> None:
        await self._client.close()

    def model_for(self, category: str) -> str:
        return self._policy.category(category).model or self._policy.models.draft

    async def triage(self, case: Case) -> ModelTriage | None:
        model = self._policy.models.triage
        try:
            with self._breaker(model).call():
                answer = await ask(
                    self._client,
                    deadline_seconds=self._policy.models.triage_deadline_seconds,
                    model=model,
                    max_tokens=_TRIAGE_TOKENS,
                    system=prompt.system(self._triage_system),
                    messages=prompt.triage_messages(case, nonce=secrets.token_hex(8)),
                    output_config={
                        "effort": "low",
                        "format": {"type": "json_schema", "schema": self._triage_schema},
                    },
                )
            return self._read_triage(answer.text)
        except DraftUnavailable:
            return None

    async def draft(self, case: Case, snippets: Sequence[Snippet]) -> Drafted:
        model = self.model_for(case.category)
        deadline = self._policy.desk.draft_deadline_seconds
        title = self._policy.category_title(case.category)
        with self._breaker(model).call():
            answer = await ask(
                self._client,
                deadline_seconds=deadline,
                model=model,
                max_tokens=self._policy.models.max_tokens,
                system=prompt.system(self._draft_system, wish=prompt.wish(case)),
                messages=prompt.draft_messages(case, snippets, category=title, nonce=secrets.token_hex(8)),
                output_config={"effort": self._policy.models.effort},
            )
        text = inert(answer.text, _allowed(case, snippets))
        if not text:
            raise DraftUnavailable("empty", "Claude answered without any text.")
        if len(text) > REPLY_CHARS:
            raise DraftUnavailable("max_tokens", "Claude's draft is longer than a reply may be.")
        return Drafted(
            text=text,
            sources=cited(answer.message, snippets),
            offline=False,
            model=model,
            prompt_version=self.prompt_version,
            input_tokens=answer.tokens.input,
            output_tokens=answer.tokens.output,
            cache_read_tokens=answer.tokens.cache_read,
            cache_write_tokens=answer.tokens.cache_write,
            cost_usd=prices.cost_usd(model, answer.tokens),
            milliseconds=answer.milliseconds,
        )

    def _breaker(self, model: str) -> Breaker:
        if model not in self._breakers:
            self._breakers[model] = Breaker(self._clock)
        return self._breakers[model]

    def _read_triage(self, text: str) -> ModelTriage | None:
        try:
            seen = _Triage.model_validate_json(text)
        except ValidationError:
            log.warning("the model's triage is not of the agreed form", extra={"model": self._policy.models.triage})
            return None
        language = seen.language.lower()
        return ModelTriage(
            category=seen.category if seen.category in self._policy.category_names else None,
            sentiment=seen.sentiment,
            wants_human=seen.wants_human,
            sensitive=seen.sensitive,
            language=language if len(language) == 2 and language.isascii() and language.isalpha() else None,
            injection_suspected=seen.injection_suspected,
            thanks_only=seen.thanks_only,
        )


class _Triage(BaseModel):
    """What the model must answer; checked here again, for a schema is a wish."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    category: str
    sentiment: Sentiment
    wants_human: bool
    sensitive: bool
    language: str
    injection_suspected: bool
    thanks_only: bool


def cited(message: Message, snippets: Sequence[Snippet]) -> tuple[Source, ...]:
    """The articles the answer cites, once each, with the passages as we sent them.

    A citation counts only if it names a passage of this very request; what it claims to quote is not believed.
    """
    quotes: dict[str, tuple[Source, dict[str, None]]] = {}
    for block in message.content:
        for citation in getattr(block, "citations", None) or ():
            if getattr(citation, "type", None) != "search_result_location":
                continue
            index = getattr(citation, "search_result_index", None)
            if type(index) is not int or not 0 <= index < len(snippets):
                continue
            snippet = snippets[index]
            start, end = getattr(citation, "start_block_index", None), getattr(citation, "end_block_index", None)
            sent = prompt.passages(snippet)
            if getattr(citation, "source", None) != prompt.source_name(snippet):
                continue
            if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(sent):
                continue
            _, passages = quotes.setdefault(snippet.source.article_id, (snippet.source, {}))
            passages.update(dict.fromkeys(sent[start:end]))
    return tuple(
        Source(
            article_id=source.article_id,
            slug=source.slug,
            version=source.version,
            title=source.title,
            url=source.url,
            quote="\n\n".join(passages)[:_QUOTE_CHARS],
        )
        for source, passages in quotes.values()
    )


def _allowed(case: Case, snippets: Sequence[Snippet]) -> Allowed:
    """The addresses a draft may contain: of what was sent as source, and of the conversation itself."""
    sources = [text for s in snippets for text in (s.source.quote, s.source.url)]
    return Allowed.in_texts([*sources, *prompt.conversation_texts(case)])
