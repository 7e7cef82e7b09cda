"""The measurements, each a function that returns what it saw. Times are of the monotonic clock of the load."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from bench import wire
from bench.desk import Desk, Loop, Stuck
from bench.processes import Running, own_cpu_seconds

CONNECTIONS = 16


@dataclass(frozen=True, kw_only=True)
class Shares:
    """CPU during a measurement, as shares of one core, by process; the load is one of them."""

    seconds: float
    cores: dict[str, float] = field(default_factory=dict)

    def cpu_seconds(self, process: str) -> float:
        """Of all processes whose name begins like that: of every replica of the bot."""
        return self.seconds * sum(cores for name, cores in self.cores.items() if name.startswith(process))

    @property
    def load_percent(self) -> float:
        """The load's share of all CPU of this machine."""
        return 100 * self.cores.get("load", 0.0) / (os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class Rate:
    per_second: float
    milliseconds: list[float]
    shares: Shares


def together(rates: Sequence[Rate]) -> float:
    """Per second, over several rounds."""
    return sum(len(rate.milliseconds) for rate in rates) / sum(rate.shares.seconds for rate in rates)


def cpu_milliseconds(rates: Sequence[Rate], process: str = "bot") -> float:
    """For each. Neighbours who take the machine's time hardly change it."""
    seconds = sum(rate.shares.cpu_seconds(process) for rate in rates)
    return 1000 * seconds / sum(len(rate.milliseconds) for rate in rates)


async def watched(work: Callable[[], Awaitable[None]], processes: Sequence[Running]) -> Shares:
    """Do the work, and see who took how much CPU meanwhile."""
    before = {each.name: each.cpu_seconds() for each in processes}
    own, began = own_cpu_seconds(), time.perf_counter()
    await work()
    seconds = time.perf_counter() - began
    cores = {each.name: (each.cpu_seconds() - before[each.name]) / seconds for each in processes}
    return Shares(seconds=seconds, cores={**cores, "load": (own_cpu_seconds() - own) / seconds})


async def requests(ports: Sequence[int], prepared: Sequence[bytes], processes: Sequence[Running]) -> Rate:
    """Send prepared requests over 16 connections, each its next as soon as its last was answered 200."""
    connections = [await wire.Connection.to(ports[number % len(ports)]) for number in range(CONNECTIONS)]
    waiting = iter(prepared)
    took: list[float] = []

    async def sender(connection: wire.Connection) -> None:
        for each in waiting:
            began = time.perf_counter()
            status, body = await connection.send(each)
            took.append(1000 * (time.perf_counter() - began))
            if status != 200:
                raise Stuck(f"answered {status}: {body[:200]!r}")

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(sender(connection))

    shares = await watched(all_of_them, processes)
    for connection in connections:
        connection.close()
    return Rate(per_second=len(took) / shares.seconds, milliseconds=took, shares=shares)


async def cards(desk: Desk, count: int) -> list[Loop]:
    """So many customers wrote, and their cards are up, waiting for somebody to press."""
    desk.on_card = lambda _: None
    wanted = desk.cards + count
    loops = await desk.write(count, at_once=CONNECTIONS)
    await desk.until(lambda: desk.cards >= wanted, "cards")
    await desk.quiet()
    return loops


async def whole_loops(desk: Desk, count: int, processes: Sequence[Running], *, at_once: int = 32) -> Rate:
    """So many loops under way at any time: the next customer writes when one was answered."""
    desk.on_card = desk.press_soon
    loops: list[Loop] = []

    async def customer(share: int) -> None:
        for _ in range(share):
            (loop,) = await desk.write(1, at_once=1)
            loops.append(loop)
            await desk.answered(loop)

    async def everyone() -> None:
        async with asyncio.TaskGroup() as group:
            for index in range(at_once):
                group.create_task(customer(count // at_once + (index < count % at_once)))

    shares = await watched(everyone, processes)
    await desk.quiet()
    took = [1000 * (loop.heard - loop.began) for loop in loops]
    return Rate(per_second=count / shares.seconds, milliseconds=took, shares=shares)


@dataclass(frozen=True, kw_only=True)
class Latencies:
    to_card: list[float]  # milliseconds from the message's sending to its card on Slack
    to_customer: list[float]  # from the press to the customer's own server having the reply
    shares: Shares


async def at_rate(desk: Desk, processes: Sequence[Running], *, per_second: float, seconds: float) -> Latencies:
    """Customers write at a fixed rate, however slow the bot is; cards are approved as they come."""
    desk.on_card = desk.press_soon
    loops: list[Loop] = []

    async def everyone() -> None:
        wanted = desk.replies + int(per_second * seconds)
        loops.extend(await desk.write_at_rate(int(per_second * seconds), per_second=per_second))
        await desk.until(lambda: desk.replies >= wanted, "replies")

    shares = await watched(everyone, processes)
    await desk.quiet()
    return Latencies(
        to_card=[1000 * (loop.card_at - loop.began) for loop in loops],
        to_customer=[1000 * (loop.heard - loop.pressed) for loop in loops],
        shares=shares,
    )


@dataclass(frozen=True, kw_only=True)
class Idle:
    percent: float  # of one core
    resident_mb: float


async def idle(bots: Sequence[Running], *, seconds: float) -> list[Idle]:
    """Each with nothing to do, all at the same time."""
    shares = await watched(partial(asyncio.sleep, seconds), bots)
    return [Idle(percent=100 * shares.cores[bot.name], resident_mb=bot.resident_mb()) for bot in bots]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
