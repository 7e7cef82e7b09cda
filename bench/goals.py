"""The figures that were promised, each with its goal: the names in latest.json that later runs are compared by."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Wanted(StrEnum):
    AT_LEAST = ">="
    AT_MOST = "<="
    BELOW = "<"


@dataclass(frozen=True)
class Goal:
    name: str
    words: str
    unit: str
    wanted: Wanted
    value: float

    @property
    def shown(self) -> str:
        return f"{self.wanted} {self.value:g}"

    def reached(self, value: float) -> bool:
        match self.wanted:
            case Wanted.AT_LEAST:
                return value >= self.value
            case Wanted.AT_MOST:
                return value <= self.value
            case Wanted.BELOW:
                return value < self.value

    def share(self, value: float) -> float:
        """How much better than the goal: 1 is just reached, 2 is twice as good, 0.5 half."""
        if self.wanted is Wanted.AT_LEAST:
            return value / self.value
        if self.value == 0:
            return 1.0 if value == 0 else 0.0
        return self.value / max(value, 1e-9)


_LEAST, _MOST, _BELOW = Wanted.AT_LEAST, Wanted.AT_MOST, Wanted.BELOW

GOALS: Final = {
    goal.name: goal
    for goal in (
        Goal("press_ratio_sqlite", "presses, of a bare Bolt app's requests, SQLite", "x", _LEAST, 0.35),
        Goal("press_ratio_postgres", "presses, of a bare Bolt app's requests, PostgreSQL", "x", _LEAST, 0.35),
        Goal("press_p99_ms_sqlite", "press to 200, p99, SQLite", "ms", _MOST, 150),
        Goal("press_p99_ms_postgres", "press to 200, p99, PostgreSQL", "ms", _MOST, 150),
        Goal("loops_per_s_sqlite", "whole loops, SQLite", "/s", _LEAST, 60),
        Goal("loops_per_s_postgres_2", "whole loops, PostgreSQL, two replicas", "/s", _LEAST, 60),
        Goal("card_p95_ms", "message in to card at 20 loops/s, p95", "ms", _MOST, 500),
        Goal("million_ratio_press", "presses with a million conversations stored, of few", "x", _LEAST, 0.8),
        Goal("million_ratio_loops", "loops with a million conversations stored, of few", "x", _LEAST, 0.8),
        Goal("retrieval_p95_ms", "retrieval from 20,000 articles and past replies, p95", "ms", _MOST, 60),
        Goal("idle_cpu_percent", "idle, of one core", "%", _BELOW, 1),
        Goal("idle_rss_mb", "idle, resident", "MB", _BELOW, 160),
        Goal("commit_to_start_p50_ms", "commit to job start, p50", "ms", _MOST, 30),
        Goal("slack_pace_share", "600 cards over 10 channels, of the permitted pace", "x", _LEAST, 0.9),
        Goal("slack_429", "posts that Slack refused with 429", "", _MOST, 0),
        Goal("ready_s", "start to ready on an existing database", "s", _MOST, 3),
    )
}
