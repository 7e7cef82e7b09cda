"""A press on a card: handed to the desk, and answered with what the presser sees next. Nothing is decided here.

The answer changes the card for the presser alone; for everyone it is redrawn by the job that the decision promised.
"""

import logging
from typing import Final, assert_never

from bot.core import verdicts
from bot.core.cards import Action, Card
from bot.core.decisions import Answer, Press, Presser, Shown, Verdict
from bot.core.forms import AT_ONCE, Wrong, decided, fitting
from bot.core.verdicts import CHANGED, NO_DATABASE, NOBODY_KNOWS, moved_on
from bot.surfaces.base import Desk
from bot.surfaces.teams.cards.activity import instead, refusal, toast
from bot.surfaces.teams.cards.card import adaptive_card
from bot.surfaces.teams.cards.elements import Json
from bot.surfaces.teams.cards.everything import everything, readable
from bot.surfaces.teams.cards.forms import explanation, form, openable
from bot.surfaces.teams.cards.inputs import Filled, fresh
from bot.surfaces.teams.metrics import PRESSES
from bot.surfaces.teams.payloads import Person, Pressed
from bot.surfaces.teams.surface import NAME
from bot.surfaces.teams.verbs import Decide, Open, Read, Show
from storage.database import Unavailable, Uncertain

log = logging.getLogger(__name__)

RECORDED: Final = "Recorded. The card will show it in a moment."
TOO_LONG: Final = "This is too long for Teams to show whole."
_OVERTAKEN: Final = (Answer.CUSTOMER_WROTE, Answer.DRAFT_CHANGED, Answer.TOO_LATE)


class Presses:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, press: Pressed) -> Json:
        """The body of the answer. What was typed is never lost to a refusal."""
        try:
            return await self._answer(press)
        except Unavailable as away:
            log.warning("a press met no database", extra={"user": press.who.external_id, "why": type(away).__name__})
            PRESSES.labels(answer="unavailable").inc()
            words = NOBODY_KNOWS if isinstance(away, Uncertain) else NO_DATABASE
            return refusal(words, code="unavailable")

    async def _answer(self, press: Pressed) -> Json:
        match press.verb:
            case Decide(action):
                return await self._decide(press, action)
            case Open(action):
                return await self._open(press, action)
            case Read(page):
                return await self._read(press, page)
            case Show():
                return await self._show(press)
            case _:
                assert_never(press.verb)

    async def _decide(self, press: Pressed, action: Action) -> Json:
        filled = press.filled
        if action in AT_ONCE:
            decision = AT_ONCE[action]
        else:
            found = decided(action, text=filled.text, choice=filled.choice, note=filled.note)
            if isinstance(found, Wrong):
                return refusal(found.words, code=str(Answer.INVALID))
            decision = found
        who = presser(press.who)
        verdict = await self._desk.decide(Press(who=who, on=press.on, decision=decision, event=press.event))
        PRESSES.labels(answer=str(verdict.answer)).inc()
        if verdict.recorded:
            return await self._recorded(press.on)
        if action in AT_ONCE or verdict.answer in (Answer.INVALID, Answer.NOT_ALLOWED):
            return refusal(verdict.words, code=str(verdict.answer))
        return await self._overtaken(press, action, verdict)

    async def _recorded(self, on: Shown) -> Json:
        """The card as the decision left it. It counts, whatever happens to the answer."""
        try:
            card = await self._desk.card(on)
        except Unavailable:
            card = None
        return toast(RECORDED) if card is None else instead(adaptive_card(card))

    async def _overtaken(self, press: Pressed, action: Action, verdict: Verdict) -> Json:
        """The same form on the conversation as it is now: sending it off again is a new decision. Or why not.

        It is bound to the card it shows.
        """
        if verdict.answer in _OVERTAKEN and verdict.now is not None:
            card = await self._desk.card(verdict.now)
            now = fitting(action, card) if card is not None else None
            if card is not None and now is not None:
                drawn = form(now, card, bound_to=card.shown, filled=press.filled, warning=verdict.words)
                if openable(drawn):
                    return instead(drawn)
        return instead(explanation(verdict.words, on=press.on, kept=_typed(press.filled)))

    async def _open(self, press: Pressed, action: Action) -> Json:
        card = await self._looked_at(press, action)
        if not isinstance(card, Card):
            return card
        now = fitting(action, card)
        if now is None:
            return _refused(Answer.TOO_LATE, moved_on(card))
        warning = CHANGED if card.shown != press.on else ""
        drawn = form(now, card, bound_to=card.shown, filled=fresh(now, card), warning=warning)
        return instead(drawn) if openable(drawn) else _refused(Answer.INVALID, TOO_LONG)

    async def _read(self, press: Pressed, page: int) -> Json:
        """That page; the first one again, if what is read is no more what was begun."""
        card = await self._looked_at(press, Action.READ_ALL)
        if not isinstance(card, Card):
            return card
        if not readable(card):
            return _refused(Answer.INVALID, TOO_LONG)
        if card.shown != press.on:
            return instead(everything(card, 1, warning=CHANGED))
        return instead(everything(card, page))

    async def _show(self, press: Pressed) -> Json:
        card = await self._looked_at(press, Action.READ_ALL)
        return instead(adaptive_card(card)) if isinstance(card, Card) else card

    async def _looked_at(self, press: Pressed, action: Action) -> Card | Json:
        """The card as it stands, for those who may; else the answer that says why not."""
        hindrance = await self._desk.hindrance(presser(press.who), press.on, action)
        if hindrance is not None:
            log.warning("refused to show", extra={"user": press.who.external_id, "action": str(action)})
            return _refused(hindrance.answer, hindrance.words)
        card = await self._desk.card(press.on)
        return _refused(Answer.NOT_FOUND, verdicts.NOT_FOUND.words) if card is None else card


def presser(who: Person) -> Presser:
    return Presser(surface=NAME, external_id=who.external_id)


def _refused(answer: Answer, words: str) -> Json:
    PRESSES.labels(answer=str(answer)).inc()
    return refusal(words, code=str(answer))


def _typed(filled: Filled) -> str:
    return "\n\n".join(filter(None, (filled.text, filled.note)))
