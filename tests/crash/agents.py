"""Agents at their Slack clients: they press what the cards offer, twice at times, two at once at times.

They think again, too, and take conversations over, which they answer themselves until they let go of them. They talk
about customers in the threads, and at times their client, or Slack, hands in what they pressed once more.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from bot.core.verdicts import GONE_OUT
from bot.sandbox import Message, Person, SandboxServer

AGENTS = ("U0ANA", "U0BO", "U0CY", "U0DEE")
_ANSWERING = ("approve", "write")
_ELSEWHERE = {"approve", "write", "reply"}  # cards that ask, and those of an owner
_PRESSED = ("block_actions", "view_submission")
_LOOKED_AT = 80  # messages of a channel, the newest
_LATELY = 40  # deliveries among which one is handed in again
TALK = "Between us"  # how every word begins that is not for customers
_SECOND_THOUGHTS_SECONDS = 1.5  # longer than any hold: whoever waits for Undo sees it come, or the bot is gone


_DRAWN: dict[tuple[str, str], tuple[Any, frozenset[str]]] = {}  # what was offered, by the blocks it was read from


@dataclass
class Agents:
    sandbox: SandboxServer
    presses: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)  # in threads, to each other

    def cards(self) -> list[Message]:
        """Every message the bot put up, replies in threads included."""
        channels = self.sandbox.workspace.channels.values()
        return [message for channel in channels for message in channel.messages.values() if message.bot_id]

    def lately(self) -> list[Message]:
        """The cards that people look at: the newest of each channel, oldest first."""
        channels = self.sandbox.workspace.channels.values()
        newest = [
            message for channel in channels for message in islice(reversed(channel.messages.values()), _LOOKED_AT)
        ]
        return [message for message in reversed(newest) if message.bot_id]

    def open_cards(self) -> list[Message]:
        return asking(self.lately())

    def owned_by(self, user: str) -> list[Message]:
        """The live cards of what this agent took over."""
        name = f"Owned by {self.sandbox.workspace.users[user].real_name}"
        return [card for card in self.lately() if "reply" in offered(card) and name in str(card.blocks)]

    def answered(self) -> list[Message]:
        """The newest cards of conversations that were answered, which can still be taken over."""
        return [card for card in self.lately() if "take_over" in offered(card) and not offered(card) & _ELSEWHERE]

    @property
    def told_too_late(self) -> int:
        """How often somebody read that a reply was on its way already when they pressed Undo."""
        return sum(GONE_OUT.words in message.text for message in self.sandbox.workspace.ephemerals)

    async def work(self, user: str, chance: random.Random, enough: asyncio.Event) -> None:
        """Until it is enough."""
        person = self.sandbox.person(user)
        while not enough.is_set():
            cards, mine = self.open_cards(), self.owned_by(user)
            held = [card for card in self.lately() if may_undo(card)]
            if held and chance.random() < 0.05:
                await self._press(person, "undo", chance.choice(held))
            elif mine and chance.random() < 0.5:
                await self._look_after(person, chance.choice(mine), chance)
            elif (answered := self.answered()) and chance.random() < 0.02:
                await self._press(person, "take_over", chance.choice(answered))
            elif chance.random() < 0.06:
                await self._hand_in_again(person, chance)
            elif chance.random() < 0.04 and cards:
                await self._talk(person, chance.choice(cards), chance)
            elif red := failed(self.lately()):
                await self._press(person, "retry", chance.choice(red))
            elif cards:
                await self._answer(person, chance.choice(cards), chance)
            await asyncio.sleep(chance.uniform(0.02, 0.15))

    async def finish(self) -> None:
        """Answer every card that is still open, and retry what failed, once."""
        person = self.sandbox.person(AGENTS[0])
        for card in failed(self.cards()):
            await self._press(person, "retry", card)
        for card in asking(self.cards()):
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

    async def _hand_in_again(self, person: Person, chance: random.Random) -> None:
        """The very same payload, whatever became of it: a redelivery, or a proxy that repeats."""
        lately = islice(reversed(self.sandbox.workspace.journal.deliveries), _LATELY)
        mine = [one.payload for one in lately if one.kind in _PRESSED and one.payload["user"]["id"] == person.user]
        if mine:
            await self.sandbox.delivery.interact(chance.choice(mine))
            self.presses["handed in again"] += 1

    async def _talk(self, person: Person, card: Message, chance: random.Random) -> None:
        """About the customer, in their thread; at times to the bot, which makes it write another draft."""
        said = f"{TALK} {len(self.said)}: is {chance.randrange(10_000)} true?"
        words = f"@Signoff {said}" if chance.random() < 0.3 else said
        self.said.append(said)
        await person.say(card.channel, words, thread_ts=card.thread_ts or card.ts)

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


def offered(card: Message) -> frozenset[str]:
    """The action ids of a card's buttons and of its menu's entries. Asked again and again of the same drawing."""
    place = (card.channel, card.ts)
    drawn = _DRAWN.get(place)
    if drawn is None or drawn[0] is not card.blocks:
        names = frozenset(name for block in card.blocks for part in block.get("elements", []) for name in _names(part))
        drawn = _DRAWN[place] = card.blocks, names
    return drawn[1]


def asking(cards: Iterable[Message]) -> list[Message]:
    return [card for card in cards if offered(card) & set(_ANSWERING)]


def failed(cards: Iterable[Message]) -> list[Message]:
    """The red ones: a reply was not delivered."""
    return [card for card in cards if "retry" in offered(card)]


def may_undo(card: Message) -> bool:
    return "undo" in offered(card)


def key_of(card: Message) -> str:
    return str(((card.metadata or {}).get("event_payload") or {}).get("key"))


def _names(element: dict[str, Any]) -> Iterator[str]:
    if element.get("type") == "button":
        yield str(element.get("action_id"))
    for option in element.get("options", []) if element.get("type") == "overflow" else []:
        yield str(option.get("value"))
