"""A submitted form: handed to the desk. What an agent typed is never lost to a refusal."""

from dataclasses import replace
from typing import Any, Final

from bot.core.cards import Action
from bot.core.decisions import Press, Presser
from bot.core.forms import FORMS, fitting
from bot.core.texts import spoken
from bot.surfaces.base import Answer, Desk, Verdict
from bot.surfaces.slack.editors import Editors
from bot.surfaces.slack.metrics import PRESSES, REJECTED
from bot.surfaces.slack.modals.answers import Errors, decided
from bot.surfaces.slack.modals.filled import Filled
from bot.surfaces.slack.modals.forms import (
    CHOICE,
    TEXT,
    approvable,
    explanation,
    form,
    unpacked,
)
from bot.surfaces.slack.payloads import Submitted
from bot.surfaces.slack.presses import SURFACE
from bot.surfaces.slack.tell import Teller

Response = dict[str, Any]

NOT_OURS: Final = "This form is not one I can read. Please open it again from the newest card."
_OVERTAKEN: Final = (Answer.CUSTOMER_WROTE, Answer.DRAFT_CHANGED, Answer.TOO_LATE)
_FIRST_INPUT: Final = {
    Action.EDIT: f"{TEXT}-0",
    Action.WRITE: f"{TEXT}-0",
    Action.REPLY: f"{TEXT}-0",
    Action.REDRAFT: f"{TEXT}-0",
    Action.RECATEGORISE: CHOICE,
    Action.DISMISS: CHOICE,
}


class Submissions:
    def __init__(self, desk: Desk, teller: Teller, editors: Editors) -> None:
        self._desk, self._teller, self._editors = desk, teller, editors

    async def __call__(self, sent: Submitted) -> Response | None:
        """What Slack does with the form: None closes it, anything else keeps the agent's words before them."""
        try:
            action = _action(sent.callback_id)
            shown, joins = unpacked(sent.metadata)
        except ValueError:
            REJECTED.labels(reason="tampered").inc()
            return _instead(explanation(NOT_OURS, kept=sent.filled.text))
        filled = replace(sent.filled, joins=joins)
        decision = decided(action, filled)
        if isinstance(decision, Errors):
            return _errors(decision.by_block)
        who = Presser(surface=SURFACE, external_id=sent.user)
        verdict = await self._desk.decide(Press(who=who, on=shown, decision=decision, event=sent.event))
        PRESSES.labels(answer=str(verdict.answer)).inc()
        if verdict.recorded:
            await self._editors.closed(sent.view_id)
            return None
        return await self._refused(action, filled, sent, verdict)

    async def _refused(self, action: Action, filled: Filled, sent: Submitted, verdict: Verdict) -> Response:
        if verdict.answer is Answer.INVALID and action in _FIRST_INPUT:
            return _errors({_FIRST_INPUT[action]: spoken(verdict.words)})
        if verdict.answer in _OVERTAKEN and verdict.now is not None:
            again = await self._again(action, filled, sent, verdict)
            if again is not None:
                return again
        await self._editors.closed(sent.view_id)
        return _instead(explanation(verdict.words, kept="\n\n".join(filter(None, (filled.text, filled.note)))))

    async def _again(self, action: Action, filled: Filled, sent: Submitted, verdict: Verdict) -> Response | None:
        """The same form on the conversation as it is now, with what changed: submitting again is a new decision.

        It is bound to the card it shows. None: that card does not offer this any more.
        """
        assert verdict.now is not None
        card = await self._desk.card(verdict.now)
        now = fitting(action, card) if card is not None else None
        if card is None or now is None or (now is Action.READ_ALL and not approvable(card)):
            return None
        await self._teller.remember(sent.view_id, now, card, bound_to=card.shown, filled=filled, view_hash=None)
        return _instead(form(now, card, bound_to=card.shown, filled=filled, warning=verdict.words))


def _action(callback_id: str) -> Action:
    """Raises ValueError for a form that is not ours."""
    action = Action(callback_id)
    if action not in FORMS:
        raise ValueError(f"{action} has no form")
    return action


def _instead(view: dict[str, Any]) -> Response:
    return {"response_action": "update", "view": view}


def _errors(by_block: dict[str, str]) -> Response:
    return {"response_action": "errors", "errors": {block: words[:300] for block, words in by_block.items()}}
