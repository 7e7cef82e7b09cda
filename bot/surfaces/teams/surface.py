"""Teams as a surface: cards posted once, redrawn, found again; members read; links made."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from urllib.parse import quote, urlencode

from bot.core.cards import Card
from bot.core.policy import TeamsPolicy
from bot.surfaces.base import Member, SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.cards.activity import message
from bot.surfaces.teams.cards.elements import Json
from bot.surfaces.teams.history import History
from bot.surfaces.teams.pacing import Pacer
from bot.surfaces.teams.refs import Ref, in_thread
from bot.surfaces.teams.roster import Roster
from bot.surfaces.teams.wire import Client
from storage import ids

log = logging.getLogger(__name__)

NAME: Final = "teams"


class TeamsSurface:
    """See bot.surfaces.base.Surface. `tenant` is in lower case."""

    name = NAME

    def __init__(
        self, *, client: Client, history: History, policy: TeamsPolicy, tenant: str, pacer: Pacer, roster: Roster
    ) -> None:
        self._client, self._history, self._roster, self._pacer = client, history, roster, pacer
        self._policy, self._tenant = policy, tenant

    async def turn(self, card: Card, *, place: str) -> None:
        """See Surface.turn."""
        await self._pacer.post_turn(place, card.key)

    async def post(self, card: Card, *, place: str, thread: str | None, again: bool) -> str:
        """See Surface.post."""
        root = _root(place, thread)
        if again and (found := await self._find(card.key, place, root)) is not None:
            return str(found)
        drawn = _keyed(card)
        async with _obeying(partial(self._pacer.hold_posts, place)):
            if root is not None:
                return str(await self._client.reply(root, drawn))
            return str(
                await self._client.create_thread(
                    drawn, channel=place, tenant=self._tenant, service_url=self._policy.service_url
                )
            )

    async def update(self, ref: str, card: Card) -> None:
        """See Surface.update. Forms unfold in the card itself, so that whoever writes in one sees it change."""
        where = Ref.parse(ref)
        await self._pacer.update_turn(where.conversation, card.key)
        async with _obeying(partial(self._pacer.hold_updates, where.conversation)):
            await self._client.update(where, _keyed(card))

    async def members(self) -> Sequence[Member]:
        return await self._roster.read()

    async def link(self, ref: str) -> str | None:
        """As Teams' own "Copy link" gives it."""
        where = Ref.parse(ref)
        query = {"tenantId": where.tenant, "groupId": self._policy.group, "parentMessageId": where.root}
        given = urlencode({name: value for name, value in query.items() if value})
        return f"https://teams.microsoft.com/l/message/{quote(where.channel, safe='')}/{where.activity}?{given}"

    async def _find(self, key: str, place: str, root: Ref | None) -> Ref | None:
        """The card that an earlier attempt put up. Where nobody can tell, it is none: twice is better than never."""
        if self._policy.group is None:
            log.warning("a card may hang twice: without [teams] group nobody can tell", extra={"key": key})
            return None
        try:
            found = await self._history.find(
                key,
                group=self._policy.group,
                channel=place,
                root=root.root if root else None,
                since=ids.made_at(key),
            )
        except SurfaceRefused as refusal:
            log.warning("a card may hang twice", extra={"key": key, "failure": str(refusal)})
            return None
        if found is None:
            return None
        conversation = root.conversation if root else in_thread(place, found)
        service_url = root.service_url if root else self._policy.service_url
        return Ref(conversation=conversation, activity=found, tenant=self._tenant, service_url=service_url)


def _root(place: str, thread: str | None) -> Ref | None:
    """The thread to post in. A thread of another channel is none here: the card begins one."""
    if thread is None:
        return None
    where = Ref.parse(thread)
    return where if where.channel == place else None


def _keyed(card: Card) -> Json:
    """The card with its key in it, as the id of an element: seen by nobody, and found again by History."""
    activity = message(card)
    for attachment in activity["attachments"]:
        attachment["content"]["body"][0]["id"] = card.key
    return activity


@asynccontextmanager
async def _obeying(hold: Callable[[float], Awaitable[None]]) -> AsyncIterator[None]:
    """Around one call: what Teams asks to be left alone for, it is, by every replica."""
    try:
        yield
    except SurfaceUnavailable as refusal:
        if refusal.retry_after_seconds:
            await hold(refusal.retry_after_seconds)
        raise
