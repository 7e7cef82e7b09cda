"""Customers who write and agents who approve all the time, as patient as a channel and as people are."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import httpx2

from bot.sandbox import Message
from tests.loop.running import Loop, offered, shown, signed
from tests.patience import PATIENCE_SECONDS

PRESS_AGAIN = "Please press again in a minute"
KEPT = "Is anybody there?"  # the question that no agent answers by itself


class Pressure:
    """Each message is sent until it is taken, under one id; each card is pressed until it is answered."""

    def __init__(self, loop: Loop, name: str) -> None:
        """`name` is in all that is said, and tells it from what others say on the same bot."""
        self.loop, self.name = loop, name
        self.accepted: list[str] = []
        self.statuses: Counter[int] = Counter()  # of what customers sent, every attempt
        self.lacking = 0  # answers of 503 that did not say when to come again
        self._late = 0  # customers who came while nobody could be let in
        self._enough = asyncio.Event()

    @property
    def replies(self) -> int:
        return sum(post.thread.startswith(self.name) for post in self.loop.receiver.taken)

    @property
    def told_to_press_again(self) -> int:
        return sum(PRESS_AGAIN in told.text for told in self.loop.sandbox.workspace.ephemerals)

    async def a_card_to_keep(self) -> Message:
        """The agents leave it to the test."""
        words = f"{KEPT} {self.name}"
        await self._until_taken("kept", words)
        self.accepted.append(words)
        found = await self.loop.sandbox.until(
            lambda: [card for card in self.loop.offering("approve") if words in shown(card)]
        )
        card: Message = found[0]
        return card

    async def until(self, met: Any) -> None:
        """Bounded: this comes while everybody works."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not met():  # noqa: ASYNC110 - processes and people announce nothing
                await asyncio.sleep(0.02)

    async def ready(self) -> Mapping[str, Any]:
        """Wait until it is; what it says then."""
        return await self._readiness(200)

    async def unready(self) -> Mapping[str, Any]:
        return await self._readiness(503)

    async def _readiness(self, status: int) -> Mapping[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (answer := await self.loop.http.get("/readyz")).status_code != status:  # noqa: ASYNC110  # over HTTP
                await asyncio.sleep(0.05)
        told: Mapping[str, Any] = answer.json()
        return told

    async def metric(self, name: str, value: float) -> None:
        """Wait until it says so: the database's are looked at once in five seconds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.loop.metric(name) != value:  # noqa: ASYNC110  # over HTTP
                await asyncio.sleep(0.2)

    async def kept_out(self) -> None:
        """Somebody who writes just now is told to come again, and does until it is taken."""
        self._late += 1
        thread = f"late{self._late}"
        self._customers.append(asyncio.create_task(self._ask(thread, 1)))
        refused = self.statuses[503]
        await self.until(lambda: self.statuses[503] > refused + 1)

    async def recovered(self) -> None:
        """It is ready, and what came in and was promised meanwhile and before goes its way to the end."""
        await self.ready()
        replies = self.replies
        await self.until(lambda: self.replies > replies)
        await self.end()
        ours = {kept.id for kept in await self.loop.conversations() if kept.external_id.startswith(self.name)}
        said = [message for message in await self.loop.said() if message.conversation_id in ours]
        heard = [message.text for message in said if message.direction == "incoming"]
        assert sorted(heard) == sorted(self.accepted), "lost or doubled"
        assert len(said) == 2 * len(heard), "one reply to each question"
        assert self.replies == len(self.accepted)
        assert not self.lacking
        assert not self.statuses.keys() - {202, 503}, self.statuses

    async def end(self) -> None:
        """Nobody writes any more; every card is answered, and everything has gone its way."""
        self._enough.set()
        for task in self._customers:
            await task
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.loop.settled()
            while self.replies < len(self.accepted):
                await self._press_all()
                await asyncio.sleep(0.05)
            await self.loop.settled()

    @asynccontextmanager
    async def at_work(self, customers: int = 3) -> AsyncIterator["Pressure"]:
        self._customers = [asyncio.create_task(self._write(f"t{number}")) for number in range(customers)]
        pressing = asyncio.create_task(self._press())
        try:
            await self.until(lambda: self.replies > customers)
            yield self
        finally:
            for task in (*self._customers, pressing):
                task.cancel()
            await asyncio.gather(*self._customers, pressing, return_exceptions=True)

    async def _write(self, thread: str) -> None:
        number = 0
        while not self._enough.is_set():
            number += 1
            await self._ask(thread, number)
            # One question at a time: a card that was overtaken is answered by nobody.
            await self.until(partial(self._answered, thread, number))

    async def _ask(self, thread: str, number: int) -> None:
        text = f"Where is parcel {number} of {thread}? {self.name}"
        await self._until_taken(thread, text)
        self.accepted.append(text)

    def _answered(self, thread: str, times: int) -> bool:
        return sum(post.thread == f"{self.name}-{thread}" for post in self.loop.receiver.taken) >= times

    async def _until_taken(self, thread: str, text: str) -> None:
        thread = f"{self.name}-{thread}"
        message = {"conversation": thread, "customer": {"id": thread, "name": "Mina Okafor"}, "text": text}
        body, id = json.dumps(message).encode(), f"evt-{text}".replace(" ", "-").replace("?", "")
        while True:
            answer = await self.loop.http.post("/channels/shop/messages", content=body, headers=signed(body, id=id))
            self.statuses[answer.status_code] += 1
            if answer.status_code == 202:
                return
            self.lacking += not answer.headers.get("retry-after")
            await asyncio.sleep(0.1)

    async def _press(self) -> None:
        while True:
            await self._press_all()
            await asyncio.sleep(0.05)

    async def _press_all(self) -> None:
        for card in self.loop.cards:
            if "approve" in offered(card) and KEPT not in shown(card):
                with suppress(httpx2.HTTPError):
                    await self.loop.ana.click("approve", on=card)
