"""What drafting may cost has an end: drafts by the model in an hour, of everybody and of one customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.core.policy import ModelsPolicy
from storage.database import Database, Tx
from storage.shared.spending import spend

_ALL: Final = "drafts"


class _UsedUp(Exception):
    """Nothing is counted: whatever was, in this transaction, is taken back."""


@dataclass(frozen=True)
class Budget:
    db: Database
    policy: ModelsPolicy

    async def spend(self, customer_id: str, *, now: datetime) -> str | None:
        """Count one draft. None: go ahead; else why not, for the card, and nothing was counted."""
        try:
            await self.db.write(lambda tx: self._spend(tx, customer_id, now))
        except _UsedUp as used_up:
            return str(used_up)
        return None

    def _spend(self, tx: Tx, customer_id: str, now: datetime) -> None:
        if not spend(tx, f"{_ALL} {customer_id}", most=self.policy.drafts_per_customer_per_hour, now=now):
            raise _UsedUp("This customer has had as many drafts as one customer may have in an hour.")
        if not spend(tx, _ALL, most=self.policy.drafts_per_hour, now=now):  # last: every replica waits for this row
            raise _UsedUp("The drafts of this hour are used up: [models] drafts_per_hour.")
