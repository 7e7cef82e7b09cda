"""The machine's clock is set while people work: nobody waits for as long as it was set."""

import time
from dataclasses import dataclass

import pytest

from bot.clock import SteadyClock
from tests.endurance.pressure import Pressure
from tests.loop.running import running


@dataclass
class Machine:
    """Its clock may be set; Slack and the channel keep theirs."""

    set_by: float = 0.0

    def wall(self) -> float:
        return time.time() + self.set_by


@pytest.mark.parametrize(("set_by", "direction"), [(-3600, "back"), (3600, "forward")])
async def test_work_goes_on_after_the_clock_was_set(sqlite_url: str, set_by: float, direction: str) -> None:
    machine = Machine()
    clock = SteadyClock(machine.wall)
    async with (
        running(sqlite_url, clock=clock, desk={"hold_seconds": 0.3}) as loop,
        Pressure(loop, "p").at_work() as pressure,
    ):
        jumps = await loop.metric("signoff_clock_jumps_total", f'direction="{direction}"')
        held = await pressure.a_card_to_keep()
        await loop.ana.click("approve", on=held)

        machine.set_by = set_by

        await pressure.recovered()
        assert await loop.metric("signoff_clock_jumps_total", f'direction="{direction}"') == jumps + 1
        assert (clock.ahead_seconds > 3000) == (direction == "back")
