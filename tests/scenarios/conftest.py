"""A desk for each scenario."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.desk import Desk


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with Desk(database) as desk:
        yield desk
