"""Agents at their Slack clients: they press what the cards offer, twice at times, two at once at times."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import Message, Person, SandboxServer

AGENTS = ("U0ANA", "U0BO", "U0CY", "U0DEE")
_ANSWERING = ("approve", "read_all", "write")


@dataclass
class Agents:
    sandbox: SandboxServer
    presses: Counter[str] = field(default_factory=Counter)

    def cards(self) -> list[Message]:
        """Every message the bot put up, replies in threads included."""
        channels = self.sandbox.workspace.channels.values()
        return [message for channel in channels for message in channel.messages.values() if message.bot_id]

    def open_cards(self) -> list[Message]:
        return [card for card in self.cards() if offered(card) & set(_ANSWERING)]

    async def work(self, user: str, chance: random.Random, enough: asyncio.Event) -> None:
        """Until it is enough."""
        person = self.sandbox.person(user)
        while not enough.is_set():
            cards = self.open_cards()
            held = [card for card in self.cards() if "undo" in offered(card)]
            if held and chance.random() < 0.1:
                await self._press(person, "undo", chance.choice(held))
            elif cards:
                await self._answer(person, chance.choice(cards), chance)
            await asyncio.sleep(chance.uniform(0.02, 0.15))

    async def finish(self) -> None:
        """Answer every card that is still open, once."""
        for card in self.open_cards():
            person = self.sandbox.person(AGENTS[0])
            if "approve" in offered(card):
                await self._press(person, "approve", card)
            else:
                await self._fill_in(person, "write", card, {"typed": "We look into it."})

    async def _answer(self, person: Person, card: Message, chance: random.Random) -> None:
        what = chance.choices(["approve", "double", "race", "edit", "dismiss"], [60, 12, 12, 10, 6])[0]
        if "approve" not in offered(card):
            await self._fill_in(person, "write", card, {"typed": f"Written for {card.ts}."})
        elif what == "double":
            await asyncio.gather(self._press(person, "approve", card), self._press(person, "approve", card))
        elif what == "race":
            rival = self.sandbox.person(chance.choice([user for user in AGENTS if user != person.user]))
            await asyncio.gather(self._press(person, "approve", card), self._press(rival, "approve", card))
        elif what == "edit":
            await self._fill_in(person, "edit", card, {"typed": f"Edited for {card.ts}."})
        elif what == "dismiss":
            await self._fill_in(person, "dismiss", card, {"chosen": "duplicate"})
        else:
            await self._press(person, "approve", card)

    async def _press(self, person: Person, action: str, card: Message) -> None:
        """A press on a card as it was drawn: it may have changed, or the bot may be gone."""
        if action not in offered(card):
            return
        seen = await person.click(action, on=card)
        self.presses[action if seen.ok else "unanswered"] += 1

    async def _fill_in(self, person: Person, action: str, card: Message, inputs: dict[str, str]) -> None:
        while person.view is not None:
            await person.close()
        if action not in offered(card):
            return
        if action == "dismiss":
            await person.choose("menu", "dismiss", on=card)
        else:
            await person.click(action, on=card)
        if person.view is None or person.view.callback_id != action:
            self.presses[f"{action} not opened"] += 1
            return
        for name, value in inputs.items():
            await (person.choose(name, value) if name == "chosen" else person.type(name, value))
        seen = await person.submit()
        self.presses[action if seen.ok else f"{action} not taken"] += 1


def offered(card: Message) -> set[str]:
    """The action ids of a card's buttons and of its menu's entries."""
    return {name for block in card.blocks for element in block.get("elements", []) for name in _names(element)}


def key_of(card: Message) -> str:
    return str(((card.metadata or {}).get("event_payload") or {}).get("key"))


def _names(element: dict[str, Any]) -> Iterator[str]:
    if element.get("type") == "button":
        yield str(element.get("action_id"))
    for option in element.get("options", []) if element.get("type") == "overflow" else []:
        yield str(option.get("value"))
