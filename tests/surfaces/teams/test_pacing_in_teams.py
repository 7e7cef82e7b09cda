"""Slots in Teams: how many fit into any second, half minute and hour, and that a card keeps its place."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.surfaces.teams.pacing import SENDS_PER_SECOND, Pacer
from storage.jobs import Postpone
from storage.shared.slots import MemorySlots
from tests.fakes.teams.limits import SENDS, TENANT, Limits, fits

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Turns:
    """A pacer, and a clock that only tests move."""

    def __init__(self, sends_per_second: float = SENDS_PER_SECOND) -> None:
        self.now = START
        self.slots = MemorySlots(lambda: self.now.timestamp())
        self.pacer = Pacer(tenant="t", slots=self.slots, clock=lambda: self.now, sends_per_second=sends_per_second)

    async def ask(self, card: str, *, channel: str = "19:a", update: bool = False) -> float:
        """Seconds from the start until it may go, or is to ask again; it goes now if that is not later than now."""
        turn = self.pacer.update_turn if update else self.pacer.post_turn
        try:
            await turn(channel, card)
        except Postpone as postponed:
            return (postponed.until - START).total_seconds()
        return (self.now - START).total_seconds()

    def at(self, seconds: float) -> None:
        self.now = START + timedelta(seconds=seconds)


async def went(turns: Turns, cards: int, channel: str, *, update: bool = False) -> list[float]:
    """When each goes, if all ask at once and each comes again when it is told to."""
    due = [(0.0, number) for number in range(cards)]
    gone: list[float] = []
    while due:
        due.sort()
        at, number = due.pop(0)
        turns.at(at)
        again = await turns.ask(f"card {number}", channel=channel, update=update)
        if again > at + 0.001:
            due.append((again, number))
        else:
            gone.append(at)
    return gone


@pytest.mark.parametrize("update", [False, True], ids=["posts", "updates"])
async def test_no_window_of_teams_sees_more_in_one_thread_than_it_takes(update: bool) -> None:
    gone = await went(Turns(), 2200, "19:a", update=update)

    assert len(gone) == 2200
    for index, at in enumerate(gone):
        assert fits(gone[max(index - 2000, 0) : index], SENDS, at), (index, at)


async def test_most_of_the_permitted_pace_is_used() -> None:
    gone = await went(Turns(), 600, "19:a")

    assert sum(at < 30 for at in gone) >= 55  # of 60
    assert gone[-1] < 600 / 1.8


async def test_no_second_sees_more_in_one_tenant_than_it_takes() -> None:
    turns = Turns()
    gone = []
    for channel in range(120):
        gone += [await turns.ask(f"{channel} {n}", channel=f"19:{channel}") for n in range(2)]

    assert sorted(gone) == gone
    for index, at in enumerate(gone):
        assert fits(gone[:index], TENANT, at)


async def test_who_comes_too_early_keeps_the_place_and_the_order_is_kept() -> None:
    turns = Turns(sends_per_second=1)
    slots = [await turns.ask(f"card {n}") for n in range(6)]

    assert [round(slot) for slot in slots] == [0, 0, 1, 2, 3, 4]
    assert [await turns.ask(f"card {n}") for n in range(2, 6)] == slots[2:]


async def test_cards_that_wait_in_one_channel_hold_back_no_other() -> None:
    turns = Turns()
    for number in range(50):
        await turns.ask(f"card {number}")

    assert await turns.ask("another", channel="19:b") == 0.0


async def test_what_teams_holds_back_waits() -> None:
    turns = Turns(sends_per_second=1)
    await turns.pacer.hold_posts("19:a", 30)
    await turns.pacer.hold_updates("19:b;messageid=1", 20)

    assert await turns.ask("card") == pytest.approx(30)
    assert await turns.ask("card", channel="19:b;messageid=1", update=True) == pytest.approx(20)
    assert await turns.ask("other", channel="19:c") == 0.0


async def test_the_fake_teams_takes_what_is_paced_and_no_more() -> None:
    now = 0.0
    limits = Limits(clock=lambda: now)
    for at in await went(Turns(), 300, "19:a"):
        now = at
        assert limits.take("19:a", reading=False)

    assert [limits.take("19:a", reading=False) for _ in range(8)].count(True) < 8
    assert limits.refused
