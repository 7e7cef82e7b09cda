"""One replica after the other is restarted while everybody is at work: nothing is lost, doubled or out of order.

A request that meets a connection just as it closes has no answer: customers send again, and agents press again.
"""

import asyncio
import random
from pathlib import Path

from tests.crash.agents import AGENTS
from tests.crash.customers import Customers
from tests.crash.promises import Witness
from tests.crash.promises_kept import every_promise
from tests.crash.visitors import Visitors
from tests.loop.running import SECRET
from tests.replicas.running import Replicas, replicas

CUSTOMERS = ("ada", "ben", "cleo")
VISITORS = ("fay", "gus")


async def test_replicas_restarted_one_after_the_other_are_missed_by_nobody(tmp_path: Path, postgres_url: str) -> None:
    async with replicas(tmp_path, postgres_url, hold_seconds=0.6) as two:
        customers = Customers(f"{two.url}/channels/shop/messages", SECRET)
        visitors = Visitors(f"{two.url}/channels/chat")
        enough = asyncio.Event()

        async with asyncio.TaskGroup() as everybody:
            for name in CUSTOMERS:
                everybody.create_task(customers.write(name, random.Random(name), enough))
            for name in VISITORS:
                everybody.create_task(visitors.write(name, random.Random(name), enough))
            for user in AGENTS:
                everybody.create_task(two.agents.work(user, random.Random(user), enough))
            try:
                await two.until(lambda: sum(two.agents.presses.values()) >= 10)
                codes = [await _restarted(two, place) for place in range(2)]
            finally:
                enough.set()
        await two.answer_what_waits()
        pages = await visitors.read_all()
        await two.stop()

        witness = Witness(
            ledger=two.ledger,
            customers=customers,
            visitors=visitors,
            pages=pages,
            agents=two.agents,
            receiver=two.receiver,
            log=two.nursery.log,
        )
        promises = await asyncio.to_thread(every_promise, witness)
        assert codes == [0, 0]
        assert {one.what: one.wrongs for one in promises if one.wrongs} == {}


async def _restarted(two: Replicas, place: int) -> int:
    """SIGTERM, and a new one in its place; the exit code. A few presses later, so that the new one has work, too."""
    code = await two.lives[place].stop()
    two.lives[place] = await two.begin(two.ports[place])
    pressed = sum(two.agents.presses.values())
    await two.until(lambda: sum(two.agents.presses.values()) >= pressed + 10)
    return code
