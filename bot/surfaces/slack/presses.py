"""A press on a card: handed to the desk, or answered with a form. Nothing is decided here."""

import logging
from typing import Final

from bot.core import verdicts
from bot.core.cards import Action
from bot.core.decisions import Press, Presser, Shown
from bot.core.forms import AT_ONCE, FORMS, fitting
from bot.core.verdicts import CHANGED, NO_DATABASE, NOBODY_KNOWS, NOT_OURS, moved_on
from bot.surfaces.base import Answer, Desk
from bot.surfaces.slack.blocks.buttons import MENU, shown_in
from bot.surfaces.slack.blocks.everything import everything, fits_a_form
from bot.surfaces.slack.metrics import PRESSES, REJECTED
from bot.surfaces.slack.modals.forms import fresh
from bot.surfaces.slack.payloads import Pressed
from bot.surfaces.slack.tell import Teller
from storage.database import Unavailable, Uncertain

log = logging.getLogger(__name__)

SURFACE: Final = "slack"
NOT_OPENED: Final = "Slack was too slow and the form could not be opened. Please press again."
TOO_LONG: Final = "This is too long for Slack to show whole."


class Presses:
    def __init__(self, desk: Desk, teller: Teller) -> None:
        self._desk, self._teller = desk, teller

    async def __call__(self, press: Pressed) -> None:
        """Record, or open a form, or say why not. A recorded press makes no call to Slack: the card itself tells."""
        try:
            await self._take(press)
        except Unavailable as away:
            log.warning("a press met no database", extra={"user": press.who.user, "why": type(away).__name__})
            PRESSES.labels(answer="unavailable").inc()
            await self._teller.whisper(press.who, NOBODY_KNOWS if isinstance(away, Uncertain) else NO_DATABASE)

    async def _take(self, press: Pressed) -> None:
        action = _action(press)
        if action is None:
            REJECTED.labels(reason="unknown_action").inc()
            return
        try:
            shown = shown_in(press.packed)
        except ValueError:
            REJECTED.labels(reason="tampered").inc()
            await self._teller.whisper(press.who, NOT_OURS)
            return
        if action in FORMS:
            await self._open(action, shown, press)
            return
        who = Presser(surface=SURFACE, external_id=press.who.user)
        decision = AT_ONCE[action]
        verdict = await self._desk.decide(Press(who=who, on=shown, decision=decision, event=press.event))
        PRESSES.labels(answer=str(verdict.answer)).inc()
        if not verdict.recorded:
            await self._teller.whisper(press.who, verdict.words)

    async def _open(self, action: Action, shown: Shown, press: Pressed) -> None:
        who = Presser(surface=SURFACE, external_id=press.who.user)
        hindrance = await self._desk.hindrance(who, shown, action)
        if hindrance is not None:
            log.warning("refused to open a form", extra={"user": press.who.user, "action": str(action)})
            await self._refuse(press, hindrance.answer, hindrance.words)
            return
        card = await self._desk.card(shown)
        if card is None:
            await self._refuse(press, Answer.NOT_FOUND, verdicts.NOT_FOUND.words)
            return
        now = fitting(action, card)
        if now is None:
            await self._refuse(press, Answer.TOO_LATE, moved_on(card))
            return
        if now is Action.READ_ALL and not fits_a_form(everything(card)):
            await self._refuse(press, Answer.INVALID, TOO_LONG)
            return
        opened = await self._teller.open(
            now,
            card,
            bound_to=card.shown,
            filled=fresh(now, card),
            trigger_id=press.trigger_id,
            warning=CHANGED if card.shown != shown else "",
        )
        if not opened:
            await self._teller.whisper(press.who, NOT_OPENED)

    async def _refuse(self, press: Pressed, answer: Answer, words: str) -> None:
        PRESSES.labels(answer=str(answer)).inc()
        await self._teller.whisper(press.who, words)


def _action(press: Pressed) -> Action | None:
    name = press.chosen if press.action_id == MENU else press.action_id
    try:
        action = Action(name or "")
    except ValueError:
        return None
    return action if action in FORMS or action in AT_ONCE else None
