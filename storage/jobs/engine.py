"""Which engine keeps the jobs: procrastinate where replicas may share a PostgreSQL, the job table on SQLite."""

from datetime import timedelta

from storage.database import Database
from storage.jobs.procrastinate.engine import ProcrastinateJobs
from storage.jobs.rounds import Clock
from storage.jobs.table import TableJobs
from storage.shared.wakes import Wakes

Engine = TableJobs | ProcrastinateJobs


def engine(db: Database, clock: Clock, wakes: Wakes, *, grace: timedelta = timedelta(seconds=10)) -> Engine:
    """One per process; nothing begins before `work`. By `wakes` replicas hear what others promised."""
    return TableJobs(db, clock, grace=grace) if db.sqlite else ProcrastinateJobs(db, clock, wakes=wakes, grace=grace)
