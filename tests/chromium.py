"""The browser that tests drive: a Chromium of this machine, headless."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.patience import PATIENCE_SECONDS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_CHROMIUM = "needs a Chromium to drive: apt-get install chromium"
expect.set_options(timeout=PATIENCE_SECONDS * 1000)
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

in_a_browser = [
    pytest.mark.asyncio(loop_scope="module"),
    # In CI a browser that could not be installed makes these tests fail: they always run there.
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason=NO_CHROMIUM),
]
"""The `pytestmark` of a module whose tests take `browser`."""


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """A fresh one; `flags` come after the ones every test wants."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS, *flags])
        try:
            yield launched
        finally:
            await launched.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched
