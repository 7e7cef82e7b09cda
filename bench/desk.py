"""The people of the benchmark: customers who write and are answered, agents who see cards and press Approve."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench import said, wire

PATIENCE_SECONDS = 60.0


class Stuck(Exception):
    """Something that must happen did not, or was refused."""


@dataclass(slots=True, eq=False)
class Loop:
    """One customer's question on its way; times are of the monotonic clock, 0 until it happened."""

    thread: str
    number: int
    began: float = 0.0
    card_at: float = 0.0
    pressed: float = 0.0
    heard: float = 0.0
    card: dict[str, Any] | None = None
    approve: dict[str, Any] | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Desk:
    """Talks to the bot's port; hears cards (Slack's message events) and replies on its own."""

    def __init__(self, *, slack_secret: str, shop_secret: bytes) -> None:
        self.slack_secret, self.shop_secret = slack_secret, shop_secret
        self.bot: wire.Pool | None = None
        self.loops: dict[str, Loop] = {}  # by thread
        self.by_conversation: dict[str, Loop] = {}
        self.early: dict[str, tuple[float, dict[str, Any], dict[str, Any]]] = {}  # cards before their 202
        self.on_card: Callable[[Loop], None] = lambda _: None
        self.text: Callable[[int], str] = said.question
        self.cards = self.replies = self.repeated = self.redrawn = 0
        self._prefix = f"t{secrets.token_hex(4)}-"  # a kept database knows the customers of earlier runs
        self._changed = asyncio.Event()
        self._pressing: set[asyncio.Task[None]] = set()
        self._failed: BaseException | None = None

    # -- customers -----------------------------------------------------------------------------------------------

    async def write(self, count: int, *, at_once: int) -> list[Loop]:
        """So many new customers write, so many at once; returns when all are answered 202."""
        loops = [self._new() for _ in range(count)]
        waiting = iter(loops)

        async def writer() -> None:
            for loop in waiting:
                await self.write_one(loop)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(writer())
        return loops

    async def write_at_rate(self, count: int, *, per_second: float) -> list[Loop]:
        """Open loop: each writes at its time, whether or not those before were answered."""
        loops = [self._new() for _ in range(count)]
        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for index, loop in enumerate(loops):
                due = start + index / per_second
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(self.write_one(loop, due=due))
        return loops

    def _new(self) -> Loop:
        number = len(self.loops)
        loop = Loop(thread=f"{self._prefix}{number}", number=number)
        self.loops[loop.thread] = loop
        return loop

    async def write_one(self, loop: Loop, *, due: float | None = None) -> None:
        request = said.message(self.shop_secret, loop.thread, self.text(loop.number))
        loop.began = due or time.perf_counter()
        status, body = await self._send(request)
        if status != 202:
            raise Stuck(f"a message was answered {status}: {body[:200]!r}")
        conversation = json.loads(body)["conversation_id"]
        self.by_conversation[conversation] = loop
        if conversation in self.early:
            self._shown(loop, *self.early.pop(conversation))

    async def _send(self, request: bytes) -> tuple[int, bytes]:
        assert self.bot is not None
        return await self.bot.send(request)

    # -- agents --------------------------------------------------------------------------------------------------

    def press_soon(self, loop: Loop) -> None:
        """As soon as a card is there it is approved."""
        task = asyncio.create_task(self._press(loop))
        self._pressing.add(task)
        task.add_done_callback(self._pressed)

    def _pressed(self, task: asyncio.Task[None]) -> None:
        self._pressing.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failed = failure
            self._changed.set()

    async def _press(self, loop: Loop) -> None:
        request = self.press_of(loop)
        loop.pressed = time.perf_counter()
        status, body = await self._send(request)
        if status != 200:
            raise Stuck(f"a press was answered {status}: {body[:200]!r}")

    def press_of(self, loop: Loop) -> bytes:
        assert loop.card is not None
        assert loop.approve is not None
        return said.press(self.slack_secret, loop.card, loop.approve, loop.number)

    # -- what is heard -------------------------------------------------------------------------------------------

    def take(self, path: bytes, body: bytes) -> None:
        if path == b"/replies":
            self._hear(json.loads(body))
        elif b'"message_changed"' in body:
            self.redrawn += 1
            self._changed.set()
        else:
            self._see(json.loads(body))

    def _hear(self, reply: dict[str, Any]) -> None:
        loop = self.loops[reply["conversation"]]
        if loop.heard:
            self.repeated += 1
            return
        loop.heard = time.perf_counter()
        loop.answered.set()
        self.replies += 1
        self._changed.set()

    def _see(self, told: dict[str, Any]) -> None:
        event = told.get("event", {})
        approve = said.approve_of(event.get("blocks", ()))
        if approve is None:
            return
        seen = time.perf_counter(), event, approve
        loop = self.by_conversation.get(json.loads(approve["value"])[0])
        if loop is None:
            self.early[json.loads(approve["value"])[0]] = seen
        else:
            self._shown(loop, *seen)

    def _shown(self, loop: Loop, at: float, card: dict[str, Any], approve: dict[str, Any]) -> None:
        if loop.card is not None:
            return
        loop.card_at, loop.card, loop.approve = at, card, approve
        self.cards += 1
        self.on_card(loop)
        self._changed.set()

    async def until(self, look: Callable[[], bool], what: str) -> None:
        """Wait until it is so. Raises: Stuck when nothing at all was heard for a minute."""
        while not look():
            self._changed.clear()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                raise Stuck(f"waited {PATIENCE_SECONDS:g} s for {what}") from None
            if self._failed is not None:
                raise self._failed

    async def answered(self, loop: Loop) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await loop.answered.wait()
        except TimeoutError:
            raise Stuck(f"no reply within {PATIENCE_SECONDS:g} s") from self._failed

    async def quiet(self, *, seconds: float = 0.7) -> None:
        """Until nothing was heard for a while: what the last presses caused is done."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                return
