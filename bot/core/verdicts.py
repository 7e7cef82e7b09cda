"""What pressers are told: the same words on every surface."""

from datetime import datetime
from typing import Final

from bot.core.cards import Card
from bot.core.decisions import Answer, Shown, Verdict
from bot.core.texts import moment, one_line
from storage.tables import DecisionKind, Pause

_DID: Final[dict[DecisionKind, str]] = {
    DecisionKind.APPROVE: "approved this",
    DecisionKind.EDIT: "edited and approved this",
    DecisionKind.TAKE_OVER: "took this over",
    DecisionKind.DISMISS: "dismissed this",
    DecisionKind.UNDO: "took this back",
    DecisionKind.RESOLVE: "resolved this",
}

RECORDED: Final = Verdict(answer=Answer.RECORDED, words="")
REPEATED: Final = Verdict(answer=Answer.REPEATED, words="")
NOT_ALLOWED: Final = Verdict(
    answer=Answer.NOT_ALLOWED,
    words="Only support agents can decide here, and you are not on their list. Ask an admin to add you.",
)
NOT_FOUND: Final = Verdict(
    answer=Answer.NOT_FOUND, words="This card is not known any more. Look for a newer one in the channel or the queue."
)
NO_DRAFT: Final = Verdict(answer=Answer.DRAFT_CHANGED, words="The draft was withdrawn: wait for the new one.")
GONE_OUT: Final = Verdict(answer=Answer.TOO_LATE, words="Too late to undo: the reply is on its way already.")
NOTHING_FAILED: Final = Verdict(answer=Answer.TOO_LATE, words="There is nothing to retry: this reply did not fail.")
EMPTY: Final = Verdict(answer=Answer.INVALID, words="There is no text to send.")
SAME_CATEGORY: Final = Verdict(answer=Answer.REPEATED, words="")
NOBODY_OWNS: Final = Verdict(answer=Answer.NOT_OWNER, words="Nobody owns this conversation now: press Take over first.")

NOT_OURS: Final = "This button is not one I can read. Please use the newest card."
CHANGED: Final = "This changed after the card you pressed was drawn: look before you send."
NO_DATABASE: Final = (
    "Signoff cannot reach its database just now: this was not recorded. Please press again in a minute."
)
NOBODY_KNOWS: Final = "Signoff lost its database at this very moment: look at the card before you press again."


def moved_on(card: Card) -> str:
    """What the card says now, to somebody who pressed what it does not offer any more."""
    return card.ending.words if card.ending is not None else "This card has changed: look at it as it is now."


def too_long(most: int) -> Verdict:
    return Verdict(answer=Answer.INVALID, words=f"The reply is longer than {most:,} characters: shorten it.")


def unknown_category(name: str) -> Verdict:
    return Verdict(answer=Answer.INVALID, words=f"There is no category “{one_line(name, 40)}”.")


def too_late(by: str, kind: DecisionKind, at: datetime, now: Shown | None) -> Verdict:
    did = _DID.get(kind, "decided this")
    words = f"{one_line(by, 60)} {did} at {moment(at)}: your press changed nothing."
    return Verdict(answer=Answer.TOO_LATE, words=words, now=now)


def settled_otherwise(now: Shown | None) -> Verdict:
    return Verdict(answer=Answer.TOO_LATE, words="This is settled already: your press changed nothing.", now=now)


def customer_wrote(now: Shown | None) -> Verdict:
    words = "The customer wrote again, so nothing was sent. Read the new words; then decide again."
    return Verdict(answer=Answer.CUSTOMER_WROTE, words=words, now=now)


def draft_changed(now: Shown | None) -> Verdict:
    words = "The draft changed since you saw it, so nothing was sent. Read the new one; then decide again."
    return Verdict(answer=Answer.DRAFT_CHANGED, words=words, now=now)


def not_owner(owner: str) -> Verdict:
    return Verdict(
        answer=Answer.NOT_OWNER,
        words=f"{one_line(owner, 60)} owns this conversation, so nothing was done. Ask them to hand it back; "
        "a supervisor can press Take over.",
    )


def done(words: str) -> Verdict:
    return Verdict(answer=Answer.RECORDED, words=words)


def refused(words: str) -> Verdict:
    return Verdict(answer=Answer.INVALID, words=words)


def paused_words(pause: Pause, by: str) -> str:
    """What cards and `/signoff status` say of a pause."""
    what = pause.category or "everything"
    return f"Drafting is paused for {what} until {moment(pause.until)} ({one_line(by, 60)})."
