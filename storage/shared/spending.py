"""Budgets by the hour, shared by all replicas and kept over restarts."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, text

from storage.database import Tx, table_of
from storage.tables import Spent

_HOUR: Final = timedelta(hours=1)
_STEP: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final[Any] = table_of(Spent).c.since.type
_EARLIER: Final = (
    "coalesce((select sum(b.used) from spent b where b.key = :key and b.since > :hour_ago and b.since < :since), 0)"
)
# What is counted in this step is read from the row itself: it is locked, and nobody else's use of it is missed.
_SPEND: Final = text(
    f"insert into spent (key, since, used) select cast(:key as varchar), :since, 1 where 1 + {_EARLIER} <= :most "
    f"on conflict (key, since) do update set used = spent.used + 1 where spent.used + 1 + {_EARLIER} <= :most "
    "returning used"
).bindparams(bindparam("since", type_=_TIME), bindparam("hour_ago", type_=_TIME))


def spend(tx: Tx, key: str, *, most: int, now: datetime) -> bool:
    """Use one of `most` in an hour, in one statement. False: they are used up, and nothing was counted.

    Counted in steps of five minutes: an hour is between 55 and 60 of them.
    """
    since = _EPOCH + (now - _EPOCH) // _STEP * _STEP
    return tx.changed(_SPEND, key=key, since=since, hour_ago=now - _HOUR, most=most)
