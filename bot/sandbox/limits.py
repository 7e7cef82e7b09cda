"""Slack's rate limits: a bucket per method, one per channel for posting, and one for all posts together."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

PER_MINUTE = {1: 1.0, 2: 20.0, 3: 50.0, 4: 100.0}  # https://docs.slack.dev/apis/web-api/rate-limits


@dataclass
class Bucket:
    """`burst` calls at once, then `per_second`."""

    per_second: float
    burst: float
    filled: float
    at: float

    def wait(self, now: float) -> float:
        """The seconds until there is one to take; 0 when there is."""
        self.filled = min(self.burst, self.filled + max(0.0, now - self.at) * self.per_second)
        self.at = now
        return 0.0 if self.filled >= 1 else (1 - self.filled) / self.per_second

    def take(self) -> None:
        self.filled -= 1


@dataclass
class Limits:
    """What may be asked how often. Numbers may be set at any time before the first call they are about."""

    clock: Callable[[], datetime]
    enabled: bool = True
    posts_per_second_and_channel: float = 1.0
    posts_at_once: float = 4
    posts_per_minute: float = 300
    per_minute: dict[int, float] = field(default_factory=lambda: dict(PER_MINUTE))
    issued: Counter[str] = field(default_factory=Counter)  # 429s by method
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def retry_after(self, method: str, tier: int | None, channel: str | None) -> int | None:
        """None if the call may pass, else the whole seconds of its Retry-After. Every 429 is counted."""
        if not self.enabled:
            return None
        now = self.clock().timestamp()
        buckets = self._buckets(method, tier, channel, now)
        wait = max((bucket.wait(now) for bucket in buckets), default=0.0)
        if wait:
            self.issued[method] += 1
            return max(1, math.ceil(wait))
        for bucket in buckets:  # only together: a refused call costs nothing
            bucket.take()
        return None

    def _buckets(self, method: str, tier: int | None, channel: str | None, now: float) -> list[Bucket]:
        if method == "chat.postMessage":
            return [
                self._bucket(f"post {channel}", self.posts_per_second_and_channel, self.posts_at_once, now),
                self._bucket("posts", self.posts_per_minute / 60, self.posts_per_minute, now),
            ]
        if tier is None:
            return []
        rate = self.per_minute[tier]
        return [self._bucket(method, rate / 60, rate, now)]

    def _bucket(self, name: str, per_second: float, burst: float, now: float) -> Bucket:
        if name not in self.buckets:
            self.buckets[name] = Bucket(per_second, burst, burst, now)
        return self.buckets[name]
