"""The statements of the job table, compiled once."""

from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import aliased

from storage.database import table_of
from storage.tables import Job, JobKind, JobStatus

_JOB: Final = table_of(Job)
_other: Final[Any] = aliased(_JOB)
_NOW: Final = bindparam("now", type_=_JOB.c.run_at.type)

# One of a lane at a time, in order of id: nothing earlier is queued, and nothing runs.
_lane_is_free: Final = or_(
    _JOB.c.lane.is_(None),
    ~exists().where(
        _other.c.lane == _JOB.c.lane,
        or_(
            and_(_other.c.id < _JOB.c.id, _other.c.status == JobStatus.QUEUED),
            _other.c.status == JobStatus.RUNNING,
        ),
    ),
)


@cache
def claim(kinds: tuple[JobKind, ...]) -> Executable:
    """Mark due jobs as running, the longest overdue first, and return them: of each kind up to `slots_<kind>`."""
    due = [
        select(_JOB.c.id)
        .where(_queued(kind), _JOB.c.run_at <= _NOW, _lane_is_free)
        .order_by(_JOB.c.run_at, _JOB.c.id)
        .limit(bindparam(f"slots_{kind}", type_=Integer))
        .subquery()
        for kind in kinds
    ]
    return (
        update(_JOB)
        .where(_JOB.c.id.in_(union_all(*(select(one.c.id) for one in due))))
        .values(status=JobStatus.RUNNING, attempts=_JOB.c.attempts + 1)
        .returning(_JOB.c.id, _JOB.c.kind, _JOB.c.subject, _JOB.c.run_at, _JOB.c.attempts, _JOB.c.error)
    )


@cache
def next_due(kinds: tuple[JobKind, ...]) -> Executable:
    """When the first of the jobs that are not due yet will be."""
    firsts = [
        select(func.min(_JOB.c.run_at).label("run_at")).where(_queued(kind), _JOB.c.run_at > _NOW) for kind in kinds
    ]
    return select(func.min(union_all(*firsts).subquery().c.run_at))


def _queued(kind: JobKind) -> ColumnElement[bool]:
    return and_(_JOB.c.status == JobStatus.QUEUED, _JOB.c.kind == kind)


PROMISE: Final = (
    insert(_JOB)
    .values(
        kind=bindparam("kind"),
        subject=bindparam("subject"),
        lane=bindparam("lane"),
        run_at=bindparam("run_at"),
        created_at=bindparam("created_at"),
        status=JobStatus.QUEUED,
        attempts=0,
        error=None,
    )
    .inline()  # nobody asks for its id
)
CANCEL: Final = (
    delete(_JOB)
    .where(_JOB.c.kind == bindparam("kind"), _JOB.c.subject == bindparam("subject"), _JOB.c.status != JobStatus.RUNNING)
    .returning(_JOB.c.lane)
)
# What a claimed job of a kind that merges covers: promised for now or earlier, and not begun.
COVER: Final = delete(_JOB).where(
    _JOB.c.kind == bindparam("kind"),
    _JOB.c.subject == bindparam("subject"),
    _JOB.c.status == JobStatus.QUEUED,
    _JOB.c.run_at <= _NOW,
)
DONE: Final = delete(_JOB).where(_JOB.c.id == bindparam("job_id"))
AGAIN: Final = (
    update(_JOB)
    .where(_JOB.c.id == bindparam("job_id"))
    .values(
        status=JobStatus.QUEUED, run_at=bindparam("run_at"), attempts=bindparam("attempts"), error=bindparam("error")
    )
)
GIVE_UP: Final = (
    update(_JOB).where(_JOB.c.id == bindparam("job_id")).values(status=JobStatus.FAILED, error=bindparam("error"))
)
REQUEUE_ALL: Final = update(_JOB).where(_JOB.c.status == JobStatus.RUNNING).values(status=JobStatus.QUEUED)
# Claimed, and not under way: the claim's commit was not heard of.
RECALL: Final = (
    update(_JOB)
    .where(_JOB.c.status == JobStatus.RUNNING, _JOB.c.id.not_in(bindparam("running", expanding=True)))
    .values(status=JobStatus.QUEUED, attempts=_JOB.c.attempts - 1)
)
REVIVE: Final = (
    update(_JOB)
    .where(_JOB.c.status == JobStatus.FAILED, _JOB.c.kind.in_(bindparam("kinds", expanding=True)))
    .values(status=JobStatus.QUEUED, run_at=_NOW, attempts=0)
)
COUNTS: Final = select(_JOB.c.kind, _JOB.c.status, func.count()).group_by(_JOB.c.kind, _JOB.c.status)
OLDEST_DUE: Final = select(func.min(_JOB.c.run_at)).where(_JOB.c.status == JobStatus.QUEUED, _JOB.c.run_at <= _NOW)
