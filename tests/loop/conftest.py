"""The whole loop, for each test; or for all of a file, where the tests leave nothing behind that others would see."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.loop.running import Loop, running


@pytest.fixture
async def loop(sqlite_url: str) -> AsyncIterator[Loop]:
    async with running(sqlite_url) as loop:
        yield loop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_loop(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> AsyncIterator[Loop]:
    """For tests marked `asyncio(loop_scope="module")`."""
    path = tmp_path_factory.mktemp("loop") / "signoff.db"
    shutil.copyfile(migrated_file, path)
    async with running(f"sqlite+aiosqlite:///{path}") as loop:
        yield loop
