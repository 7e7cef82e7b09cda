"""What a surface is: it draws cards, and hands presses to the desk. It decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.cards import Action, Card, Queue, Status
from bot.core.decisions import Answer, PauseRequest, Press, Presser, Shown, Verdict
from storage.tables import Role

__all__ = [
    "Answer",
    "Card",
    "Desk",
    "Member",
    "PauseRequest",
    "Press",
    "Presser",
    "Shown",
    "Surface",
    "SurfaceRefused",
    "SurfaceUnavailable",
    "Verdict",
]


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody who may press, as the surface's own membership says."""

    external_id: str
    name: str
    email: str | None
    role: Role


class Desk(Protocol):
    """The one door from a surface into the bot."""

    async def decide(self, press: Press) -> Verdict:
        """Record a decision, or say why not. Returns after the commit; the same press again changes nothing."""

    async def card(self, shown: Shown) -> Card | None:
        """The card of what was shown as it stands now (the review's, else the conversation's newest); None: unknown."""

    async def card_at(self, surface: str, ref: str) -> Card | None:
        """The newest card of the thread that this ref is in: for words said to the bot there."""

    async def may(self, who: Presser) -> Role | None:
        """The presser's role now; None: nobody we know."""

    async def hindrance(self, who: Presser, on: Shown, action: Action) -> Verdict | None:
        """Why this person should not even begin (to type a reply in a colleague's conversation); None: go ahead.

        A kindness, no authority: what they send is judged again.
        """

    async def queue(self, who: Presser) -> Queue: ...

    async def status(self) -> Status: ...

    async def pause(self, request: PauseRequest) -> Verdict: ...

    async def resume(self, who: Presser, category: str | None) -> Verdict:
        """End the pauses of a category; None ends every pause."""

    async def roster_changed(self, surface: str) -> None:
        """Membership may have changed: read it again soon."""


class SurfaceUnavailable(Exception):
    """The surface cannot take it now: tried again later. The message carries the remote's own code."""

    def __init__(self, words: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(words)
        self.retry_after_seconds = retry_after_seconds


class SurfaceRefused(Exception):
    """The surface will never take it as it is: a person must look (channel gone, scope missing, invalid blocks)."""


class Surface(Protocol):
    """Slack, Teams. Every surface passes tests/surfaces/contract.py."""

    name: str

    async def turn(self, card: Card, *, place: str) -> None:
        """Return when it is this card's turn to be posted there: `post` comes next, and once.

        Raises:
            storage.jobs.Postpone: later, at a time that is kept for this card. Nothing was sent.
        """

    async def post(self, card: Card, *, place: str, thread: str | None, again: bool) -> str:
        """Put a card up, in the thread of the posting `thread` names (None: it begins one), and return its ref.

        `again`: an earlier attempt under the same `card.key` may have arrived; look for it first, and return its ref
        if it did.

        Raises:
            SurfaceUnavailable, SurfaceRefused: see there.
        """

    async def update(self, ref: str, card: Card) -> None:
        """Redraw. Harmless to repeat. Also tells whoever has this card open in a form that it changed.

        Pacing may make it raise storage.jobs.Postpone before the card is redrawn.
        """

    async def members(self) -> Sequence[Member]:
        """Everyone who may press, whole. Raises like `post`."""

    async def link(self, ref: str) -> str | None:
        """A web address of the card, or None."""
