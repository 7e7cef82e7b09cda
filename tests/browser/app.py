"""An app of the tests' own at the sandbox: it records what it is told, and answers as a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.web.async_client import AsyncWebClient
from starlette.requests import Request
from starlette.responses import Response

from bot.sandbox import SandboxServer

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Block:
    return {"text": plain(value.capitalize()), "value": value}


def button(action_id: str, **more: Any) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain(action_id.capitalize()), "value": "v", **more}


@dataclass
class Bot:
    """Records what it is told, and answers as the test wants."""

    sandbox: SandboxServer
    client: AsyncWebClient
    told: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Awaitable[Response]] | None = None

    async def listen(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        if "payload" not in form:
            return Response()
        payload = json.loads(form["payload"][0])
        self.told.append(payload)
        return await self.answer(payload) if self.answer else Response()

    @asynccontextmanager
    async def hesitating(self) -> AsyncIterator[None]:
        """It hears what it is told, and answers afterwards."""
        decided = asyncio.Event()

        async def answer_then(_: dict[str, Any]) -> Response:
            await decided.wait()
            return Response()

        self.answer = answer_then
        try:
            yield
        finally:
            decided.set()

    async def posts(self, *blocks: Block, text: str = "A card") -> str:
        """Returns the message's ts."""
        posted = await self.client.chat_postMessage(channel="C0SUPPORT", text=text, blocks=list(blocks))
        return str(posted["ts"])

    async def edits(self, ts: str, *blocks: Block) -> None:
        await self.client.chat_update(channel="C0SUPPORT", ts=ts, text="A card", blocks=list(blocks))

    async def opens(self, payload: dict[str, Any], *blocks: Block, title: str = "Form", **more: Any) -> Response:
        view = {"type": "modal", "title": plain(title), "blocks": list(blocks), **more}
        nested = payload.get("container", {}).get("type") == "view"
        await (self.client.views_push if nested else self.client.views_open)(
            trigger_id=payload["trigger_id"], view=view
        )
        return Response()
