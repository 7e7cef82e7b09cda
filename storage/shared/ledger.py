"""The ledger of ticks: each moment at which a clock was due is accounted for once, whoever comes first."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from storage.database import Tx, table_of
from storage.tables import Tick, TickStatus

_TICK: Final = table_of(Tick)
_LATER: Final = aliased(_TICK)
_WRONG: Final = timedelta(minutes=10)  # no clock that is kept by a time server is ahead of another by more

_NEWEST: Final = select(func.max(_TICK.c.at)).where(_TICK.c.clock == bindparam("name"), _TICK.c.at <= bindparam("now"))
_NOTE: Final = sqlite.insert(_TICK).on_conflict_do_nothing().returning(_TICK.c.at)
_NOTE_POSTGRES: Final = postgresql.insert(_TICK).on_conflict_do_nothing().returning(_TICK.c.at)
_FORGET: Final = delete(_TICK).where(
    _TICK.c.at < bindparam("before"),
    select(_LATER.c.at).where(_LATER.c.clock == _TICK.c.clock, _LATER.c.at > _TICK.c.at).exists(),
)
_DISBELIEVE: Final = delete(_TICK).where(
    _TICK.c.at > bindparam("now"), _TICK.c.status == TickStatus.SKIPPED, _TICK.c.noted_at > bindparam("believed")
)


def newest(tx: Tx, clock: str, *, now: datetime) -> datetime | None:
    """The last tick not later than now that is accounted for; None: none ever was."""
    found: datetime | None = tx.run(_NEWEST, name=clock, now=now)[0][0]
    return found


def note(tx: Tx, clock: str, tick: datetime, status: TickStatus, *, now: datetime) -> bool:
    """Account for a tick. False: somebody did before, and whatever follows from it is theirs.

    While another replica is about to, this waits for its commit (then False) or its end (then True).
    """
    statement = _NOTE_POSTGRES if tx.postgres else _NOTE
    return tx.changed(statement, clock=clock, at=tick, status=status, noted_at=now)


def disbelieve(tx: Tx, *, now: datetime) -> None:
    """Forget which ticks still to come were skipped: written by a clock that was far ahead, and then set right.

    Those that were made then stay made.
    """
    tx.run(_DISBELIEVE, now=now, believed=now + _WRONG)


def forget(tx: Tx, *, before: datetime) -> None:
    """Forget old ticks, but of each clock the newest, from which it goes on."""
    tx.run(_FORGET, before=before)
