"""Everything Slack may tell us, and who listens. Each listener reads the payload, hands it on, and acknowledges.

Bolt runs through its listeners in this order, so the presses come first, and what catches the rest comes last.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.surfaces.base import Desk
from bot.surfaces.slack.blocks.buttons import REFRESH
from bot.surfaces.slack.editors import Editors
from bot.surfaces.slack.identity import Identity
from bot.surfaces.slack.metrics import REJECTED
from bot.surfaces.slack.payloads import Commanded, Malformed, Mentioned, Pressed, Submitted, closed_view, home_opened_by
from bot.surfaces.slack.presses import SURFACE, Presses
from bot.surfaces.slack.submissions import Submissions
from bot.surfaces.slack.talk import Talk
from storage.database import Unavailable

log = logging.getLogger(__name__)

ANY: Final = re.compile(".*", re.DOTALL)
MEMBERSHIP: Final = re.compile("^subteam_")
GONE: Final = re.compile("^(app_uninstalled|tokens_revoked)$")
_HEARD: Final = "signoff_heard"  # in bolt's context: a listener has the payload
Body = dict[str, Any]


def register(
    app: AsyncApp,
    *,
    desk: Desk,
    presses: Presses,
    submissions: Submissions,
    talk: Talk,
    editors: Editors,
    identity: Identity,
) -> None:
    """Let the app listen. An acknowledgement is the last thing a listener does: nothing raises after it."""

    @app.action(ANY)
    @_readable
    async def pressed(ack: AsyncAck, body: Body) -> BoltResponse:
        press = Pressed.of(body)
        if press.action_id == REFRESH:
            await talk.home_opened(press.who.user)
        else:
            await presses(press)
        return await ack()

    @app.view_submission(ANY)
    @_readable
    async def submitted(ack: AsyncAck, body: Body) -> BoltResponse:
        response = await submissions(Submitted.of(body))
        return await ack(**response) if response else await ack()

    @app.view_closed(ANY)
    @_readable
    async def closed(ack: AsyncAck, body: Body) -> BoltResponse:
        await editors.closed(closed_view(body))
        return await ack()

    @app.command(ANY)
    @_readable
    async def commanded(ack: AsyncAck, body: Body) -> BoltResponse:
        answer = await talk.command(Commanded.of(body))
        return await ack(text=answer.text, blocks=answer.blocks, response_type="ephemeral")

    @app.event("app_mention")
    @_readable
    async def mentioned(ack: AsyncAck, body: Body) -> BoltResponse:
        if (said := Mentioned.of(body)) is not None:
            await talk.mentioned(said)
        return await ack()

    @app.event("app_home_opened")
    @_readable
    async def home_opened(ack: AsyncAck, body: Body) -> BoltResponse:
        if (user := home_opened_by(body)) is not None:
            await talk.home_opened(user)
        return await ack()

    @app.event(MEMBERSHIP)
    @_readable
    async def membership_changed(ack: AsyncAck, body: Body) -> BoltResponse:
        await desk.roster_changed(SURFACE)
        return await ack()

    @app.event(GONE)
    async def gone(ack: AsyncAck) -> BoltResponse:
        identity.trouble = "the app was removed from the workspace, or its token revoked: install it again"
        log.error("slack took our token away")
        return await ack()

    _catch_the_rest(app)
    _answer_failures(app)


def _catch_the_rest(app: AsyncApp) -> None:
    """Acknowledged and dropped: an answer of 404 would count as a failed delivery, and be shown as an error."""

    @app.event(ANY)
    async def other_event(ack: AsyncAck) -> BoltResponse:
        return await ack()

    @app.shortcut(ANY)
    async def other_shortcut(ack: AsyncAck) -> BoltResponse:
        return await ack()

    @app.options(ANY)
    async def other_options(ack: AsyncAck) -> BoltResponse:
        return await ack(options=[])


Listener = Callable[[AsyncAck, Body], Awaitable[BoltResponse]]
Heard = Callable[[AsyncAck, Body, AsyncBoltContext], Awaitable[BoltResponse]]


def _readable(listener: Listener) -> Heard:
    """A payload that is not shaped as documented is answered 400 and counted."""

    async def listening(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> BoltResponse:
        context[_HEARD] = True
        try:
            return await listener(ack, body)
        except Malformed as malformed:
            log.warning("slack sent something unreadable", extra={"why": str(malformed)})
            return _unreadable()

    return listening


def _answer_failures(app: AsyncApp) -> None:
    @app.error
    async def failed(error: Exception, context: AsyncBoltContext) -> BoltResponse:
        """500, or 503 without a database, for what a listener raised: events are then delivered again, and a form stays
        open with Slack's own words. Before a listener heard it, bolt could not read it.
        """
        if not context.get(_HEARD):
            return _unreadable()
        if isinstance(error, Unavailable):
            log.warning("slack met no database", extra={"why": type(error).__name__})
            return BoltResponse(status=503, headers={"retry-after": str(round(error.retry_after_seconds))})
        log.error("a listener failed", exc_info=error)
        return BoltResponse(status=500)


def _unreadable() -> BoltResponse:
    REJECTED.labels(reason="malformed").inc()
    return BoltResponse(status=400, body="malformed payload")
