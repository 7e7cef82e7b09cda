"""Two replicas for all tests of a file that leave nothing behind that others would see."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.databases import Postgres
from tests.replicas.running import Replicas, replicas


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, migrated_postgres: str
) -> AsyncIterator[Replicas]:
    """For tests marked `asyncio(loop_scope="module")`. What is approved can be undone for five seconds."""
    name = postgres.create(migrated_postgres)
    async with replicas(tmp_path_factory.mktemp("replicas"), postgres.url(name), hold_seconds=5) as two:
        yield two
    postgres.drop(name)
