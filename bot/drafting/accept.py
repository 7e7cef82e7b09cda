"""One question to Claude's API, and the rule of what counts as an answer; everything else is DraftUnavailable."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import anthropic
import httpx2
from anthropic.types import Message, TextBlock

from bot.core.drafts import DraftUnavailable
from bot.drafting.prices import Tokens

log = logging.getLogger(__name__)

_RETRY_PAUSE_SECONDS: Final = 0.5
_RETRY_PAUSE_MOST_SECONDS: Final = 3.0  # a longer Retry-After is not waited for: an agent is
_CONNECT_SECONDS: Final = 5.0

_STATUS: Final = {
    400: ("bad_request", "Claude's API refused the request as malformed. Please tell an administrator."),
    401: ("credentials", "Claude's API did not accept our key. Please tell an administrator."),
    402: ("spend_limit", "The budget for Claude's API is used up. Please tell an administrator."),
    403: ("credentials", "Our key may not use this model. Please tell an administrator."),
    404: ("model_not_found", "The configured model does not exist. Please tell an administrator."),
    413: ("too_large", "This conversation is too long for Claude."),
    429: ("rate_limited", "Claude's API is limiting our requests at the moment."),
    529: ("overloaded", "Claude is overloaded at the moment."),
}
_STOPPED: Final = {
    "refusal": ("refusal", "Claude declined to draft a reply to this message."),
    "max_tokens": ("max_tokens", "Claude's draft was cut off before it ended."),
    "model_context_window_exceeded": ("too_large", "This conversation is too long for Claude."),
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A complete answer: it ended of its own accord and has text."""

    message: Message
    text: str  # all text blocks, joined
    tokens: Tokens
    milliseconds: int


async def ask(client: anthropic.AsyncAnthropic, *, deadline_seconds: float, **request: Any) -> Answer:
    """Ask once, and once more after a passing failure if its pause is short. Never longer than the deadline.

    The SDK's own retries are off: it would sleep through a Retry-After of an hour. Logged are ids and numbers.

    Raises DraftUnavailable.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    once = client.with_options(max_retries=0, timeout=httpx2.Timeout(deadline_seconds, connect=_CONNECT_SECONDS))
    attempts = 0
    try:
        async with asyncio.timeout(deadline_seconds):
            while True:
                attempts += 1
                try:
                    async with _named_failures():
                        answer = await once.messages.create(**request)
                    break
                except _Passing as failure:
                    if attempts > 1 or failure.pause_seconds > _RETRY_PAUSE_MOST_SECONDS:
                        raise
                    await asyncio.sleep(failure.pause_seconds)
        message, text = accepted(answer)
    except TimeoutError as error:
        late = DraftUnavailable("timeout", f"Claude did not answer within {deadline_seconds:g} s.")
        _note_failure(request["model"], late, attempts)
        raise late from error
    except DraftUnavailable as failure:
        _note_failure(request["model"], failure, attempts)
        raise
    done = Answer(
        message=message,
        text=text,
        tokens=tokens_of(message),
        milliseconds=round((loop.time() - started) * 1000),
    )
    used = {"input": done.tokens.input, "output": done.tokens.output, "cache_read": done.tokens.cache_read}
    facts = {"model": request["model"], "request": message._request_id, "ms": done.milliseconds, "attempts": attempts}
    log.info("the model answered", extra=facts | {f"{name}_tokens": count for name, count in used.items()})
    return done


def accepted(answer: object) -> tuple[Message, str]:
    """The accept rule: a Message that ended by itself and has text. Raises DraftUnavailable for anything else.

    The SDK does not check what it is sent: an HTML page with status 200 comes as a str, absent fields as None.
    """
    if not isinstance(answer, Message) or not isinstance(answer.content, list):
        raise DraftUnavailable("malformed", "Claude's API sent something that is no answer.")
    if answer.stop_reason != "end_turn":
        malformed = ("malformed", "Claude's answer did not come to its end.")
        raise DraftUnavailable(*_STOPPED.get(str(answer.stop_reason), malformed))
    blocks = [block for block in answer.content if isinstance(block, TextBlock) and block.type == "text"]
    text = "".join(block.text for block in blocks if isinstance(block.text, str)).strip()
    if not text:
        raise DraftUnavailable("empty", "Claude answered without any text.")
    return answer, text


def tokens_of(message: Message) -> Tokens:
    def count(name: str) -> int:
        number = getattr(message.usage, name, None)
        return number if type(number) is int and number > 0 else 0

    return Tokens(
        input=count("input_tokens"),
        output=count("output_tokens"),
        cache_read=count("cache_read_input_tokens"),
        cache_write=count("cache_creation_input_tokens"),
    )


class _Passing(DraftUnavailable):
    """A failure that may be over in a moment."""

    def __init__(self, reason: str, words: str, *, pause_seconds: float) -> None:
        super().__init__(reason, words)
        self.pause_seconds = pause_seconds


@asynccontextmanager
async def _named_failures() -> AsyncIterator[None]:
    """Every way the SDK and the HTTP client below it can fail, as DraftUnavailable."""
    try:
        yield
    except anthropic.APIStatusError as error:
        raise _of_status(error) from error
    except (anthropic.APIConnectionError, httpx2.TransportError) as error:
        words = "Claude's API could not be reached."
        raise _Passing("connection", words, pause_seconds=_RETRY_PAUSE_SECONDS) from error
    except (anthropic.AnthropicError, httpx2.HTTPError, ValueError, RecursionError) as error:
        # A body that is no JSON, no text, or nested without end: the SDK lets the parser's own error through.
        raise DraftUnavailable("malformed", "Claude's API sent something that is no answer.") from error


def _of_status(error: anthropic.APIStatusError) -> DraftUnavailable:
    status = 529 if error.type == "overloaded_error" else error.status_code
    reason, words = _STATUS.get(status, ("api_error", f"Claude's API failed (HTTP {status})."))
    if error.error_code == "contract_spend_limit_reached":
        reason, words = _STATUS[402]
        return DraftUnavailable(reason, words)
    if status not in (408, 409, 429) and status < 500:
        return DraftUnavailable(reason, words)
    return _Passing(reason, words, pause_seconds=_retry_after(error))


def _retry_after(error: anthropic.APIStatusError) -> float:
    """Seconds; a header that is no number (a date, nonsense) counts as long."""
    header = error.response.headers.get("retry-after")
    if header is None:
        return _RETRY_PAUSE_SECONDS
    try:
        return max(_RETRY_PAUSE_SECONDS, float(header))
    except ValueError:
        return _RETRY_PAUSE_MOST_SECONDS + 1


def _note_failure(model: str, failure: DraftUnavailable, attempts: int) -> None:
    cause = failure.__cause__
    request_id = cause.request_id if isinstance(cause, anthropic.APIStatusError) else None
    facts = {"model": model, "reason": failure.reason, "request": request_id, "attempts": attempts}
    log.warning("the model gave no usable answer", extra=facts)
