"""Where a webhook channel's replies go: a server that checks signatures, keeps what it took, and misbehaves."""

import asyncio
import json
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import standardwebhooks
from aiohttp import web

from tests.patience import PATIENCE_SECONDS


class Answer(StrEnum):
    """How a reply is answered."""

    TAKE = "take"  # 200
    REFUSE = "refuse"  # 410, for good
    BUSY = "busy"  # 429 with Retry-After, not taken
    FAIL = "fail"  # 500, not taken
    DOWN = "down"  # 503, not taken
    SLOW = "slow"  # taken, answered 0.3 s later
    DROP = "drop"  # taken, and the connection is closed without an answer
    LATE = "late"  # taken, answered 3 s later
    HELD = "held"  # taken, not answered before `released` is set


_STATUS = {Answer.REFUSE: 410, Answer.BUSY: 429, Answer.FAIL: 500, Answer.DOWN: 503}
_TAKEN = (Answer.TAKE, Answer.SLOW, Answer.DROP, Answer.LATE, Answer.HELD)
_SECONDS = {Answer.SLOW: 0.3, Answer.LATE: 3.0}


@dataclass(frozen=True)
class Post:
    """One attempt that arrived."""

    key: str
    body: dict[str, Any]
    answer: Answer

    @property
    def text(self) -> str:
        return str(self.body["text"])

    @property
    def thread(self) -> str:
        return str(self.body["conversation"])


@dataclass
class Receiver:
    """`async with Receiver(secret) as receiver`; `receiver.url` is where replies go. `next` scripts what follows."""

    secret: str
    always: Answer = Answer.TAKE
    posts: list[Post] = field(default_factory=list)
    forged: int = 0  # posts that our secret did not sign
    url: str = ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _script: deque[Answer] = field(default_factory=deque)

    def next(self, *answers: Answer) -> None:
        self._script.extend(answers)

    def first(self, answer: Answer) -> None:
        """Before whatever is scripted."""
        if list(self._script)[:1] != [answer]:
            self._script.appendleft(answer)

    @property
    def taken(self) -> list[Post]:
        """What was taken, each key once, in the order in which it first came."""
        first: dict[str, Post] = {}
        for post in self.posts:
            if post.answer in _TAKEN:
                first.setdefault(post.key, post)
        return list(first.values())

    @property
    def texts(self) -> list[str]:
        return [post.text for post in self.taken]

    @property
    def by_thread(self) -> dict[str, list[Post]]:
        threads: dict[str, list[Post]] = defaultdict(list)
        for post in self.taken:
            threads[post.thread].append(post)
        return threads

    @property
    def repeats(self) -> int:
        """How often a reply that was taken already came again under its key."""
        takings = Counter(post.key for post in self.posts if post.answer in _TAKEN)
        return takings.total() - len(takings)

    async def until(self, count: int, *, within_seconds: float = PATIENCE_SECONDS) -> list[str]:
        """The texts, once so many replies were taken."""
        async with asyncio.timeout(within_seconds), self.changed:
            await self.changed.wait_for(lambda: len(self.taken) >= count)
        return self.texts

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/replies", self._reply)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/replies"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _reply(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            standardwebhooks.Webhook(self.secret).verify(body, dict(request.headers))
        except standardwebhooks.WebhookVerificationError:
            self.forged += 1
            return web.Response(status=401)
        answer = self._script.popleft() if self._script else self.always
        self.posts.append(Post(request.headers["webhook-id"], json.loads(body), answer))
        async with self.changed:
            self.changed.notify_all()
        if answer is Answer.DROP and request.transport is not None:
            request.transport.abort()
        if answer is Answer.HELD:
            await self.released.wait()
        await asyncio.sleep(_SECONDS.get(answer, 0))
        headers = {"retry-after": "1"} if answer is Answer.BUSY else {}
        return web.Response(status=_STATUS.get(answer, 200), headers=headers)
