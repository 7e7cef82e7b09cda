"""Which forms are open on which conversation, so that whoever writes in one learns that the customer wrote again.

In memory and bounded: a restart forgets it, and the desk still refuses what the form was not bound to.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.core.cards import Action, Card, CardState
from bot.core.decisions import Shown
from bot.surfaces.slack.modals.filled import Filled

OPEN_MOST: Final = 500
OPEN_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Editor:
    """One open form. `told` is what it was last warned of."""

    view_id: str
    hash: str | None  # Slack's version of the view; None: unknown since it was answered
    action: Action
    shown: Shown  # what submitting it is bound to
    state: CardState  # of its card, when it was opened
    filled: Filled  # what it was prefilled with
    opened_at: datetime
    told: tuple[Shown, CardState] | None = None

    def outdated_by(self, card: Card) -> bool:
        """Whether this card shows something that the form does not know yet."""
        now = (card.shown, card.state)
        return now not in ((self.shown, self.state), self.told)


class Editors:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._open: OrderedDict[str, Editor] = OrderedDict()

    def opened(self, editor: Editor) -> None:
        """Remember it, in place of what was known of the same view."""
        now = self._clock()
        self._open.pop(editor.view_id, None)
        self._open[editor.view_id] = editor
        while len(self._open) > OPEN_MOST or next(iter(self._open.values())).opened_at < now - OPEN_FOR:
            self._open.popitem(last=False)

    def closed(self, view_id: str) -> None:
        self._open.pop(view_id, None)

    def told(self, view_id: str, card: Card, view_hash: str | None) -> None:
        """Note that the form was warned about this card."""
        if (editor := self._open.get(view_id)) is not None:
            self._open[view_id] = replace(editor, told=(card.shown, card.state), hash=view_hash)

    def to_warn(self, card: Card) -> list[Editor]:
        """The forms of this card's conversation that it makes outdated."""
        return [
            editor
            for editor in self._open.values()
            if editor.shown.conversation_id == card.shown.conversation_id and editor.outdated_by(card)
        ]

    def __len__(self) -> int:
        return len(self._open)
