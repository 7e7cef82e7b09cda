"""Words said to the bot: mentions, /signoff, and the Home tab. Answers are seen by the one who asked only."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from bot.core.cards import Queue
from bot.core.commands import CALLED, ON_ITS_WAY, category_meant, pause_meant, unknown
from bot.core.decisions import PauseRequest, Press, Presser, Redraft
from bot.core.verdicts import NOT_ALLOWED
from bot.surfaces.base import Answer, Desk
from bot.surfaces.slack.blocks import answers
from bot.surfaces.slack.blocks.answers import Words
from bot.surfaces.slack.blocks.home import home
from bot.surfaces.slack.metrics import PRESSES
from bot.surfaces.slack.payloads import Commanded, Mentioned
from bot.surfaces.slack.presses import SURFACE
from bot.surfaces.slack.refs import Ref
from bot.surfaces.slack.tell import Teller


class Links(Protocol):
    async def link(self, ref: str) -> str | None: ...


class Talk:
    def __init__(
        self,
        desk: Desk,
        teller: Teller,
        links: Links,
        *,
        categories: Sequence[tuple[str, str]],
        clock: Callable[[], datetime],
    ) -> None:
        self._desk, self._teller, self._links, self._clock = desk, teller, links, clock
        self._categories = tuple(categories)

    async def mentioned(self, said: Mentioned) -> None:
        """In a card's thread the words ask for another draft; anywhere else the bot says what it can do."""
        card = None
        if said.root_ts is not None and said.who.channel is not None:
            card = await self._desk.card_at(SURFACE, str(Ref(said.who.channel, said.root_ts)))
        if card is None or not said.text:
            await self._teller.whisper(said.who, answers.help_text(trouble="" if said.text else CALLED))
            return
        press = Press(who=_presser(said.who.user), on=card.shown, decision=Redraft(said.text), event=said.event_id)
        verdict = await self._desk.decide(press)
        PRESSES.labels(answer=str(verdict.answer)).inc()
        if verdict.answer is not Answer.REPEATED:
            await self._teller.whisper(said.who, verdict.words or ON_ITS_WAY)

    async def home_opened(self, user: str) -> None:
        """Publish the queue as this person sees it."""
        found = await self._desk.queue(_presser(user))
        await self._teller.publish_home(user, home(found, await self._links_of(found), at=self._clock()))

    async def command(self, given: Commanded) -> Words:
        """The answer to /signoff."""
        who = _presser(given.who.user)
        match given.words:
            case () | ("help",):
                return answers.help_text()
            case ("queue",):
                found = await self._desk.queue(who)
                return answers.queue(found, await self._links_of(found))
            case ("status",):
                if await self._desk.may(who) is None:
                    return answers.said(NOT_ALLOWED.words)
                return answers.status(await self._desk.status())
            case ("pause", *rest):
                return await self._pause(who, rest)
            case ("resume", *rest):
                return await self._resume(who, rest)
            case _:
                return answers.help_text(trouble=unknown(given.words))

    async def _pause(self, who: Presser, words: Sequence[str]) -> Words:
        try:
            category, asked = pause_meant(words, self._categories)
        except ValueError as unclear:
            return answers.help_text(trouble=str(unclear))
        verdict = await self._desk.pause(PauseRequest(who=who, category=category, length=asked))
        return answers.said(verdict.words)

    async def _resume(self, who: Presser, words: Sequence[str]) -> Words:
        try:
            category = category_meant(words, self._categories)
        except ValueError as unknown:
            return answers.help_text(trouble=str(unknown))
        return answers.said((await self._desk.resume(who, category)).words)

    async def _links_of(self, found: Queue) -> dict[str, str]:
        rows = [row for row in (*found.mine[: answers.ROWS], *found.waiting[: answers.ROWS]) if row.ref]
        links = await asyncio.gather(*(self._links.link(row.ref or "") for row in rows))
        return {row.conversation_id: link for row, link in zip(rows, links, strict=True) if link}


def _presser(user: str) -> Presser:
    return Presser(surface=SURFACE, external_id=user)
