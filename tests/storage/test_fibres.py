"""On PostgreSQL transactions are run on the event loop, and hold nobody up."""

import asyncio
import subprocess
import sys

import pytest
from sqlalchemy import Column, Integer, bindparam, text

from storage.database import Database, Tx, Unavailable
from tests.databases import Postgres
from tests.serving import until

SLEEP = "select 1 as done from (select pg_sleep(:seconds)) as slept"
ASLEEP, UNPREPARED = text(SLEEP).columns(Column("done", Integer)), text(SLEEP)
LISTED = text("select 1 as done where 1 in :numbers").bindparams(bindparam("numbers", expanding=True))


@pytest.mark.parametrize("statement", [ASLEEP, UNPREPARED], ids=["prepared", "unprepared"])
async def test_while_a_transaction_waits_for_its_server_the_loop_goes_on(postgres_url: str, statement: object) -> None:
    async with Database(postgres_url) as database:
        await database.read(lambda tx: tx.run(statement, seconds=0))  # type: ignore[arg-type]
        asleep = asyncio.ensure_future(database.read(lambda tx: tx.run(statement, seconds=0.5)))  # type: ignore[arg-type]
        turns = 0
        while not asleep.done():
            await asyncio.sleep(0.005)
            turns += 1

    assert turns > 10


async def test_a_connection_that_takes_long_to_be_had_holds_up_nobody(postgres: Postgres, postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        opening = asyncio.ensure_future(database.read(lambda tx: tx.run(LISTED, numbers=[1, 2])))
        assert not opening.done()  # it was begun, and waits for its connection
        assert [row.done for row in await opening] == [1]

        postgres.shut(postgres_url)
        with pytest.raises(Unavailable):
            await database.read(lambda tx: tx.run(LISTED, numbers=[1]))
        postgres.reopen(postgres_url)
        assert [row.done for row in await database.read(lambda tx: tx.run(LISTED, numbers=[1]))] == [1]


async def test_more_than_there_are_connections_for_wait_their_turn_and_closing_waits_for_all(postgres_url: str) -> None:
    begun: list[int] = []

    def work(number: int, tx: Tx) -> int:
        begun.append(number)
        tx.run(ASLEEP, seconds=0.05)
        return number

    async with Database(postgres_url) as database:
        all_of_them = [asyncio.ensure_future(database.write(lambda tx, n=n: work(n, tx))) for n in range(40)]
        await until(lambda: bool(begun))
        assert len(begun) < 20

    assert sorted(begun) == list(range(40))
    assert [task.result() for task in all_of_them] == list(range(40))


ON_UVLOOP = """
import asyncio, sys, uvloop
from sqlalchemy import Column, Integer, text
from storage.database import Database

ONE = text("select :x + 0 as x").columns(Column("x", Integer))

async def talk(reader, writer):  # transactions begun and ended in the callbacks of sockets, as a server's are
    while line := await reader.readline():
        found = await database.write(lambda tx: [tx.run(ONE, x=n)[0].x for n in range(int(line))])
        found += await database.read(lambda tx: [tx.run(ONE, x=n)[0].x for n in range(3)])
        writer.write(f"{sum(found)}\\n".encode())
    writer.close()

async def visitor(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(30):
        writer.write(b"4\\n")
        assert int(await reader.readline()) == 0 + 1 + 2 + 3 + 0 + 1 + 2
    writer.close()

async def main():
    global database
    async with Database(sys.argv[1]) as database:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(visitor(port) for _ in range(20)))
        server.close()

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


def test_on_uvloop_which_keeps_pointers_into_its_stack_it_is_the_same(postgres_url: str) -> None:
    """What a greenlet waits for is arranged outside of it: inside, libuv took the process down."""
    ended = subprocess.run(
        [sys.executable, "-c", ON_UVLOOP, postgres_url], capture_output=True, text=True, timeout=120, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")
