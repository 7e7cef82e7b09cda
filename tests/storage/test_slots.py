"""Whose turn it is: one suite for one process and for replicas, which share a database and no clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from storage.database import Database
from storage.shared.slots import MemorySlots, Rate, SharedSlots, Slots
from storage.shared.wakes import SharedWakes
from tests.databases import Postgres
from tests.patience import PATIENCE_SECONDS
from tests.serving import until

SLOW = Rate(interval=1000, burst=2)  # so slow that no machine is too slow to tell
FAST = Rate(interval=0.001, burst=2)
NEAR = 200.0  # seconds that statements may take here, far less than an interval


async def taken(slots: Slots, count: int, *, key: str = "post C1", rate: Rate = SLOW) -> list[float]:
    """When each may go, in seconds from the first ask."""
    begun = slots.monotonic()
    found = []
    for _ in range(count):
        wait = await slots.take(key, rate)
        found.append(slots.monotonic() - begun + wait)
    return found


def as_expected(slots: list[float], expected: list[float]) -> bool:
    return all(abs(slot - wanted) < NEAR for slot, wanted in zip(slots, expected, strict=True))


@pytest.fixture(params=["memory", "shared"])
async def two(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Slots, Slots]]:
    """The slots as two who ask see them: twice the same in memory, two replicas on PostgreSQL."""
    if request.param == "memory":
        both = MemorySlots()
        yield both, both
        return
    url = request.getfixturevalue("postgres_url")
    async with Database(url) as one, Database(url) as other:
        wakes = [SharedWakes(one), SharedWakes(other)]
        # The second replica's own time is ten years ahead, which is nobody's business.
        made = SharedSlots(one, wakes[0]), SharedSlots(other, wakes[1], lambda: time.monotonic() + 3e8)
        for each in wakes:
            await each.start()
            await asyncio.wait_for(each.connected.wait(), PATIENCE_SECONDS)
        yield made
        for each in wakes:
            await each.stop()


async def test_a_burst_and_then_one_an_interval_whoever_asks(two: tuple[Slots, Slots]) -> None:
    first, second = two

    slots = [*await taken(first, 3), *await taken(second, 3)]

    assert as_expected(slots, [0, 0, 1000, 2000, 3000, 4000])


async def test_nothing_is_given_out_twice_when_all_ask_at_once(two: tuple[Slots, Slots]) -> None:
    waits = await asyncio.gather(*(slots.take("post C1", SLOW) for slots in two * 10))

    assert as_expected(sorted(waits), [0, *(1000.0 * n for n in range(19))])


async def test_keys_do_not_wait_for_each_other(two: tuple[Slots, Slots]) -> None:
    first, second = two
    await taken(first, 5)

    assert as_expected(await taken(second, 2, key="post C2"), [0, 0])


async def test_a_hold_is_for_everybody_and_ends_without_a_burst(two: tuple[Slots, Slots]) -> None:
    first, second = two
    await taken(first, 1)

    await first.hold("post C1", SLOW, 10_000)

    await until(lambda: second.held("post C1") > 0)  # also by who has slots reserved and takes no more
    assert 10_000 - NEAR < second.held("post C1") <= 10_000
    assert as_expected([*await taken(second, 2), *await taken(first, 1)], [10_000, 11_000, 12_000])
    assert first.held("post C2") == 0


async def test_a_hold_is_known_to_who_asks_for_a_slot_and_heard_nothing(postgres_url: str) -> None:
    async with Database(postgres_url) as one, Database(postgres_url) as other:
        first, deaf = (SharedSlots(db, SharedWakes(db)) for db in (one, other))
        await first.hold("post C1", SLOW, 10_000)

        assert as_expected([await deaf.take("post C1", SLOW)], [10_000])
        assert deaf.held("post C1") > 10_000 - NEAR


async def test_a_shorter_hold_does_not_end_a_longer_one(two: tuple[Slots, Slots]) -> None:
    first, second = two
    await first.hold("post C1", SLOW, 10_000)

    await second.hold("post C1", SLOW, 500)

    assert as_expected(await taken(first, 1), [10_000])


async def test_slots_that_many_ask_for_at_once_are_taken_together(two: tuple[Slots, Slots]) -> None:
    first, _ = two

    waits = await asyncio.gather(*(first.take(f"post C{n % 3}", FAST) for n in range(3000)))

    for channel in range(3):  # in the order in which they were asked for, at the rate of each channel
        slots = waits[channel::3]
        assert all(after > before - 0.1 for before, after in pairwise(slots))  # each says how long from its own now
        assert slots[-1] - slots[0] > 0.9
    if isinstance(first, SharedSlots):
        assert first._db.commits <= 2


async def test_whoever_does_not_wait_for_a_slot_any_more_takes_nobody_elses(two: tuple[Slots, Slots]) -> None:
    first, second = two
    impatient = asyncio.create_task(first.take("post C1", SLOW))
    patient = [asyncio.create_task(first.take("post C1", SLOW)) for _ in range(3)]
    await asyncio.sleep(0)
    impatient.cancel()

    waits = await asyncio.gather(*patient)

    assert as_expected(waits, [0, 1000, 2000])  # the first slot is unused
    assert as_expected(await taken(second, 1), [3000])


async def test_by_a_clock_that_stands_still_and_then_leaps_no_slot_is_lost_or_doubled() -> None:
    now = 1000.0
    slots = MemorySlots(lambda: now)
    assert [await slots.take("k", SLOW) for _ in range(4)] == [0, 0, 1000, 2000]

    now += 1_000_000

    assert [await slots.take("k", SLOW) for _ in range(4)] == [0, 0, 1000, 2000]


async def test_what_a_replica_that_died_had_taken_is_unused_and_the_rest_goes_on(postgres_url: str) -> None:
    async with Database(postgres_url) as db:
        await taken(SharedSlots(db, SharedWakes(db)), 3)

    async with Database(postgres_url) as db:
        assert as_expected(await taken(SharedSlots(db, SharedWakes(db)), 1), [2000])


async def test_while_the_database_is_away_nobody_takes_a_slot_and_afterwards_the_pace_is_kept(
    postgres: Postgres, postgres_url: str
) -> None:
    async with Database(postgres_url) as db:
        slots = SharedSlots(db, SharedWakes(db))
        await taken(slots, 2)
        postgres.shut(postgres_url)
        with pytest.raises(Exception, match=r"(?i)connection"):
            await slots.take("post C1", SLOW)
        postgres.reopen(postgres_url)

        assert as_expected(await taken(slots, 1), [1000])
