"""Which forms are open on which conversation, so that whoever writes in one learns that the customer wrote again.

In the database: a form may be opened by one replica and its card redrawn by another, or after a restart. A kindness all
the same: the desk refuses what a form was not bound to, so nothing here fails a press.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from bot.core.cards import Action, Card, CardState
from bot.core.decisions import Shown
from bot.surfaces.slack.modals.filled import Filled
from storage.database import Database, Tx
from storage.shared import open_forms
from storage.shared.wakes import Wakes
from storage.tables import OpenForm

log = logging.getLogger(__name__)

OPEN_FOR: Final = timedelta(hours=1)
_WATCHED_MOST: Final = 5000
_OPENED: Final = "form-opened"


@dataclass(frozen=True, kw_only=True)
class Editor:
    """One open form. `told` is what it was last warned of, as `_state` says it."""

    view_id: str
    hash: str | None  # Slack's version of the view; None: unknown since it was answered
    action: Action
    shown: Shown  # what submitting it is bound to
    state: CardState  # of its card, when it was opened
    filled: Filled  # what it was prefilled with
    opened_at: datetime
    told: str | None = None

    def outdated_by(self, card: Card) -> bool:
        """Whether this card shows something that the form does not know yet."""
        return _state(card.shown, card.state) not in (_state(self.shown, self.state), self.told)


class Editors:
    """Where nobody has a form open, and that is nearly everywhere, it is known without asking the database."""

    def __init__(self, db: Database, wakes: Wakes, clock: Callable[[], datetime]) -> None:
        self._db, self._wakes, self._clock = db, wakes, clock
        self._watched: dict[str, object] = {}  # conversations in which a form was opened, and a mark of the last time
        self._complete = False  # whether those are all
        self._forgotten = 0  # times
        wakes.subscribe(_OPENED, self._watch, missed=self._forget)

    async def opened(self, editor: Editor) -> None:
        """Remember it, in place of what was known of the same view."""

        def keep(tx: Tx) -> None:
            open_forms.opened(tx, _row(editor))
            self._wakes.tell(tx, _OPENED, editor.shown.conversation_id)

        await self._try(keep)

    async def closed(self, view_id: str) -> None:
        await self._try(lambda tx: open_forms.closed(tx, view_id))

    async def told(self, view_id: str, card: Card, view_hash: str | None) -> None:
        """Note that the form was warned about this card."""
        await self._try(lambda tx: open_forms.told(tx, view_id, _state(card.shown, card.state), view_hash))

    async def to_warn(self, card: Card) -> list[Editor]:
        """The forms of this card's conversation that it makes outdated."""
        since = self._clock() - OPEN_FOR
        if not self._complete:
            await self._look(since)
        conversation_id = card.shown.conversation_id
        mark = self._watched.get(conversation_id)
        if mark is None:
            return []
        rows = await self._db.read(lambda tx: open_forms.of_conversation(tx, conversation_id, since=since))
        if not rows and self._watched.get(conversation_id) is mark:  # or one was opened while we looked
            del self._watched[conversation_id]
        editors = [editor for row in rows if (editor := _editor(row)) is not None]
        return [editor for editor in editors if editor.outdated_by(card)]

    async def _look(self, since: datetime) -> None:
        """Those opened meanwhile are heard of; if words were lost meanwhile, the next to ask looks again."""
        forgotten = self._forgotten
        found = await self._db.read(lambda tx: open_forms.conversations(tx, since=since))
        self._watched.update(dict.fromkeys(found, object()))
        self._complete = self._forgotten == forgotten

    async def _try(self, write: Callable[[Tx], None]) -> None:
        try:
            await self._db.write(write)
        except SQLAlchemyError:
            log.warning("which forms are open could not be noted", exc_info=True)

    def _watch(self, conversation_id: str) -> None:
        self._watched[conversation_id] = object()
        if len(self._watched) > _WATCHED_MOST:
            self._watched.clear()
            self._forget()

    def _forget(self) -> None:
        self._complete = False
        self._forgotten += 1


def _state(shown: Shown, state: CardState) -> str:
    return f"{state} {shown.pack()}"


def _row(editor: Editor) -> OpenForm:
    form: dict[str, Any] = {
        "action": str(editor.action),
        "shown": editor.shown.pack(),
        "state": str(editor.state),
        "filled": asdict(editor.filled),
    }
    return OpenForm(
        view_id=editor.view_id,
        conversation_id=editor.shown.conversation_id,
        view_hash=editor.hash,
        form=form,
        told=editor.told,
        opened_at=editor.opened_at,
    )


def _editor(row: OpenForm) -> Editor | None:
    """None: written by a release that knows other forms."""
    try:
        filled = row.form["filled"]
        return Editor(
            view_id=row.view_id,
            hash=row.view_hash,
            action=Action(row.form["action"]),
            shown=Shown.unpack(row.form["shown"]),
            state=CardState(row.form["state"]),
            filled=Filled(**{**filled, "texts": tuple(filled["texts"]), "joins": tuple(filled["joins"])}),
            opened_at=row.opened_at,
            told=row.told,
        )
    except (KeyError, TypeError, ValueError):
        return None
