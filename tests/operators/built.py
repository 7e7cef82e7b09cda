"""A small bot for the host to carry: one surface route, one channel, and whatever readiness the test wants."""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.base import Reply
from bot import logs
from bot.host import serve
from bot.settings import Settings
from storage.database import Database, Unavailable
from storage.jobs import Depth
from storage.tables import JobKind

log = logging.getLogger("bot.steps.example")
SECRETS = {"SIGNOFF_SECRET": "s" * 40, "SLACK_BOT_TOKEN": "xoxb-1-secret", "SLACK_SIGNING_SECRET": "signing-secret"}


def settings(**more: Any) -> Settings:
    return Settings.model_validate({**SECRETS, "SIGNOFF_METRICS_TOKEN": None, **more})


class Said(BaseModel):
    text: str


class Channel:
    name = "shop"
    title = "Web chat"
    repeats_safely = True

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.release = asyncio.Event()

    @property
    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.post("/messages", status_code=202, summary="Say something")
        async def messages(said: Said) -> dict[str, int]:
            return {"characters": len(said.text)}

        @router.post("/raw")
        async def raw(request: Request) -> Response:
            return PlainTextResponse(str(len(await request.body())))

        @router.post("/away")
        async def away() -> None:
            raise Unavailable(None, None, Exception("an inner detail"))

        @router.post("/broken")
        async def broken(said: Said) -> None:
            raise LookupError("an inner detail")

        @router.get("/own-headers")
        async def own_headers() -> Response:
            return Response(headers={"content-security-policy": "default-src 'self'"})

        @router.get("/slow")
        async def slow() -> str:
            self.begun.set()
            await self.release.wait()
            return "finished"

        @router.get("/stream")
        async def stream() -> Response:
            return StreamingResponse(self._forever(), media_type="text/event-stream")

        return router

    async def _forever(self) -> AsyncIterator[str]:
        yield ": open\n\n"
        await asyncio.Event().wait()

    async def send(self, reply: Reply) -> str:
        return reply.key

    async def close(self) -> None: ...


class Worker:
    def __init__(self) -> None:
        self.done = Counter({JobKind.DRAFT: 3})
        self.retried = Counter({JobKind.RELAY: 2})
        self.given_up: Counter[JobKind] = Counter()
        self.looks = 0

    async def depth(self) -> Depth:
        self.looks += 1
        return Depth(queued={JobKind.DRAFT: 4}, failed={JobKind.RELAY: 1}, oldest_due=None)


class Bot:
    """Satisfies bot.host.Built."""

    def __init__(self, db: Database, *, known: Settings | None = None) -> None:
        self.name = "Larkspur Supply"
        self.db = db
        self.jobs = Worker()
        self.settings = known or settings()
        self.clock = lambda: datetime.now(UTC)
        self.channel = Channel()
        self.checks: dict[str, str | None] = {"worker": None}
        self.hindrances: dict[str, str | None] = {"slack": None}
        self.life: list[str] = []

    @property
    def adapters(self) -> list[Channel]:
        return [self.channel]

    @property
    def surface_routes(self) -> list[Route]:
        async def events(request: Request) -> Response:
            body = await request.body()
            if body == b"break":
                raise RuntimeError("an inner detail")
            return PlainTextResponse(body)

        return [Route("/slack/events", events, methods=["POST"])]

    async def start(self) -> None:
        self.life.append("start")
        print("started", flush=True)

    async def stop(self) -> None:
        self.life.append("stop")
        print("stopped", flush=True)

    async def ready(self) -> dict[str, str | None]:
        return self.checks

    async def troubles(self) -> dict[str, str | None]:
        return self.hindrances


async def main(url: str, port: int) -> None:
    """Serve as `signoff run` does, in a process that a test may signal."""
    logs.set_up(style="json", level="info")
    async with Database(url) as db:
        await serve(Bot(db), host="127.0.0.1", port=port)


if __name__ == "__main__":
    print(datetime.now(UTC).isoformat())
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
