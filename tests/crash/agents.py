"""Agents at their Slack clients: they press what the cards offer, twice at times, two at once at times.

They think again, too, and take conversations over, which they answer themselves until they let go of them.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.core.verdicts import GONE_OUT
from bot.sandbox import Message, Person, SandboxServer

AGENTS = ("U0ANA", "U0BO", "U0CY", "U0DEE")
_ANSWERING = ("approve", "write")
_ELSEWHERE = {"approve", "write", "reply"}  # cards that ask, and those of an owner
_SECOND_THOUGHTS_SECONDS = 1  # longer than any hold: whoever waits for Undo sees it come, or the bot is gone


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

    def owned_by(self, user: str) -> list[Message]:
        """The live cards of what this agent took over."""
        name = f"Owned by {self.sandbox.workspace.users[user].real_name}"
        return [card for card in self.cards() if "reply" in offered(card) and name in str(card.blocks)]

    def answered(self) -> list[Message]:
        """The newest cards of conversations that were answered, which can still be taken over."""
        return [card for card in self.cards() if "take_over" in offered(card) and not offered(card) & _ELSEWHERE]

    @property
    def told_too_late(self) -> int:
        """How often somebody read that a reply was on its way already when they pressed Undo."""
        return sum(GONE_OUT.words in message.text for message in self.sandbox.workspace.ephemerals)

    async def work(self, user: str, chance: random.Random, enough: asyncio.Event) -> None:
        """Until it is enough."""
        person = self.sandbox.person(user)
        while not enough.is_set():
            cards, mine = self.open_cards(), self.owned_by(user)
            held = [card for card in self.cards() if may_undo(card)]
            if held and chance.random() < 0.05:
                await self._press(person, "undo", chance.choice(held))
            elif mine and chance.random() < 0.5:
                await self._look_after(person, chance.choice(mine), chance)
            elif (answered := self.answered()) and chance.random() < 0.02:
                await self._press(person, "take_over", chance.choice(answered))
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

    async def think_again(self, user: str, card: Message) -> None:
        """Approve, and take it back as soon as the card offers that."""
        await self._press(self.sandbox.person(user), "approve", card)
        await self._take_back(user, card)

    async def take_over(self, user: str, card: Message) -> None:
        await self._press(self.sandbox.person(user), "take_over", card)

    async def reply(self, user: str, card: Message) -> None:
        await self._fill_in(self.sandbox.person(user), "reply", card, {"typed": f"Seen to by {user}: {card.ts}."})

    async def _look_after(self, person: Person, card: Message, chance: random.Random) -> None:
        """As an owner does: reply, regret it at times, and hand back or resolve in the end."""
        what = chance.choices(["reply", "regret", "hand_back", "resolve"], [50, 15, 15, 20])[0]
        if what in ("hand_back", "resolve"):
            await self._press(person, what, card)
            return
        before = len(self.cards())
        await self.reply(person.user, card)
        if what == "regret":
            with suppress(TimeoutError):
                replied = await self.sandbox.until(
                    lambda: [new for new in self.cards()[before:] if new.thread_ts == (card.thread_ts or card.ts)],
                    timeout_seconds=_SECOND_THOUGHTS_SECONDS,
                )
                await self._take_back(person.user, replied[-1])

    async def _take_back(self, user: str, card: Message) -> None:
        with suppress(TimeoutError):
            await self.sandbox.until(lambda: may_undo(card), timeout_seconds=_SECOND_THOUGHTS_SECONDS)
            await self._press(self.sandbox.person(user), "undo", card)

    async def _answer(self, person: Person, card: Message, chance: random.Random) -> None:
        ways = {"approve": 40, "think again": 26, "double": 12, "race": 12, "edit": 10, "dismiss": 6, "take over": 16}
        what = chance.choices([*ways], [*ways.values()])[0]
        if what == "take over":
            await self.take_over(person.user, card)
        elif "approve" not in offered(card):
            await self._fill_in(person, "write", card, {"typed": f"Written for {card.ts}."})
        elif what == "think again":
            await self.think_again(person.user, card)
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


def may_undo(card: Message) -> bool:
    return "undo" in offered(card)


def key_of(card: Message) -> str:
    return str(((card.metadata or {}).get("event_payload") or {}).get("key"))


def _names(element: dict[str, Any]) -> Iterator[str]:
    if element.get("type") == "button":
        yield str(element.get("action_id"))
    for option in element.get("options", []) if element.get("type") == "overflow" else []:
        yield str(option.get("value"))
