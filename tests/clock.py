"""The time of the tests."""

from datetime import UTC, datetime, timedelta
from typing import Final

NOON: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    """Time that a test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
