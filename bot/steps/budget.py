"""What drafting may cost has an end: drafts by the model in any hour, of everybody and of one customer.

Counted in this process, since it started: a brake on a flood, not an account.
"""

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Final

from bot.core.policy import ModelsPolicy

_HOUR: Final = timedelta(hours=1)


class Budget:
    def __init__(self, policy: ModelsPolicy) -> None:
        self._policy = policy
        self._times: deque[tuple[datetime, str]] = deque()  # of drafts asked for within the hour, oldest first
        self._of: defaultdict[str, int] = defaultdict(int)  # of these, by customer

    def spend(self, customer_id: str, *, now: datetime) -> str | None:
        """Count one draft. None: go ahead; else why not, for the card, and nothing was counted."""
        self._forget(now - _HOUR)
        if self._of.get(customer_id, 0) >= self._policy.drafts_per_customer_per_hour:
            return "This customer has had as many drafts as one customer may have in an hour."
        if len(self._times) >= self._policy.drafts_per_hour:
            return "The drafts of this hour are used up: [models] drafts_per_hour."
        self._times.append((now, customer_id))
        self._of[customer_id] += 1
        return None

    def _forget(self, before: datetime) -> None:
        while self._times and self._times[0][0] <= before:
            _, customer_id = self._times.popleft()
            self._of[customer_id] -= 1
            if not self._of[customer_id]:
                del self._of[customer_id]
