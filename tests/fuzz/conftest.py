"""The whole bot, with secrets that are searched for in every answer and in the log."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.fuzz.wire import Wire
from tests.loop.running import SECRET, Loop, running


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-rounds", type=int, default=1, help="how many times as many hostile requests as usual")
    parser.addoption("--fuzz-seed", type=int, default=1, help="which ones")


@pytest.fixture
async def loop(sqlite_url: str) -> AsyncIterator[Loop]:
    async with running(sqlite_url) as loop:
        yield loop


@pytest.fixture
def canaries(loop: Loop) -> tuple[str, ...]:
    box = loop.sandbox
    return SECRET, SECRET.removeprefix("whsec_"), "s" * 40, box.signing_secret, box.bot_token, "sk-ant-fake"


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    return Random(request.config.getoption("fuzz_seed", 1))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    found: int = request.config.getoption("fuzz_rounds", 1)
    return found


@pytest.fixture
def wire(loop: Loop, canaries: tuple[str, ...]) -> Wire:
    return Wire(loop.url, canaries)


async def works_still(loop: Loop) -> None:
    """Afterwards a customer writes, an agent approves, the customer has the reply; and the bot says it is ready."""
    heard = len(loop.receiver.taken)
    await loop.settled()
    await loop.customer_says("Where is my order, after all this?", thread="afterwards")
    await loop.settled()
    seen = await loop.ana.click("approve", on=loop.offering("approve")[-1])
    assert seen.ok, seen
    await loop.settled()
    assert len(loop.receiver.taken) == heard + 1
    ready = await loop.http.get("/readyz")
    assert ready.status_code == 200, ready.text
