"""Everything Teams may tell us, and who listens."""

import logging
from typing import Final, assert_never

from bot.core.verdicts import NOT_OURS
from bot.surfaces.base import Desk
from bot.surfaces.teams.adapter import Answer
from bot.surfaces.teams.cards.activity import refusal
from bot.surfaces.teams.cards.elements import Json
from bot.surfaces.teams.guard import Admitted
from bot.surfaces.teams.metrics import REJECTED
from bot.surfaces.teams.payloads import (
    Heard,
    Ignored,
    Installed,
    Malformed,
    Pressed,
    QueueAsked,
    Removed,
    TeamChanged,
    Told,
    heard,
)
from bot.surfaces.teams.presses import Presses
from bot.surfaces.teams.surface import NAME
from bot.surfaces.teams.talk import Talk

log = logging.getLogger(__name__)

_OK: Final = 200  # of the invoke itself: what became of it is said in the body


class Listeners:
    def __init__(self, desk: Desk, presses: Presses, talk: Talk) -> None:
        self._desk, self._presses, self._talk = desk, presses, talk

    async def __call__(self, admitted: Admitted) -> Answer | None:
        """The answer to an invoke; None where an acknowledgement is enough.

        What cannot be read is refused, and acknowledged where nobody waits: it would be no better the next time.
        """
        try:
            said = heard(admitted.body, tenant=admitted.tenant, service_url=admitted.service_url)
        except Malformed as malformed:
            log.warning("teams sent something unreadable", extra={"why": str(malformed)})
            REJECTED.labels(reason=malformed.reason).inc()
            invoked = admitted.body.get("type") == "invoke"
            return _answered(refusal(NOT_OURS, code=malformed.reason)) if invoked else None
        return await self._listen(said)

    async def _listen(self, said: Heard) -> Answer | None:
        match said:
            case Pressed():
                return _answered(await self._presses(said))
            case QueueAsked():
                return _answered(await self._talk.refreshed(said))
            case Told():
                await self._talk(said)
            case Installed():
                await self._installed(said)
            case Removed():
                log.error("the app was removed from teams", extra={"team": said.team or "a chat"})
            case TeamChanged():
                await self._desk.roster_changed(NAME)
            case Ignored():
                return _answered({}) if said.invoke is not None else None
            case _:
                assert_never(said)
        return None

    async def _installed(self, said: Installed) -> None:
        """What signoff.toml asks for is told in the log; in a chat the newcomer is told what there is."""
        if said.team is None:
            if said.where.personal:
                await self._talk.greet(said.where)
            return
        given = {"team": said.team, "channel": said.channel, "service_url": said.where.service_url}
        log.info("the app was installed in teams", extra=given)
        await self._desk.roster_changed(NAME)


def _answered(body: Json) -> Answer:
    return Answer(status=_OK, body=body)
