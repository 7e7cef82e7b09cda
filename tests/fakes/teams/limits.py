"""The pace Teams takes: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SENDS: Final = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
READS: Final = ((14, 1.0), (16, 2.0), (120, 30.0), (3600, 3600.0))
TENANT: Final = ((50, 1.0),)


def fits(times: list[float], limits: tuple[tuple[int, float], ...], now: float) -> bool:
    """Whether one more at that time keeps them."""
    return all(sum(now - each < seconds for each in times) < most for most, seconds in limits)


@dataclass
class Limits:
    """Counts what was taken; one too many is refused and not counted."""

    clock: Callable[[], float] = time.monotonic
    refused: int = 0
    _taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def take(self, thread: str, *, reading: bool) -> bool:
        now = self.clock()
        own, everybody = self._taken[f"{reading} {thread}"], self._taken[""]
        if not (fits(own, READS if reading else SENDS, now) and fits(everybody, TENANT, now)):
            self.refused += 1
            return False
        own.append(now)
        everybody.append(now)
        return True
