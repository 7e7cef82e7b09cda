"""What happened on the wire, both ways, kept for tests and for the curious: bounded, newest last."""

from collections import deque
from dataclasses import dataclass, field

from bot.sandbox.wire import JSON

KEPT = 5000
RECENT = 200  # of both ways in their order


@dataclass(frozen=True, kw_only=True)
class Call:
    """One Web API request of the bot. `answer` is None when it was not Slack's JSON or none at all.

    Blocks in `arguments` carry the ids they were given when they came without.
    """

    method: str
    arguments: JSON
    status: int
    answer: JSON | None
    fault: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """One attempt to hand something to the bot. `status` 0 means that no answer came."""

    kind: str  # event type, or the interaction's type
    payload: JSON
    attempt: int  # 0 for the first
    status: int
    reason: str | None = None  # why Slack would call it failed: http_timeout, http_error, ...


@dataclass
class Journal:
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT))
    deliveries: deque[Delivered] = field(default_factory=lambda: deque(maxlen=KEPT))
    both: deque[tuple[int, Call | Delivered]] = field(default_factory=lambda: deque(maxlen=RECENT))  # numbered
    count: int = 0  # of all there ever were

    def called(self, call: Call) -> None:
        self.calls.append(call)
        self._next(call)

    def handed(self, delivered: Delivered) -> None:
        self.deliveries.append(delivered)
        self._next(delivered)

    def _next(self, entry: Call | Delivered) -> None:
        self.count += 1
        self.both.append((self.count, entry))
