"""A fake of Claude's Messages API on a real socket: it refuses what the API refuses and misbehaves on demand.

In a test: `async with FakeClaude() as fake:` and point the SDK at `fake.url`. As a process: `python -m
tests.fakes.claude --port 0` prints one JSON line with its address and serves until it is ended; `POST /fake/next` with
{"do": "overloaded", "times": 2} scripts it from outside, `GET /fake/requests` tells what it was asked.
"""

import argparse
import asyncio
import hashlib
import json
import socket
from collections import deque
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.claude_misbehaving import MISBEHAVIOURS, Asked, Misbehaviour, error, saying
from tests.fakes.claude_rules import MODELS, blocks, refusal, search_results

__all__ = ["MISBEHAVIOURS", "Asked", "FakeClaude", "error", "saying"]

_CACHEABLE_TOKENS = 512


@dataclass
class FakeClaude:
    """`requests` records what was answered or refused; `next` and `always` script misbehaviour for whatever follows."""

    port: int = 0
    reply: str | None = None  # drafts say this instead of quoting the first source
    triage: dict[str, Any] = field(default_factory=dict)  # what triage answers instead of its guess
    latency_seconds: float = 0.0
    alone: bool = False  # the only thing in this process: signals are ours
    requests: list[Asked] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # the reasons of 4xx answers: a test wants none
    url: str = ""
    _script: deque[Misbehaviour] = field(default_factory=deque)
    _always: Misbehaviour | None = None
    _cached: set[str] = field(default_factory=set)
    _count: int = 0

    def next(self, misbehaviour: Misbehaviour, times: int = 1) -> None:
        self._script.extend([misbehaviour] * times)

    def always(self, misbehaviour: Misbehaviour | None) -> None:
        self._always = misbehaviour

    @property
    def drafts(self) -> list[Asked]:
        return [asked for asked in self.requests if not asked.is_triage]

    async def __aenter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Nobody waits for an answer that hangs once the fake is to stop.
        config = uvicorn.Config(self.app(), log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        if not self.alone:
            self._server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:  # noqa: ASYNC110  # uvicorn offers no event for it
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self._serving

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/messages", self._messages, methods=["POST"]),
                Route("/v1/messages/count_tokens", self._count_tokens, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/v1/models/{model}", self._model),
                Route("/fake/next", self._scripted, methods=["POST"]),
                Route("/fake/requests", self._recorded),
            ]
        )

    async def _messages(self, request: Request) -> Response:
        refused = _unauthorised(request)
        if refused is not None:
            return refused
        try:
            body = await request.json()
        except ValueError:
            return error(400, "invalid_request_error", "the request body is not valid JSON")
        asked = Asked(body if isinstance(body, dict) else {}, dict(request.headers))
        self.requests.append(asked)
        problem = refusal(body)
        if problem is not None:
            self.refused.append(problem[2])
            return error(*problem)
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        misbehaviour = self._script.popleft() if self._script else self._always
        if misbehaviour is not None:
            return await misbehaviour(asked)
        content = self._triage_content(asked) if asked.is_triage else self._draft_content(asked)
        return self.answer(asked, content)

    def answer(self, asked: Asked, content: list[dict[str, Any]], **changes: Any) -> Response:
        self._count += 1
        message = {
            "id": f"msg_fake{self._count:05}",
            "type": "message",
            "role": "assistant",
            "model": asked.body["model"],
            "content": content,
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": self._usage(asked.body, content),
        }
        return JSONResponse(message | changes, headers={"request-id": f"req_fake{self._count:05}"})

    def _draft_content(self, asked: Asked) -> list[dict[str, Any]]:
        found = search_results(asked.body)
        if self.reply is not None:
            return [{"type": "text", "text": self.reply}]
        if not found:
            return [{"type": "text", "text": "Hello,\n\ncould you tell us your order number?\n\nKind regards"}]
        first = found[0]["content"][0]["text"]
        citation = {
            "type": "search_result_location",
            "cited_text": first,
            "source": found[0]["source"],
            "title": found[0]["title"],
            "search_result_index": 0,
            "start_block_index": 0,
            "end_block_index": 1,
        }
        return [
            {"type": "text", "text": "Hello,\n\n"},
            {"type": "text", "text": first, "citations": [citation]},
            {"type": "text", "text": "\n\nKind regards"},
        ]

    def _triage_content(self, asked: Asked) -> list[dict[str, Any]]:
        question = str(asked.case.get("question", "")).lower()
        names = asked.body["output_config"]["format"]["schema"]["properties"].get("category", {}).get("enum", [])
        guess = {
            "category": next((name for name in names if name in question), names[-1] if names else ""),
            "sentiment": "angry" if "!!" in question else "neutral",
            "wants_human": "human" in question or "real person" in question,
            "sensitive": "lawyer" in question,
            "language": "en",
            "injection_suspected": "ignore previous" in question,
            "thanks_only": question.strip(" .!") in ("thanks", "thank you"),
        }
        return [{"type": "text", "text": json.dumps(guess | self.triage)}]

    def _usage(self, body: dict[str, Any], content: list[dict[str, Any]]) -> dict[str, Any]:
        """About four characters a token; a prefix marked for the cache is written once and read from then on."""
        texts = [(str(block.get("text", "")), bool(block.get("cache_control"))) for block in blocks(body)]
        last = max((index for index, (_, marked) in enumerate(texts) if marked), default=-1)
        prefix = "\0".join(text for text, _ in texts[: last + 1])
        cached, key = len(prefix) // 4, hashlib.sha256(f"{body['model']}{prefix}".encode()).hexdigest()
        if cached < _CACHEABLE_TOKENS:
            cached = 0
        hit = key in self._cached
        if cached:
            self._cached.add(key)
        return {
            "input_tokens": sum(len(text) for text, _ in texts) // 4 - cached,
            "output_tokens": sum(len(block.get("text", "")) for block in content) // 4,
            "cache_read_input_tokens": cached if hit else 0,
            "cache_creation_input_tokens": 0 if hit else cached,
            "service_tier": "standard",
        }

    async def _count_tokens(self, request: Request) -> Response:
        refused = _unauthorised(request)
        body = await request.json()
        total = sum(len(str(block.get("text", ""))) for block in blocks(body)) // 4
        return refused or JSONResponse({"input_tokens": total})

    async def _models(self, request: Request) -> Response:
        models = [_model(name) for name in MODELS]
        page = {"data": models, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
        return _unauthorised(request) or JSONResponse(page)

    async def _model(self, request: Request) -> Response:
        name = request.path_params["model"]
        found = JSONResponse(_model(name)) if name in MODELS else error(404, "not_found_error", f"model: {name}")
        return _unauthorised(request) or found

    async def _scripted(self, request: Request) -> Response:
        wish = await request.json()
        misbehaviour = MISBEHAVIOURS[wish["do"]]
        self.next(misbehaviour(**wish.get("with", {})), times=wish.get("times", 1))
        return JSONResponse({"ok": True})

    async def _recorded(self, request: Request) -> Response:
        return JSONResponse({"requests": [asked.body for asked in self.requests], "refused": self.refused})


def _unauthorised(request: Request) -> Response | None:
    key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    if not key or key == "revoked":
        return error(401, "authentication_error", "invalid API key" if key else "an API key is required")
    if not request.headers.get("anthropic-version"):
        return error(400, "invalid_request_error", "anthropic-version: header is required")
    return None


def _model(name: str) -> dict[str, Any]:
    line = name.split("-")[1]
    facts = {"type": "model", "id": name, "display_name": name.title(), "created_at": "2026-09-01T00:00:00Z"}
    return facts | {"lifecycle": "active", "retires_at": None, "deprecated_at": None, "line": line}


async def _serve(port: int, latency_seconds: float) -> None:
    async with FakeClaude(port=port, latency_seconds=latency_seconds, alone=True) as fake:
        print(json.dumps({"url": fake.url}), flush=True)
        await fake._serving


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--latency-seconds", type=float, default=0.0)
    given = arguments.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(given.port, given.latency_seconds))
