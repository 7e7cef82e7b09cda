"""Words said to the bot: commands in the personal chat, and wishes for another draft in a card's thread."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from bot.core.cards import Queue
from bot.core.commands import CALLED, ON_ITS_WAY, category_meant, pause_meant, unknown
from bot.core.decisions import Answer, PauseRequest, Press, Presser, Redraft
from bot.core.verdicts import NO_DATABASE, NOT_ALLOWED
from bot.surfaces.base import Desk, SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.cards import answers
from bot.surfaces.teams.cards.activity import answer, instead, refusal
from bot.surfaces.teams.cards.answers import Words
from bot.surfaces.teams.cards.elements import Json
from bot.surfaces.teams.metrics import PRESSES
from bot.surfaces.teams.payloads import QueueAsked, Told, Where
from bot.surfaces.teams.presses import presser
from bot.surfaces.teams.refs import Ref
from bot.surfaces.teams.surface import NAME
from bot.surfaces.teams.wire import Client
from storage.database import Unavailable

log = logging.getLogger(__name__)


class Links(Protocol):
    async def link(self, ref: str) -> str | None: ...


class Talk:
    """`service_url` is where cards are posted, as it stands in their refs."""

    def __init__(
        self, desk: Desk, client: Client, links: Links, *, categories: Sequence[tuple[str, str]], service_url: str
    ) -> None:
        self._desk, self._client, self._links = desk, client, links
        self._categories, self._service_url = tuple(categories), service_url

    async def __call__(self, told: Told) -> None:
        """Answer where it was said. The queue and the like are for one person: in a channel they are not told."""
        try:
            words = await (self._command(told) if told.where.personal else self._mentioned(told))
        except Unavailable as away:
            log.warning("words met no database", extra={"why": type(away).__name__})
            words = answers.said(NO_DATABASE)
        if words is not None:
            await self._say(told.where, words)

    async def refreshed(self, asked: QueueAsked) -> Json:
        """The answer to the button under a queue."""
        try:
            return instead((await self._queue(presser(asked.who))).card)
        except Unavailable as away:
            log.warning("a queue met no database", extra={"why": type(away).__name__})
            return refusal(NO_DATABASE, code="unavailable")

    async def greet(self, where: Where) -> None:
        """Somebody added the app to their chat."""
        await self._say(where, answers.help_text())

    async def _command(self, told: Told) -> Words:
        who = presser(told.who)
        match told.words:
            case () | ("help",):
                return answers.help_text()
            case ("queue",):
                return await self._queue(who)
            case ("status",):
                if await self._desk.may(who) is None:
                    return answers.said(NOT_ALLOWED.words)
                return answers.status(await self._desk.status())
            case ("pause", *rest):
                return await self._pause(who, rest)
            case ("resume", *rest):
                return await self._resume(who, rest)
            case _:
                return answers.help_text(trouble=unknown(told.words))

    async def _mentioned(self, told: Told) -> Words | None:
        """In a card's thread the words ask for another draft; anywhere else the bot says what it can do."""
        root = Ref(
            conversation=told.where.conversation,
            activity="",
            tenant=told.where.tenant,
            service_url=self._service_url,
        ).thread
        card = await self._desk.card_at(NAME, str(root))
        if card is None or not told.text:
            return answers.help_text(trouble="" if told.text else CALLED)
        press = Press(who=presser(told.who), on=card.shown, decision=Redraft(told.text), event=told.event)
        verdict = await self._desk.decide(press)
        PRESSES.labels(answer=str(verdict.answer)).inc()
        return None if verdict.answer is Answer.REPEATED else answers.said(verdict.words or ON_ITS_WAY)

    async def _queue(self, who: Presser) -> Words:
        found = await self._desk.queue(who)
        return answers.queue(found, await self._links_of(found))

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
        except ValueError as unclear:
            return answers.help_text(trouble=str(unclear))
        return answers.said((await self._desk.resume(who, category)).words)

    async def _links_of(self, found: Queue) -> dict[str, str]:
        rows = [row for row in (*found.mine[: answers.ROWS], *found.waiting[: answers.ROWS]) if row.ref]
        links = await asyncio.gather(*(self._links.link(row.ref or "") for row in rows))
        return {row.conversation_id: link for row, link in zip(rows, links, strict=True) if link}

    async def _say(self, where: Where, words: Words) -> None:
        """Nobody is worse off for an answer that did not arrive: they ask again."""
        to = Ref(conversation=where.conversation, activity="", tenant=where.tenant, service_url=where.service_url)
        try:
            await self._client.reply(to, answer(words))
        except (SurfaceUnavailable, SurfaceRefused) as failure:
            log.warning("teams could not be told", extra={"failure": f"{type(failure).__name__}: {failure}"})
