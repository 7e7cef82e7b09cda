"""Words said to the bot: mentions, /signoff, and the Home tab. Answers are seen by the one who asked only."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.core.cards import Queue
from bot.core.decisions import PAUSE_MOST, PauseRequest, Press, Presser, Redraft
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

PAUSE_USUALLY: Final = timedelta(hours=1)
_LENGTH: Final = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m(?:in)?)?")
_EVERYTHING: Final = ("all", "everything")


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
            await self._teller.whisper(said.who, answers.help_text(trouble="" if said.text else "You called?"))
            return
        press = Press(who=_presser(said.who.user), on=card.shown, decision=Redraft(said.text), event=said.event_id)
        verdict = await self._desk.decide(press)
        PRESSES.labels(answer=str(verdict.answer)).inc()
        if verdict.answer is not Answer.REPEATED:
            await self._teller.whisper(said.who, verdict.words or "Another draft is on its way.")

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
                return answers.help_text(trouble=f"I do not know “{' '.join(given.words)[:100]}”. I know these:")

    async def _pause(self, who: Presser, words: Sequence[str]) -> Words:
        lengths = [length for word in words if (length := length_of(word)) is not None]
        rest = [word for word in words if length_of(word) is None]
        try:
            category = self._category(rest)
        except ValueError as unknown:
            return answers.help_text(trouble=str(unknown))
        asked = lengths[0] if lengths else PAUSE_USUALLY
        if len(lengths) > 1 or not timedelta() < asked <= PAUSE_MOST:
            return answers.help_text(trouble=f"Say one length, from 1m to {PAUSE_MOST.days}d: 30m, 2h, 1d, 1h30m.")
        verdict = await self._desk.pause(PauseRequest(who=who, category=category, length=asked))
        return answers.said(verdict.words)

    async def _resume(self, who: Presser, words: Sequence[str]) -> Words:
        try:
            category = self._category(words)
        except ValueError as unknown:
            return answers.help_text(trouble=str(unknown))
        return answers.said((await self._desk.resume(who, category)).words)

    def _category(self, words: Iterable[str]) -> str | None:
        """The category meant by its name or title; None: everything. Raises ValueError with the names there are."""
        meant = " ".join(words)
        if not meant or meant in _EVERYTHING:
            return None
        for name, title in self._categories:
            if meant in (name.lower(), title.lower()):
                return name
        if meant.isdecimal():
            raise ValueError(
                f"Say {meant[:5]} of what: {meant[:5]}m is minutes, {meant[:5]}h hours, {meant[:5]}d days."
            )
        known = ", ".join(name for name, _ in self._categories) or "none but everything"
        raise ValueError(f"There is no category “{meant[:60]}”. There are: {known}.")

    async def _links_of(self, found: Queue) -> dict[str, str]:
        rows = [row for row in (*found.mine[: answers.ROWS], *found.waiting[: answers.ROWS]) if row.ref]
        links = await asyncio.gather(*(self._links.link(row.ref or "") for row in rows))
        return {row.conversation_id: link for row, link in zip(rows, links, strict=True) if link}


def length_of(word: str) -> timedelta | None:
    """30m, 2h, 1d, 1h30m; None for any other word."""
    found = _LENGTH.fullmatch(word)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes = (int(group or 0) for group in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def _presser(user: str) -> Presser:
    return Presser(surface=SURFACE, external_id=user)
