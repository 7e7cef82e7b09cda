"""How often one visitor or one address may ask: a bucket that refills, in memory, one per key."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from adapters.refusals import Reason, Refusal

KEYS: Final = 20_000  # the least recently seen are forgotten


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """So many at once, and so many a minute in the long run."""

    burst: int
    per_minute: float


class Meter:
    def __init__(self, allowance: Allowance, *, clock: Callable[[], datetime]) -> None:
        self._allowance = allowance
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, key: str, amount: int = 1) -> None:
        """Use that much up.

        Raises:
            Refusal: 429 with the seconds until there is enough.
        """
        now = self._clock()
        left, at = self._left.pop(key, (float(self._allowance.burst), now))
        per_second = self._allowance.per_minute / 60
        left = min(self._allowance.burst, left + max(0.0, (now - at).total_seconds()) * per_second)
        taken = left >= amount
        self._left[key] = (left - amount if taken else left, now)
        if len(self._left) > KEYS:
            self._left.popitem(last=False)
        if not taken:
            words = "That is a lot at once. Please wait a moment."
            wait = (amount - left) / per_second
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, Reason.RATE, words, retry_after_seconds=wait)
