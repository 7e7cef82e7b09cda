"""Customers who write through the webhook channel and, as the specification asks, repeat until they are told 2xx."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import standardwebhooks

HOSTILE = "<!channel> <@U0ANA> *now* <https://evil.example|here>"  # what Slack would parse
WORDS = "where is my parcel"  # in every message of theirs
_PATIENCE = aiohttp.ClientTimeout(total=6)


@dataclass
class Customers:
    """`accepted` holds what was answered 2xx, by thread and the message's own id."""

    url: str
    secret: str
    accepted: dict[tuple[str, str], str] = field(default_factory=dict)
    attempts: Counter[str] = field(
        default_factory=Counter
    )  # answered, lost (nobody listened to the answer), unanswered, failed, reordered, repeated late
    known_as: dict[tuple[str, str], str] = field(default_factory=dict)  # the message id each was told
    recognised: int = 0  # how often one came again and was told so
    contradictions: list[str] = field(default_factory=list)  # another message id for the same message

    async def write(self, name: str, chance: random.Random, enough: asyncio.Event) -> None:
        """A few messages at a time, in a new conversation or in one of the last, until it is enough."""
        numbers: Counter[str] = Counter()
        async with aiohttp.ClientSession(timeout=_PATIENCE) as http:
            while True:
                again = bool(numbers) and chance.random() < 0.4
                thread = chance.choice([*numbers][-3:]) if again else f"{name}{len(numbers)}"
                begun, numbers[thread] = numbers[thread], numbers[thread] + chance.randint(1, 3)
                burst = [f"{thread}-{number + 1}" for number in range(begun, numbers[thread])]
                if chance.random() < 0.2:
                    burst.reverse()
                    self.attempts["reordered"] += len(burst) > 1
                for id in burst:
                    if enough.is_set():
                        return
                    await self._write_one(http, thread, id, chance)
                    await asyncio.sleep(chance.choice([0.0, 0.1, 0.4, 1.0]))
                if chance.random() < 0.2:
                    await self._repeat_an_old_one(http, name, chance)

    async def _write_one(self, http: aiohttp.ClientSession, thread: str, id: str, chance: random.Random) -> None:
        text = f"Message {id}: {WORDS} number {chance.randrange(10_000)}? {HOSTILE}"
        lost = [chance.uniform(0.001, 0.03) for _ in range(chance.choice([0, 0, 1, 2]))]
        again = chance.random() < 0.15
        for seconds in lost:
            await self._post_and_leave(http, thread, id, text, seconds)
        while not await self._post(http, thread, id, text):  # noqa: ASYNC110 - a client asks again
            await asyncio.sleep(0.2)
        if again:
            await self._post(http, thread, id, text)

    async def _repeat_an_old_one(self, http: aiohttp.ClientSession, name: str, chance: random.Random) -> None:
        """Long after: a sender that lost its books."""
        (thread, id), text = chance.choice([old for old in self.accepted.items() if old[0][0].startswith(name)])
        self.attempts["repeated late"] += 1
        await self._post(http, thread, id, text)

    async def _post_and_leave(
        self, http: aiohttp.ClientSession, thread: str, id: str, text: str, seconds: float
    ) -> None:
        """The connection goes after so long, whatever the other side made of it."""
        try:
            async with asyncio.timeout(seconds):
                await self._post(http, thread, id, text)
        except TimeoutError:
            self.attempts["lost"] += 1

    async def _post(self, http: aiohttp.ClientSession, thread: str, id: str, text: str) -> bool:
        """Whether it was accepted."""
        body = json.dumps(
            {"id": id, "conversation": thread, "customer": {"id": f"c-{thread}", "name": "Mina Okafor"}, "text": text}
        )
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": f"evt-{id}",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": standardwebhooks.Webhook(self.secret).sign(f"evt-{id}", now, body),
        }
        try:
            async with http.post(self.url, data=body.encode(), headers=headers) as answer:
                told = await answer.json() if answer.status == 202 else None
        except (aiohttp.ClientError, TimeoutError):
            self.attempts["unanswered"] += 1
            return False
        assert told is not None or answer.status >= 500, f"refused with {answer.status}"
        if told is None:
            self.attempts["failed"] += 1
            return False
        self.recognised += told["repeated"]
        self._accept(thread, id, text, told["message_id"])
        return True

    def _accept(self, thread: str, id: str, text: str, told: str) -> None:
        self.attempts["answered"] += 1
        self.accepted[thread, id] = text
        before = self.known_as.setdefault((thread, id), told)
        if before != told:
            self.contradictions.append(id)
