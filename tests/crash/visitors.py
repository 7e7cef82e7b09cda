"""Visitors of the web chat: they write, send again until they are told 2xx, and read their page all the while."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.crash.customers import HOSTILE

_PATIENCE = aiohttp.ClientTimeout(total=6)
_BETWEEN_SECONDS = 1.5  # the channel lets a visitor write 20 messages a minute


@dataclass
class Page:
    """One visitor's browser: a token, one conversation at a time."""

    name: str
    token: str = ""
    visitor: str = ""
    conversation: int = 1
    written: int = 0


@dataclass
class Visitors:
    """`accepted` holds what was answered 2xx, by thread and id; `seen` every line a page ever showed of the team."""

    url: str
    accepted: dict[tuple[str, str], str] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    unlike: list[str] = field(default_factory=list)  # lines that were shown again with other words
    pages: list[Page] = field(default_factory=list)

    async def write(self, name: str, chance: random.Random, enough: asyncio.Event) -> None:
        page = Page(name)
        self.pages.append(page)
        async with aiohttp.ClientSession(timeout=_PATIENCE) as http:
            while not enough.is_set():
                if not page.token and not await self._begin(http, page):
                    await asyncio.sleep(0.3)
                    continue
                await self._write_one(http, page, chance)
                await self.read(http, page, page.conversation)
                await asyncio.sleep(_BETWEEN_SECONDS)
                if page.written % 8 == 0:
                    page.conversation += 1

    async def read_all(self) -> dict[str, list[dict[str, Any]]]:
        """What every page shows now, by thread."""
        shown = {}
        async with aiohttp.ClientSession(timeout=_PATIENCE) as http:
            for page in self.pages:
                for conversation in range(1, page.conversation + 1):
                    while (lines := await self.read(http, page, conversation)) is None and page.token:  # noqa: ASYNC110
                        await asyncio.sleep(1)  # asked too often: the channel lets an address read twice a second
                    shown[f"{page.visitor}/{conversation}"] = lines or []
        return shown

    async def read(self, http: aiohttp.ClientSession, page: Page, conversation: int) -> list[dict[str, Any]] | None:
        """None: no answer."""
        path = f"{self.url}/messages?conversation={conversation}"
        told = await self._answer(http.get(path, headers={"authorization": f"Bearer {page.token}"}))
        if told is None:
            return None
        for line in told["lines"]:
            if line["from"] == "team" and self.seen.setdefault(line["id"], line) != line:
                self.unlike.append(line["id"])
        lines: list[dict[str, Any]] = told["lines"]
        return lines

    async def _begin(self, http: aiohttp.ClientSession, page: Page) -> bool:
        told = await self._answer(http.post(f"{self.url}/session", json={}))
        if told is not None:
            page.token, page.visitor = told["token"], told["visitor"]
        return told is not None

    async def _write_one(self, http: aiohttp.ClientSession, page: Page, chance: random.Random) -> None:
        page.written += 1
        id = f"{page.name}-line-{page.written}"
        words = {
            "id": id,
            "conversation": page.conversation,
            "text": f"Message {id}: is {chance.randrange(10_000)} still in stock? {HOSTILE}",
        }
        again = chance.random() < 0.2
        while not await self._post(http, page, words):  # noqa: ASYNC110 - a page asks again
            await asyncio.sleep(0.3)
        if again:
            await self._post(http, page, words)

    async def _post(self, http: aiohttp.ClientSession, page: Page, words: dict[str, Any]) -> bool:
        headers = {"authorization": f"Bearer {page.token}"}
        told = await self._answer(http.post(f"{self.url}/messages", json=words, headers=headers))
        if told is None:
            return False
        self.attempts["recognised" if told["repeated"] else "new"] += 1
        self.accepted[f"{page.visitor}/{words['conversation']}", words["id"]] = words["text"]
        return True

    async def _answer(self, request: Any) -> dict[str, Any] | None:
        """The JSON of a 2xx answer; None where none came, or the channel is in trouble or asks us to wait."""
        try:
            async with request as answer:
                told: dict[str, Any] = await answer.json() if answer.status < 300 else {}
        except (aiohttp.ClientError, TimeoutError):
            self.attempts["unanswered"] += 1
            return None
        assert answer.status < 300 or answer.status == 429 or answer.status >= 500, f"refused with {answer.status}"
        self.attempts["answered" if answer.status < 300 else str(answer.status)] += 1
        return told or None
