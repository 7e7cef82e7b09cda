"""Slots: when a card may go, and that it keeps its place."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.limits import Limits
from bot.surfaces.slack.pacing import Pacer
from bot.surfaces.turns import FORGOTTEN_AFTER
from storage.database import Database
from storage.jobs import Postpone
from storage.shared.slots import MemorySlots, SharedSlots
from storage.shared.wakes import SharedWakes
from tests.patience import PATIENCE_SECONDS

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Turns:
    """A pacer of one post a second unless told otherwise, 50 updates a minute, and a clock that only tests move."""

    def __init__(self, *, posts_per_second: float = 1) -> None:
        self.now = START
        self.slots = MemorySlots(lambda: self.now.timestamp())
        self.pacer = self.paced(posts_per_second)

    def paced(self, posts_per_second: float = 1, updates_per_minute: float = 50) -> Pacer:
        return Pacer(
            posts_per_second=posts_per_second,
            updates_per_minute=updates_per_minute,
            slots=self.slots,
            clock=lambda: self.now,
        )

    async def post(self, key: str, channel: str = "C1") -> float:
        """Seconds from the start until it may go; it goes now if that is not later than now."""
        try:
            await self.pacer.post_turn(channel, key)
        except Postpone as postponed:
            return round((postponed.until - START).total_seconds(), 3)
        return round((self.now - START).total_seconds(), 3)

    async def update(self, key: str) -> float:
        try:
            await self.pacer.update_turn(key)
        except Postpone as postponed:
            return round((postponed.until - START).total_seconds(), 3)
        return round((self.now - START).total_seconds(), 3)

    def at(self, seconds: float) -> None:
        self.now = START + timedelta(seconds=seconds)


async def test_two_go_at_once_and_then_one_a_second_in_the_order_asked() -> None:
    turns = Turns()

    assert [await turns.post(f"card {n}") for n in range(6)] == [0, 0, 1, 2, 3, 4]


async def test_channels_do_not_wait_for_each_other() -> None:
    turns = Turns()
    for n in range(6):
        await turns.post(f"card {n}")

    assert await turns.post("other", channel="C2") == 0


async def test_a_card_keeps_its_slot_however_often_it_asks_and_then_goes() -> None:
    turns = Turns()
    for n in range(6):
        await turns.post(f"card {n}")

    assert [await turns.post("card 5") for _ in range(3)] == [4, 4, 4]
    turns.at(4)
    assert await turns.post("card 5") == 4
    assert await turns.post("card 6") == 5  # nothing was reserved twice


async def test_a_turn_nearly_there_is_there() -> None:
    turns = Turns()
    for n in range(3):
        await turns.post(f"card {n}")

    turns.at(0.85)

    assert await turns.post("card 2") == 0.85


async def test_cards_that_all_come_late_do_not_come_all_at_once() -> None:
    turns = Turns()
    for n in range(12):
        await turns.post(f"card {n}")
    turns.at(60)

    slots = [await turns.post(f"card {n}") for n in range(2, 12)]

    assert slots == [60, 60, 61, 62, 63, 64, 65, 66, 67, 68]


async def test_what_slack_holds_back_waits_and_then_goes_in_order() -> None:
    turns = Turns()
    for n in range(4):
        await turns.post(f"card {n}")

    await turns.pacer.hold_posts("C1", 30)
    slots = [await turns.post(f"card {n}") for n in range(2, 6)]

    assert slots == [30, 31, 32, 33]


async def test_no_minute_sees_more_updates_than_slack_allows() -> None:
    turns = Turns()

    slots = [await turns.update(f"card {n}") for n in range(150)]

    assert slots == sorted(slots)
    assert slots[9] == 0  # a small burst, for a card that changes thrice in a second
    for begin in slots:
        assert sum(begin <= slot < begin + 60 for slot in slots) <= 50


async def test_slots_nobody_came_for_are_forgotten() -> None:
    turns = Turns()
    for n in range(8):
        await turns.post(f"card {n}")

    turns.at(FORGOTTEN_AFTER.total_seconds() + 60)
    for n in range(4):
        await turns.post(f"new {n}")

    assert len(turns.pacer.turns) == 2


@pytest.mark.parametrize(("rate", "at_once"), [(50, 10), (5, 1), (1, 1), (100_000, 10)])
async def test_slow_and_fast_limits_are_kept(rate: float, at_once: int) -> None:
    turns = Turns()
    turns.pacer = turns.paced(updates_per_minute=rate)

    slots = [await turns.update(f"card {n}") for n in range(30)]

    assert sum(slot == 0 for slot in slots) >= at_once
    assert sum(slot < 60 for slot in slots) <= max(rate, 1)


async def test_at_a_fast_pace_a_stall_does_not_make_a_bunch() -> None:
    turns = Turns(posts_per_second=8)
    for n in range(12):
        await turns.post(f"card {n}")

    turns.at(0.5)  # nothing ran for half a second: four slots are due
    went = [await turns.post(f"card {n}") for n in range(2, 12)]

    assert went.count(0.5) <= 3


async def test_the_whole_workspace_has_a_pace_too() -> None:
    """Ten channels a second would be twice of what Slack takes in the long run."""
    turns = Turns()
    went: list[float] = []
    waiting = [(f"card {n}", f"C{n % 20}") for n in range(800)]
    for step in range(500):
        now = step / 4
        turns.at(now)
        due, waiting = waiting, []
        for card, channel in due:
            if await turns.post(card, channel) == now:
                went.append(now)
            else:
                waiting.append((card, channel))

    assert not waiting
    assert all(sum(at <= now for at in went) <= 300 + 5 * now for now in went)
    assert max(went) < 1.1 * (800 - 300) / 5


async def test_a_channel_full_of_cards_that_wait_takes_nothing_from_the_others() -> None:
    turns = Turns()
    for n in range(1000):
        await turns.post(f"card {n}", channel="C1")

    assert await turns.post("other", channel="C2") == 0


async def test_a_card_whose_channel_is_held_waits_although_the_workspace_had_its_turn() -> None:
    turns = Turns()
    cards = [(f"card {n}", f"C{n}") for n in range(295)]
    slots = {card: await turns.post(card, channel) for card, channel in cards}
    (card, channel), *_ = [each for each in cards if slots[each[0]] > 0]  # its channel is free, the workspace is not

    await turns.pacer.hold_posts(channel, 30)

    assert await turns.post(card, channel) >= 30


class Slack:
    """The workspace's limits, in real time and four times as fast; counts what two pacers send it."""

    def __init__(self, *, channels: int) -> None:
        self.limits = Limits(lambda: datetime.now(UTC))
        self.limits.posts_per_second_and_channel = 4
        self.limits.posts_per_minute = 1200
        self.channels = [f"C{n}" for n in range(channels)]
        self.refused = self.posted = 0
        self.last = 0.0

    def post(self, channel: str) -> None:
        if self.limits.retry_after("chat.postMessage", None, channel) is None:
            self.posted += 1
        else:
            self.refused += 1
        self.last = time.monotonic()


async def put_up(slack: Slack, pacer: Pacer, cards: list[tuple[str, str]]) -> None:
    """As a worker does: ask, come again when told to, post."""

    async def one(card: str, channel: str) -> None:
        while True:
            try:
                await pacer.post_turn(channel, card)
            except Postpone as postponed:
                await asyncio.sleep(max((postponed.until - datetime.now(UTC)).total_seconds(), 0))
            else:
                slack.post(channel)
                return

    await asyncio.gather(*(one(card, channel) for card, channel in cards))


async def test_two_replicas_post_at_slacks_pace_and_earn_not_one_429(postgres_url: str) -> None:
    """150 cards over 5 channels: each replica's slots alone would be twice the pace."""
    slack = Slack(channels=5)
    cards = [(f"card {n}", slack.channels[n % 5]) for n in range(150)]
    async with Database(postgres_url) as one, Database(postgres_url) as other:
        pacers = [
            Pacer(
                posts_per_second=4,
                updates_per_minute=200,
                slots=SharedSlots(db, SharedWakes(db)),
                clock=lambda: datetime.now(UTC),
            )
            for db in (one, other)
        ]
        begun = time.monotonic()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(put_up(slack, pacers[0], cards[:75]), put_up(slack, pacers[1], cards[75:]))

    permitted = (30 - slack.limits.posts_at_once) / 4  # seconds for each channel's cards
    assert slack.refused == 0
    assert slack.posted == 150
    print(f"{permitted / (slack.last - begun):.0%} of the permitted pace")
