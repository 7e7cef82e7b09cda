"""What is promised in a database, whichever engine keeps its jobs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, exists, or_, select, text
from sqlalchemy.orm import aliased

from storage.database import Tx, table_of
from storage.tables import Job, JobKind, JobStatus

_JOB: Final = table_of(Job)
_EARLIER: Final = aliased(_JOB)
_OWN_OPEN: Final = select(_JOB.c.id).where(
    or_(
        _JOB.c.status == JobStatus.RUNNING,
        and_(
            _JOB.c.status == JobStatus.QUEUED,
            _JOB.c.run_at <= bindparam("now"),
            ~exists().where(_EARLIER.c.lane == _JOB.c.lane, _EARLIER.c.id < _JOB.c.id, _EARLIER.c.status != "failed"),
        ),
    )
)
_SHARED_OPEN: Final = text("""
    select id from procrastinate_jobs as job
    where status = 'doing' or (status = 'todo' and scheduled_at <= :now and not exists (
        select from procrastinate_jobs as earlier
        where earlier.lock = job.lock and earlier.id < job.id and earlier.status in ('todo', 'doing')))
""")
_OWN: Final = select(_JOB.c.kind, _JOB.c.status, _JOB.c.error)
_SHARED: Final = text(
    "select task_name as kind, status::text as status, args ->> 'error' as error from procrastinate_jobs"
)


@dataclass(frozen=True)
class Promised:
    kind: JobKind
    status: str
    error: str | None


def open_jobs(tx: Tx, now: datetime) -> int:
    """How many are under way, or could be by now: those whose lane is held by an earlier one cannot."""
    return len(tx.run(_SHARED_OPEN if tx.postgres else _OWN_OPEN, now=now))


def promised(tx: Tx) -> list[Promised]:
    """Every job there is."""
    rows = tx.run(_SHARED if tx.postgres else _OWN)
    return [Promised(kind=JobKind(row.kind), status=str(row.status), error=row.error) for row in rows]
