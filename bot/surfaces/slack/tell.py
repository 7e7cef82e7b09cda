"""What people are told while they wait: whispers, forms, homes. Slow or refused, it never fails the press."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from bot.core.cards import Action, Card
from bot.core.decisions import Shown
from bot.surfaces.slack.blocks.answers import Words, said
from bot.surfaces.slack.editors import Editor, Editors
from bot.surfaces.slack.modals.filled import Filled
from bot.surfaces.slack.modals.forms import form
from bot.surfaces.slack.payloads import Place
from bot.surfaces.slack.wire import Client, within

PATIENCE_SECONDS: Final = 2.0  # Slack gives the whole press three
WHISPER_SECONDS: Final = 1.0


class Teller:
    def __init__(self, client: Client, editors: Editors, clock: Callable[[], datetime]) -> None:
        self._client, self._editors, self._clock = client, editors, clock

    async def whisper(self, who: Place, words: str | Words) -> None:
        """An ephemeral message, seen by this person only. Where there is no channel (at home), nothing."""
        if who.channel is None:
            return
        drawn = said(words) if isinstance(words, str) else words
        call = self._client.call(
            "chat.postEphemeral",
            channel=who.channel,
            user=who.user,
            thread_ts=who.thread_ts,
            text=drawn.text,
            blocks=drawn.blocks,
            parse="none",
        )
        await within(WHISPER_SECONDS, "an ephemeral answer", call)

    async def open(
        self, action: Action, card: Card, *, bound_to: Shown, filled: Filled, trigger_id: str, warning: str
    ) -> bool:
        """Open a form before the trigger expires (three seconds after the press). False: it could not be opened."""
        view = form(action, card, bound_to=bound_to, filled=filled, warning=warning)
        call = self._client.call("views.open", trigger_id=trigger_id, view=view)
        answer = await within(PATIENCE_SECONDS, "a form", call)
        opened = answer.get("view") if answer else None
        if not isinstance(opened, dict):
            return False
        await self.remember(
            str(opened.get("id")), action, card, bound_to=bound_to, filled=filled, view_hash=opened.get("hash")
        )
        return True

    async def remember(
        self, view_id: str, action: Action, card: Card, *, bound_to: Shown, filled: Filled, view_hash: str | None
    ) -> None:
        """This form is open on this card: its writer is warned when the conversation changes."""
        await self._editors.opened(
            Editor(
                view_id=view_id,
                hash=view_hash,
                action=action,
                shown=bound_to,
                state=card.state,
                filled=filled,
                opened_at=self._clock(),
            )
        )

    async def publish_home(self, user: str, view: dict[str, Any]) -> None:
        await within(PATIENCE_SECONDS, "a home", self._client.call("views.publish", user_id=user, view=view))
