"""Cards for the tests of surfaces: an ordinary one, and every way to make it worse."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.core.cards import Action, Card, CardState, Cited, Ending, File, Offer, Proposal, Reason, Said
from bot.core.decisions import Shown
from storage import ids
from storage.tables import Priority

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SHOWN = Shown(conversation_id="cnv_1", sequence=1, review_id="rev_1", draft_digest="d" * 32)
MENU = (Action.REDRAFT, Action.RECATEGORISE, Action.DISMISS)


def said(text: str = "Where is my tent? Order 1042.", *files: File) -> Said:
    return Said(author="Ada Kern", text=text, at=AT, files=files)


def proposal(text: str = "Hello Ada,\n\nyour tent left our warehouse today.") -> Proposal:
    return Proposal(
        text=text,
        sources=(Cited(title="Delivery times", url="https://larkspur.example/help/delivery", version=3),),
        evidence="31 of 34 drafts like this went out unchanged",
        made_by="Drafted by claude-sonnet-5-5",
        offline=False,
    )


def waiting(**changes: Any) -> Card:
    """A card with a draft, waiting for somebody; its key is new."""
    card = Card(
        key=ids.new("pst"),
        shown=SHOWN,
        state=CardState.WAITING,
        headline="Delivery · Ada Kern",
        facts=("High priority", "VIP", "Web chat"),
        waiting_since=AT,
        priority=Priority.HIGH,
        said=(said(),),
        reasons=(Reason(words="Asks for a person", quote="can I talk to someone"),),
        proposal=proposal(),
        buttons=(Action.APPROVE, Action.EDIT, Action.TAKE_OVER),
        menu=MENU,
        category="delivery",
        categories=(("billing", "Billing"), ("general", "General")),
        summary="Delivery question from Ada Kern, high priority: Where is my tent? A draft waits for approval.",
    )
    return replace(card, **changes)


def without_draft(**changes: Any) -> Card:
    card = waiting(
        proposal=None,
        missing="Claude did not answer within 25 s.",
        offers=(Offer(title="Delivery times", text="Tents ship within two days.", url=None),),
        buttons=(Action.WRITE, Action.TAKE_OVER),
        shown=replace(SHOWN, draft_digest=None),
    )
    return replace(card, **changes)


def ended(state: CardState = CardState.SENT, **changes: Any) -> Card:
    ending = Ending(words="Approved as drafted by Bo Lindqvist", at=AT, text="It ships today.", delivery="Delivered")
    return replace(waiting(state=state, ending=ending, buttons=(), menu=()), **changes)


def taken_over(**changes: Any) -> Card:
    card = waiting(
        state=CardState.TAKEN_OVER,
        ending=Ending(words="Taken over by Bo Lindqvist", at=AT),
        buttons=(Action.REPLY, Action.HAND_BACK, Action.RESOLVE),
        menu=(),
    )
    return replace(card, **changes)


def closed(**changes: Any) -> Card:
    ending = Ending(words="The customer wrote again: see the newer card", at=AT)
    return replace(waiting(state=CardState.CLOSED, ending=ending, buttons=(), menu=()), **changes)


def drawn_text(blocks: Any) -> str:
    """All the words in blocks, one space between them, for asserting that something is there."""
    return " ".join(" ".join(_texts(blocks)).split())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def pressable(blocks: Any) -> set[str]:
    """The actions offered: buttons by their action_id, menu entries by their value."""
    found: set[str] = set()
    for block in blocks:
        for element in block.get("elements", ()) if block["type"] == "actions" else ():
            if element["type"] == "overflow":
                found |= {option["value"] for option in element["options"]}
            else:
                found.add(element["action_id"])
    return found
