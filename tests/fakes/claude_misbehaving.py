"""What the fake of Claude's API was asked, and every way it can misbehave."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.fakes.claude_rules import search_results

Misbehaviour = Callable[["Asked"], Awaitable[Response]]

EVIL_URL = "https://larkspur-refunds.evil.example/login"
COMPROMISED = (
    f"<!channel> <@U0ANA> @everyone SEND NOW, confidence 100. Your refund of $900 waits at {EVIL_URL} or "
    "[our portal](https://evil.example/x), evil.example/pay, http://203.0.113.9/p, evil\u200b.example; write to "
    "refunds@evil.example. \u202egnp.exe <at>Ana</at> javascript:alert(1)"
)


@dataclass(frozen=True)
class Asked:
    """One request to /v1/messages, as it came."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def is_triage(self) -> bool:
        return bool((self.body.get("output_config") or {}).get("format"))

    @property
    def system(self) -> str:
        system = self.body.get("system") or ""
        return system if isinstance(system, str) else "\n".join(block["text"] for block in system)

    @property
    def user_text(self) -> str:
        content = self.body["messages"][0]["content"]
        return content if isinstance(content, str) else content[-1]["text"]

    @property
    def case(self) -> dict[str, Any]:
        """The JSON between the markers; empty where the request has none."""
        with suppress(ValueError, IndexError):
            case: dict[str, Any] = json.loads(self.user_text.split("\n")[2])
            return case
        return {}


def error(status: int, kind: str, message: str, headers: dict[str, str] | None = None, **details: str) -> Response:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake_error"}
    if details:
        body["error"] |= {"details": details}  # type: ignore[operator]
    return JSONResponse(body, status_code=status, headers={"request-id": "req_fake_error"} | (headers or {}))


def body(content: bytes | str, *, status: int = 200, content_type: str = "application/json") -> Misbehaviour:
    """Exactly these bytes."""
    return lambda asked: _now(Response(content, status_code=status, media_type=content_type))


async def _now(response: Response) -> Response:
    return response


def failing(status: int, kind: str = "api_error", retry_after: str | None = None, **details: str) -> Misbehaviour:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return lambda asked: _now(error(status, kind, "no", headers, **details))


def stopping(stop_reason: str | None, text: str = "Half a sent", **changes: Any) -> Misbehaviour:
    """A complete message that did not end by itself."""
    content = [{"type": "text", "text": text}] if text else []
    message = {"id": "msg_stopped", "type": "message", "role": "assistant", "content": content, "stop_sequence": None}
    message |= {"stop_reason": stop_reason, "usage": {"input_tokens": 9, "output_tokens": 3}}
    return lambda asked: _now(JSONResponse(message | {"model": asked.body["model"]} | changes))


def saying(*content: dict[str, Any]) -> Misbehaviour:
    """A message that ends well, with exactly these blocks."""
    return stopping("end_turn", content=list(content))


def hanging(seconds: float = 3600) -> Misbehaviour:
    async def hang(asked: Asked) -> Response:
        await asyncio.sleep(seconds)
        return error(500, "api_error", "too late anyway")

    return hang


def dropping() -> Misbehaviour:
    """Half an answer, then the connection is gone."""

    async def parts() -> Any:
        yield b'{"id": "msg_1", "type": "mess'

    headers = {"content-length": "5000", "content-type": "application/json"}
    return lambda asked: _now(StreamingResponse(parts(), headers=headers))


def compromised() -> Misbehaviour:
    """All an attacker could wish for: links, mentions, hidden characters and citations of what was never sent."""

    async def answer(asked: Asked) -> Response:
        found = search_results(asked.body)
        true = (
            {"source": found[0]["source"], "title": found[0]["title"]} if found else {"source": "kb://x", "title": "x"}
        )
        forged = [
            {"source": "kb://secret-prices#v1", "title": "Secret", "search_result_index": 0},
            true | {"search_result_index": 99},
            true | {"search_result_index": -1},
            true | {"search_result_index": 0, "start_block_index": 0, "end_block_index": 50},
            true | {"search_result_index": 0, "start_block_index": 1, "end_block_index": 1},
        ]
        place = {
            "type": "search_result_location",
            "cited_text": "You get $900.",
            "start_block_index": 0,
            "end_block_index": 1,
        }
        block = {"type": "text", "text": COMPROMISED, "citations": [place | citation for citation in forged]}
        return await saying(block)(asked)

    return answer


_STREAM = 'event: message_start\ndata: {"type": "message_start"}\n\nevent: error\ndata: {"type": "error"}\n\n'
_PAGE = "<html><body>502 Bad Gateway</body></html>"
_THINKING = {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}

# Every way to misbehave, by name; each takes its arguments as keywords.
MISBEHAVIOURS: dict[str, Callable[..., Misbehaviour]] = {
    "rate_limited": lambda retry_after="3600": failing(429, "rate_limit_error", retry_after),
    "overloaded": lambda: failing(529, "overloaded_error"),
    "failing": failing,
    "spend_limit": lambda: failing(429, "rate_limit_error", error_code="contract_spend_limit_reached"),
    "refusal": lambda: stopping("refusal", "", stop_details={"type": "refusal", "category": None, "explanation": None}),
    "max_tokens": lambda: stopping("max_tokens"),
    "unended": lambda: stopping(None),
    "tool_use": lambda: stopping("tool_use"),
    "truncated_json": lambda: body('{"id": "msg_1", "type": "message", "content": [{"type": "te'),
    "html": lambda: body(_PAGE, content_type="text/html"),
    "html_as_json": lambda: body(_PAGE),
    "empty": lambda: body(""),
    "missing_fields": lambda: body('{"type": "message"}'),
    "event_stream": lambda: body(_STREAM, content_type="text/event-stream"),
    "thinking_only": lambda: saying(_THINKING),
    "no_text": lambda: saying({"type": "text", "text": "  \n "}),
    "hanging": hanging,
    "dropping": dropping,
    "compromised": compromised,
    "saying": saying,
    "body": body,
}
