"""The engine for replicas keeps the contract on PostgreSQL, and what only replicas can show."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from storage.database import Database
from storage.procrastinated import ProcrastinateJobs
from tests.clock import Clock
from tests.storage.jobs_contract import Desk, JobsContract


def desk_on(database: Database) -> Desk:
    clock = Clock()
    return Desk(
        database,
        clock,
        lambda grace: ProcrastinateJobs(database, clock, grace=grace),
        busy=lambda jobs: cast(ProcrastinateJobs, jobs).busy > 0,
        look=lambda jobs: cast(ProcrastinateJobs, jobs).wake(),
    )


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    async with Database(postgres_url) as database:
        yield desk_on(database)


class TestProcrastinateJobs(JobsContract):
    """On PostgreSQL."""
