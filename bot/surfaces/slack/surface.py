"""Slack as a surface: cards posted once, redrawn, found again; members read; links made."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from bot.core.cards import Card
from bot.core.policy import SlackPolicy
from bot.surfaces.base import Member, SurfaceRefused, SurfaceUnavailable
from bot.surfaces.slack.blocks.card import message
from bot.surfaces.slack.editors import Editor, Editors
from bot.surfaces.slack.identity import Identity
from bot.surfaces.slack.modals.forms import form
from bot.surfaces.slack.pacing import Pacer
from bot.surfaces.slack.refs import Ref
from bot.surfaces.slack.roster import Roster
from bot.surfaces.slack.wire import Client
from storage import ids

log = logging.getLogger(__name__)

EVENT_TYPE: Final = "signoff_card"  # of the metadata by which a card is found again; ids only, every app can read it
LOOKED_AT: Final = 5  # pages of history searched for a card
PAGE: Final = 200
SKEW: Final = timedelta(minutes=2)  # between our clock and Slack's


class SlackSurface:
    """See bot.surfaces.base.Surface."""

    name = "slack"

    def __init__(
        self,
        *,
        client: Client,
        policy: SlackPolicy,
        identity: Identity,
        editors: Editors,
        pacer: Pacer,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._identity = identity
        self._editors = editors
        self._roster = Roster(client, policy, clock)
        self._pacer = pacer

    async def turn(self, card: Card, *, place: str) -> None:
        """See Surface.turn. Whoever has the card open in a form is told at once."""
        await self._warn(card)
        await self._pacer.post_turn(place, card.key)

    async def post(self, card: Card, *, place: str, thread: str | None, again: bool) -> str:
        """See Surface.post."""
        root = self._root(place, thread)
        if again and (found := await self._find(card.key, place, root)) is not None:
            return str(Ref(place, found, root))
        drawn = message(card)
        async with _obeying(partial(self._pacer.hold_posts, place)):
            answer = await self._client.call(
                "chat.postMessage",
                channel=place,
                text=drawn.text,
                blocks=drawn.blocks,
                thread_ts=root,
                reply_broadcast=True if root and card.broadcast else None,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": card.key}},
                mrkdwn=False,
                parse="none",
                unfurl_links=False,
                unfurl_media=False,
            )
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise SurfaceUnavailable("chat.postMessage: an answer without ts")
        return str(Ref(place, ts, root))

    async def update(self, ref: str, card: Card) -> None:
        """See Surface.update. A message deleted from Slack is refused, with words that say so."""
        where = Ref.parse(ref)
        await self._warn(card)
        await self._pacer.update_turn(card.key)
        drawn = message(card)
        async with _obeying(self._pacer.hold_updates):
            await self._client.call(
                "chat.update", channel=where.channel, ts=where.ts, text=drawn.text, blocks=drawn.blocks, parse="none"
            )

    async def members(self) -> Sequence[Member]:
        return await self._roster.read()

    async def link(self, ref: str) -> str | None:
        """The address Slack's own "Copy link" gives; None until Slack told the workspace's address."""
        where = Ref.parse(ref)
        base = await self._identity.address()
        if base is None:
            return None
        address = f"{base}archives/{where.channel}/p{where.ts.replace('.', '')}"
        return f"{address}?thread_ts={where.root}&cid={where.channel}" if where.root else address

    def _root(self, place: str, thread: str | None) -> str | None:
        """The thread to post in. A thread of another channel is none here: the card begins one."""
        if thread is None:
            return None
        where = Ref.parse(thread)
        return where.thread if where.channel == place else None

    async def _find(self, key: str, channel: str, root: str | None) -> str | None:
        """The ts of the card that an earlier attempt put up, looking from the time its key was made."""
        method = "conversations.replies" if root else "conversations.history"
        made_at = ids.made_at(key)
        oldest = f"{(made_at - SKEW).timestamp():.6f}" if made_at else None
        cursor: str | None = None
        for _ in range(LOOKED_AT):
            page = await self._client.call(
                method,
                channel=channel,
                get=True,
                ts=root,
                oldest=oldest,
                limit=PAGE,
                cursor=cursor,
                include_all_metadata=True,
            )
            if (ts := _with_key(page.get("messages"), key)) is not None:
                return ts
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if not page.get("has_more") or cursor is None:
                return None
        log.error("a card could not be looked for further back", extra={"key": key, "pages": LOOKED_AT})
        return None

    async def _warn(self, card: Card) -> None:
        """Tell whoever writes in a form about this conversation that it changed. Their words stay: see modals.forms."""
        for editor in await self._editors.to_warn(card):
            await self._editors.told(editor.view_id, card, editor.hash)
            view = form(
                editor.action, card, bound_to=editor.shown, filled=editor.filled, warning=_what_changed(editor, card)
            )
            try:
                answer = await self._client.call("views.update", view_id=editor.view_id, view=view, hash=editor.hash)
            except SurfaceRefused:  # closed, or answered in this very moment
                await self._editors.closed(editor.view_id)
            except SurfaceUnavailable:
                log.warning("an open form could not be warned", extra={"key": card.key})
            else:
                await self._editors.told(editor.view_id, card, (answer.get("view") or {}).get("hash"))


@asynccontextmanager
async def _obeying(hold: Callable[[float], Awaitable[None]]) -> AsyncIterator[None]:
    """Around one call: what Slack asks to be left alone for, it is, by every replica."""
    try:
        yield
    except SurfaceUnavailable as refusal:
        if refusal.retry_after_seconds:
            await hold(refusal.retry_after_seconds)
        raise


def _what_changed(editor: Editor, card: Card) -> str:
    if card.ending is not None:
        return f"{card.ending.words}. What you typed is kept: copy it if you need it."
    if card.shown.sequence > editor.shown.sequence:
        return "The customer wrote again: the new words are above. What you typed is kept; sending asks once more."
    return "The draft changed while you were writing. What you typed is kept; sending asks once more."


def _with_key(messages: Any, key: str) -> str | None:
    for found in messages if isinstance(messages, list) else ():
        metadata = found.get("metadata") or {}
        if metadata.get("event_type") == EVENT_TYPE and (metadata.get("event_payload") or {}).get("key") == key:
            ts = found.get("ts")
            return ts if isinstance(ts, str) else None
    return None
