"""The time by which the bot waits and writes down: it follows the machine's clock, and never runs backwards.

A machine's clock is set while programs run: by NTP after a bad start, by a host that moves a virtual machine, by hand.
Everything that was promised for a time ("send in ten seconds") would then wait for as long as the clock went back.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from prometheus_client import Counter, Gauge

log = logging.getLogger(__name__)

JUMP_SECONDS: Final = 2.0  # more than NTP corrects at once without being told to
_SLOWED: Final = 0.5  # how fast time goes while it waits for a clock that was set back

_jumps: Final = Counter("signoff_clock_jumps", "Times the machine's clock was set, by direction.", ["direction"])
_ahead: Final = Gauge("signoff_clock_ahead_seconds", "How far the bot's time is ahead of a clock that was set back.")
for _direction in ("forward", "back"):
    _jumps.labels(direction=_direction)


class SteadyClock:
    """Call it for the time, from any thread.

    A clock set forward is followed at once: the machine may have slept, and what is due is due. One that is set back
    is not: time goes on at half its pace until the machine's clock has caught up, so after a step of an hour every
    wait takes twice as long for two hours, and nothing waits an hour. A new process starts with the machine's clock.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,  # seconds since 1970
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._lock = threading.Lock()
        self._at, self._told_at = wall(), steady()
        self._offset = self._at - self._told_at  # of the machine's clock from the steady one, when last looked at

    def __call__(self) -> datetime:
        with self._lock:
            wall, steady = self._wall(), self._steady()
            stepped = wall - steady - self._offset
            self._offset = wall - steady
            passed = steady - self._told_at
            self._told_at = steady
            self._at = wall if wall >= self._at + passed else max(wall, self._at + passed * _SLOWED)
            ahead = self._at - wall
            now = datetime.fromtimestamp(self._at, UTC)
        if abs(stepped) > JUMP_SECONDS:
            _jumps.labels(direction="forward" if stepped > 0 else "back").inc()
            log.warning("the machine's clock was set", extra={"seconds": round(stepped, 1), "ahead": round(ahead, 1)})
        _ahead.set(ahead)
        return now

    @property
    def ahead_seconds(self) -> float:
        """How far this time is ahead of the machine's; 0.0 as a rule."""
        self()
        with self._lock:
            return self._at - self._wall()
