"""Whether this process gets to run: how late its event loop is, told in metrics and in readiness."""

import asyncio
import contextlib
import logging
import time
from typing import Final

from prometheus_client import Gauge, Histogram

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
SLOW_SECONDS: Final = 2.0  # an answer that Slack waits for three seconds for came too late, then
TOLD_SECONDS: Final = 30.0  # how long such a stall is told of: a probe that comes every ten seconds sees it

LAG: Final = Histogram(
    "signoff_loop_lag_seconds",
    "How much later than asked for this process' event loop got to run.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
WORST: Final = Gauge("signoff_loop_lag_worst_seconds", "The longest such wait of the last half a minute.")


class Watch:
    """Looks at the event loop once a second. Use `start` and `stop` once each."""

    def __init__(self) -> None:
        self._watching: asyncio.Task[None] | None = None
        self._worst = 0.0
        self._worst_at = float("-inf")

    def start(self) -> None:
        self._watching = asyncio.create_task(self._watch(), name="watch")

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    @property
    def trouble(self) -> str | None:
        """In a sentence with its remedy, for half a minute after it; None: the loop keeps up."""
        worst = self.worst
        if worst < SLOW_SECONDS:
            return None
        return f"The process stood still for {worst:.0f} s: give it more processor time, or start more replicas."

    @property
    def worst(self) -> float:
        """Seconds, the longest of the last half a minute."""
        if time.monotonic() - self._worst_at > TOLD_SECONDS:
            self._worst = 0.0
        return self._worst

    async def _watch(self) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            self._note(max(time.monotonic() - asked - LOOK_SECONDS, 0.0))

    def _note(self, late: float) -> None:
        LAG.observe(late)
        if late >= self.worst:
            self._worst, self._worst_at = late, time.monotonic()
        WORST.set(self.worst)
        if late >= SLOW_SECONDS:
            log.warning("the event loop stood still", extra={"seconds": round(late, 1)})
