"""The bot's time where the machine's clock is set while it runs."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from bot.clock import SteadyClock

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Machine:
    wall: float = BEGAN.timestamp()
    steady: float = 500.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def is_set(self, by: float) -> None:
        self.wall += by

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.steady)

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.wall, UTC)


def jumps(direction: str) -> float:
    return REGISTRY.get_sample_value("signoff_clock_jumps_total", {"direction": direction}) or 0.0


def test_time_is_the_machines_as_long_as_nobody_sets_it() -> None:
    machine = Machine()
    clock = machine.clock()

    for seconds in (0, 0.001, 1, 3600):
        machine.passes(seconds)
        assert clock() == machine.time


def test_a_clock_set_forward_is_followed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    machine, before = Machine(), jumps("forward")
    clock = machine.clock()

    machine.is_set(by=3600)

    with caplog.at_level(logging.WARNING):
        assert clock() == machine.time
    assert jumps("forward") == before + 1
    assert "clock was set" in caplog.text


def test_a_machine_that_slept_goes_on_with_the_time_it_is() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(10)
    machine.is_set(by=8 * 3600)  # asleep: the steady clock stood still

    assert clock() == machine.time


def test_after_a_clock_is_set_back_an_hour_no_wait_takes_more_than_twice_as_long() -> None:
    machine, before = Machine(), jumps("back")
    clock = machine.clock()
    due = clock() + timedelta(seconds=10)

    machine.is_set(by=-3600)
    assert clock() == BEGAN
    machine.passes(19)
    assert clock() < due
    machine.passes(1.1)

    assert clock() >= due
    assert jumps("back") == before + 1
    assert REGISTRY.get_sample_value("signoff_clock_ahead_seconds") == pytest.approx(3600 - 20.1 / 2)


def test_the_machines_clock_is_caught_up_with_and_followed_from_then_on() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.is_set(by=-60)
    clock()

    machine.passes(119)
    assert clock() > machine.time
    machine.passes(2)
    assert clock() == machine.time
    assert clock.ahead_seconds == 0
    machine.passes(5)
    assert clock() == machine.time


def test_small_corrections_are_no_jumps() -> None:
    machine, before = Machine(), jumps("back") + jumps("forward")
    clock = machine.clock()

    for by in (0.5, -0.5, 1.5, -1.5):
        machine.passes(1)
        machine.is_set(by)
        clock()

    assert jumps("back") + jumps("forward") == before


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1e5, 1e5)), max_size=30))
def test_time_never_runs_backwards_nor_stands_still_nor_lags(steps: list[tuple[float, float]]) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock()

    for passed, set_by in steps:
        machine.passes(passed)
        machine.is_set(set_by)
        now = clock()
        moment = timedelta(microseconds=5)  # what a float of seconds can tell apart
        assert now + moment >= before + timedelta(seconds=passed / 2)
        assert now >= machine.time
        before = now
