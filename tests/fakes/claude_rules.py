"""What Claude's Messages API refuses, as the current models do: a sentence for each broken rule, or None."""

from collections.abc import Iterator
from typing import Any

MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1")
_FIELDS = frozenset(
    """cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier
    speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p""".split()  # noqa: SIM905
)
_SYSTEM_TURNS = ("claude-opus-5-5", "claude-fable-5-1")  # as far as it is known; the others refuse the role
_MOST_TOKENS = 128_000
_BREAKPOINTS = 4


def refusal(body: Any) -> tuple[int, str, str] | None:
    """(status, error type, message) for a request the API would not answer."""
    if not isinstance(body, dict):
        return 400, "invalid_request_error", "the body must be a JSON object"
    model = body.get("model")
    if not isinstance(model, str):
        return 400, "invalid_request_error", "model: Field required"
    if model not in MODELS:
        return 404, "not_found_error", f"model: {model}"
    problem = next(_problems(body, model), None)
    return (400, "invalid_request_error", problem) if problem else None


def _problems(body: dict[str, Any], model: str) -> Iterator[str]:
    yield from (f"{name}: Extra inputs are not permitted" for name in body if name not in _FIELDS)
    most = body.get("max_tokens")
    if type(most) is not int:
        yield "max_tokens: Field required"
    elif not 1 <= most <= _MOST_TOKENS:
        yield f"max_tokens: {most} is out of range, this model allows 1 to {_MOST_TOKENS}"
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            yield f"{name}: not supported on this model"
    yield from _thinking_problems(body.get("thinking"), model)
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        yield "tool_choice: forced tool use is not supported on this model"
    yield from _message_problems(body.get("messages"), model)
    yield from _block_problems(body)
    yield from _output_problems(body)


def _thinking_problems(thinking: Any, model: str) -> Iterator[str]:
    kind = (thinking or {}).get("type")
    if kind == "enabled":
        yield "thinking: `enabled` with budget_tokens is not supported on this model"
    elif kind == "disabled" and "haiku" not in model:
        yield "thinking: cannot be disabled on this model"
    elif kind not in (None, "adaptive", "disabled", "between_tools"):
        yield "thinking: unknown type"


def _message_problems(messages: Any, model: str) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
        return
    roles = [message.get("role") for message in messages]
    if roles[0] == "system":
        yield "messages.0: use the top-level 'system' parameter for the initial system prompt"
    if "system" in roles and model not in _SYSTEM_TURNS:
        yield "messages: role 'system' is not supported on this model"
    for index, role in enumerate(roles):
        if role not in ("user", "assistant", "system"):
            yield f"messages.{index}.role: unknown"
        if (
            role == "system"
            and index
            and (roles[index - 1] != "user" or roles[index + 1 : index + 2] not in ([], ["assistant"]))
        ):
            yield f"messages.{index}: a system message follows a user message and is last or precedes an assistant"
    if roles[-1] == "assistant":
        yield "messages: this model does not support assistant message prefill; end with a user message"


def blocks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every content block in the order of the prompt: system, then messages; search results before their content."""
    contents = [body.get("system"), *(message.get("content") for message in body.get("messages") or ())]
    for content in contents:
        if isinstance(content, str):
            yield {"type": "text", "text": content}
        for block in content if isinstance(content, list) else ():
            yield block
            if block.get("type") == "search_result":
                yield from block.get("content") or ()


def search_results(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in blocks(body) if block.get("type") == "search_result"]


def _block_problems(body: dict[str, Any]) -> Iterator[str]:
    marks = []
    for block in blocks(body):
        empty = block.get("type") == "text" and not str(block.get("text") or "").strip()
        if empty and block.get("cache_control"):
            yield "cache_control cannot be set for empty text blocks"
        if empty:
            yield "text content blocks must be non-empty"
        if block.get("cache_control"):
            marks.append(block["cache_control"])
        if block.get("type") == "search_result" and not (
            block.get("source") and block.get("title") and isinstance(block.get("content"), list) and block["content"]
        ):
            yield "search_result: source, title and content are required"
    lives = [mark.get("ttl", "5m") for mark in marks]
    if any(mark.get("type") != "ephemeral" for mark in marks) or not set(lives) <= {"5m", "1h"}:
        yield "cache_control: must be ephemeral with a ttl of 5m or 1h"
    if len(marks) > _BREAKPOINTS:
        yield f"a maximum of {_BREAKPOINTS} blocks with cache_control may be provided, found {len(marks)}"
    if "5m" in lives and "1h" in lives[lives.index("5m") :]:
        yield "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"


def _output_problems(body: dict[str, Any]) -> Iterator[str]:
    config = body.get("output_config") or {}
    if config.get("effort") not in (None, "low", "medium", "high", "xhigh", "max"):
        yield "output_config.effort: unknown"
    cited = [bool((block.get("citations") or {}).get("enabled")) for block in search_results(body)]
    if any(cited) and not all(cited):
        yield "citations must be enabled for all documents and search results, or for none"
    form = config.get("format")
    if form is None:
        return
    if any(cited):
        yield "output_config.format: structured outputs cannot be combined with citations"
    if form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        yield "output_config.format: a json_schema with a schema is required"
        return
    schema = form["schema"]
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield "output_config.format.schema: for 'object' type, 'additionalProperties' must be explicitly set to false"
    for name, rule in (schema.get("properties") or {}).items():
        unknown = {"minimum", "maximum", "minLength", "maxLength", "pattern"} & set(rule)
        if unknown:
            yield f"output_config.format.schema.{name}: {sorted(unknown)[0]} is not supported"
