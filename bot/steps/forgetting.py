"""Clock -> what nobody needs any more is deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete

from storage.database import Database, Tx, table_of
from storage.jobs import Claimed
from storage.shared import ledger
from storage.tables import OpenForm, Seen, Spent

SEEN_FOR: Final = timedelta(days=2)  # surfaces repeat a delivery for 24 hours at most
TICKS_FOR: Final = timedelta(days=30)  # so long one can look up what became of a tick
SPENT_FOR: Final = timedelta(days=1)  # a budget looks back an hour
FORMS_FOR: Final = timedelta(hours=1)  # nobody types longer

_SEEN, _SPENT, _FORM = table_of(Seen), table_of(Spent), table_of(OpenForm)
_OLD: Final = (
    (delete(_SEEN).where(_SEEN.c.at < bindparam("before")), SEEN_FOR),
    (delete(_SPENT).where(_SPENT.c.since < bindparam("before")), SPENT_FOR),
    (delete(_FORM).where(_FORM.c.opened_at < bindparam("before")), FORMS_FOR),
)


@dataclass(frozen=True)
class Forgetting:
    db: Database
    clock: Callable[[], datetime]

    async def __call__(self, _: Claimed) -> None:
        await self.db.write(self._forget)

    def _forget(self, tx: Tx) -> None:
        now = self.clock()
        for statement, kept in _OLD:
            tx.run(statement, before=now - kept)
        ledger.forget(tx, before=now - TICKS_FOR)
