"""Slots: when a card may go, and that it keeps its place."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.surfaces.slack.pacing import FORGOTTEN_AFTER, Pacer
from storage.jobs import Postpone

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Turns:
    """A pacer of one post a second unless told otherwise, 50 updates a minute, and a clock that only tests move."""

    def __init__(self, *, posts_per_second: float = 1) -> None:
        self.now = START
        self.pacer = Pacer(posts_per_second=posts_per_second, updates_per_minute=50, clock=lambda: self.now)

    def post(self, key: str, channel: str = "C1", held: datetime | None = None) -> float:
        """Seconds from the start until it may go; it goes now if that is not later than now."""
        try:
            self.pacer.post_turn(channel, key, held_until=held)
        except Postpone as postponed:
            return (postponed.until - START).total_seconds()
        return (self.now - START).total_seconds()

    def update(self, key: str) -> float:
        try:
            self.pacer.update_turn(key)
        except Postpone as postponed:
            return (postponed.until - START).total_seconds()
        return (self.now - START).total_seconds()

    def at(self, seconds: float) -> None:
        self.now = START + timedelta(seconds=seconds)


def test_two_go_at_once_and_then_one_a_second_in_the_order_asked() -> None:
    turns = Turns()

    assert [turns.post(f"card {n}") for n in range(6)] == [0, 0, 1, 2, 3, 4]


def test_channels_do_not_wait_for_each_other() -> None:
    turns = Turns()
    for n in range(6):
        turns.post(f"card {n}")

    assert turns.post("other", channel="C2") == 0


def test_a_card_keeps_its_slot_however_often_it_asks_and_then_goes() -> None:
    turns = Turns()
    for n in range(6):
        turns.post(f"card {n}")

    assert [turns.post("card 5") for _ in range(3)] == [4, 4, 4]
    turns.at(4)
    assert turns.post("card 5") == 4
    assert turns.post("card 6") == 5  # nothing was reserved twice


def test_a_turn_nearly_there_is_there() -> None:
    turns = Turns()
    for n in range(3):
        turns.post(f"card {n}")

    turns.at(0.85)

    assert turns.post("card 2") == 0.85


def test_cards_that_all_come_late_do_not_come_all_at_once() -> None:
    turns = Turns()
    for n in range(12):
        turns.post(f"card {n}")
    turns.at(60)

    slots = [turns.post(f"card {n}") for n in range(2, 12)]

    assert slots == [60, 60, 61, 62, 63, 64, 65, 66, 67, 68]


def test_what_slack_holds_back_waits_and_then_goes_in_order() -> None:
    turns = Turns()
    held = START + timedelta(seconds=30)
    for n in range(4):
        turns.post(f"card {n}")

    slots = [turns.post(f"card {n}", held=held) for n in range(2, 6)]

    assert slots == [30, 31, 32, 33]


def test_no_minute_sees_more_updates_than_slack_allows() -> None:
    turns = Turns()

    slots = [turns.update(f"card {n}") for n in range(150)]

    assert slots == sorted(slots)
    assert slots[9] == 0  # a small burst, for a card that changes thrice in a second
    for begin in slots:
        assert sum(begin <= slot < begin + 60 for slot in slots) <= 50


def test_slots_nobody_came_for_are_forgotten() -> None:
    turns = Turns()
    for n in range(8):
        turns.post(f"card {n}")

    turns.at(FORGOTTEN_AFTER.total_seconds() + 60)
    for n in range(4):
        turns.post(f"new {n}")

    assert len(turns.pacer._reserved) == 2


@pytest.mark.parametrize(("rate", "at_once"), [(50, 10), (5, 1), (1, 1), (100_000, 10)])
def test_slow_and_fast_limits_are_kept(rate: float, at_once: int) -> None:
    turns = Turns()
    turns.pacer = Pacer(posts_per_second=1, updates_per_minute=rate, clock=lambda: turns.now)

    slots = [turns.update(f"card {n}") for n in range(30)]

    assert sum(slot == 0 for slot in slots) >= at_once
    assert sum(slot < 60 for slot in slots) <= max(rate, 1)


def test_at_a_fast_pace_a_stall_does_not_make_a_bunch() -> None:
    turns = Turns(posts_per_second=8)
    for n in range(12):
        turns.post(f"card {n}")

    turns.at(0.5)  # nothing ran for half a second: four slots are due
    went = [turns.post(f"card {n}") for n in range(2, 12)]

    assert went.count(0.5) <= 3
