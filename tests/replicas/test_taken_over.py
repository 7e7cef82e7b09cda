"""A replica that dies or hangs in mid-work: the other one does its work, and nobody outside sees anything twice."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.fakes.receiver import Answer
from tests.loop.running import shown
from tests.patience import PATIENCE_SECONDS
from tests.replicas.running import Replicas, replicas

THREADS = tuple(f"order-{number}" for number in range(6))


async def replies_on_their_way(two: Replicas) -> int:
    """Approved at the first replica: each is at the customers' server, unanswered. How many of their jobs it holds."""
    first = two.lives[0]
    for thread in THREADS:
        await two.customer_says(f"Where is my parcel? ({thread})", to=first.url, thread=thread)
    cards = [await two.card(f"({thread})") for thread in THREADS]
    two.receiver.always = Answer.HELD
    two.slack_asks(first.url)
    for card in cards:
        assert (await two.person("U0ANA").click("approve", on=card)).ok
    await two.receiver.until(len(THREADS))
    return two.ledger.count(
        "select count(*) from procrastinate_jobs where status = 'doing' and task_name = 'relay'"
        " and worker_id = (select min(id) from procrastinate_workers)"  # who came first
    )


async def came_again(two: Replicas, again: int) -> None:
    """Taken over: nobody knew whether the customers' server had them."""
    async with asyncio.timeout(PATIENCE_SECONDS), two.receiver.changed:
        await two.receiver.changed.wait_for(lambda: two.receiver.repeats >= again)


@pytest.mark.parametrize("end", ["killed", "hung"])
async def test_the_work_of_a_replica_that_ends_is_done_by_the_other(
    end: str, tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with replicas(tmp_path, postgres_url) as two:
        first, second = two.lives
        held = await replies_on_their_way(two)
        assert held > 0

        began = time.monotonic()
        if end == "killed":
            await first.kill()
        else:
            first.tell(signal.SIGSTOP)
        two.receiver.always = Answer.TAKE
        two.slack_asks(second.url)
        await two.customer_says("And my invoice? (meanwhile)", to=second.url, thread="meanwhile")
        await came_again(two, held)
        seconds = time.monotonic() - began
        with capsys.disabled():
            print(f"\n  the work of a replica that was {end} was taken over after {seconds:.1f} s")
        if end == "hung":
            first.tell(signal.SIGCONT)  # it wakes up in the middle of what is not its own any more
        two.receiver.released.set()
        await two.answer_what_waits()
        await two.settled()

        assert sorted(post.thread for post in two.receiver.taken) == sorted([*THREADS, "meanwhile"])
        assert two.ledger.count("select count(*) from delivery where status = 'sent'") == len(THREADS) + 1
        assert two.ledger.count("select count(*) from delivery where status <> 'sent'") == 0
        for thread in THREADS:
            hanging = [card for card in two.agents.cards() if f"({thread})" in shown(card)]
            assert len(hanging) == 1, "one card a question"
            assert "Delivered" in shown(hanging[0])
