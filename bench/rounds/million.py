"""A desk with years of work in its database beside a young one: presses and loops on both, in turns."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from bench import measures, wire
from bench.databases import SqliteFile
from bench.filling import MESSAGES_EACH, fill
from bench.installation import Bots
from bench.measures import Rate, cpu_milliseconds, together
from bench.run import SQLITE, Bench
from bench.stages import Stage
from storage import schema

_ORDER = ("young", "old", "old", "young")  # who is measured when, so that a machine that slows down favours nobody
_Measure = Callable[[Stage, Bots], Awaitable[Rate]]


async def million(bench: Bench) -> None:
    old = await _old_store(bench)
    try:
        async with AsyncExitStack() as stack:
            stages = {
                "young": await stack.enter_async_context(bench.stage(bench.new_store(SQLITE))),
                "old": await stack.enter_async_context(bench.stage(old)),
            }
            await _presses(bench, stages)
            await _loops(bench, stages)
            for stage in stages.values():
                bench.check(stage)
    finally:
        if old.path != bench.past_file:
            old.drop()


async def _old_store(bench: Bench) -> SqliteFile:
    """Filled anew, or the file that was kept."""
    count, show = bench.amounts.past, bench.show
    kept = bench.past_file is not None and bench.past_file.exists()
    store = SqliteFile(bench.past_file or bench.place() / "signoff.db")
    bench.results.facts["stored"] = f"{count:,} conversations, {count * MESSAGES_EACH:,} messages, SQLite"
    if kept:
        return store
    show.say(f"{count:,} conversations and {count * MESSAGES_EACH:,} messages")
    began = time.perf_counter()
    await asyncio.to_thread(schema.upgrade, store.url)
    await asyncio.to_thread(fill, store, count, show.progress)
    bench.results.add("million_fill_s", "filling the database", time.perf_counter() - began, "s")
    bench.results.add("million_file_gb", "its size", store.path.stat().st_size / 1e9, "GB")
    return store


async def _presses(bench: Bench, stages: dict[str, Stage]) -> None:
    amounts, show = bench.amounts, bench.show

    async def warm(stage: Stage, bots: Bots) -> None:
        cards = await measures.cards(stage.desk, amounts.warm)
        await measures.requests(bots.ports, [stage.desk.press_of(loop) for loop in cards], bots.running)
        await stage.delivered(len(stage.desk.loops))

    async def presses(stage: Stage, bots: Bots) -> Rate:
        cards = await measures.cards(stage.desk, amounts.past_presses)
        prepared = [stage.desk.press_of(loop) for loop in cards]
        rate = await measures.requests(bots.ports, prepared, stage.all_of(bots))
        await stage.delivered(len(stage.desk.loops))
        return rate

    async with AsyncExitStack() as stack:
        bots = {
            name: await stack.enter_async_context(stage.running(hold_seconds=amounts.hold_seconds))
            for name, stage in stages.items()
        }
        bench.results.add("million_ready_s", "start to ready on it", bots["old"].ready_seconds, "s")
        for name, stage in stages.items():
            await warm(stage, bots[name])
        show.say(f"presses on both, in turns: {', '.join(_ORDER)}")
        rates = await _in_turns(stages, bots, presses)
        began = time.perf_counter()
        await wire.read(bots["old"].ports[0], "/metrics")
        bench.results.add("million_metrics_s", "GET /metrics on it", time.perf_counter() - began, "s")
    _add(bench, "press", "presses", rates)


async def _loops(bench: Bench, stages: dict[str, Stage]) -> None:
    amounts, show = bench.amounts, bench.show

    async def loops(stage: Stage, bots: Bots) -> Rate:
        return await measures.whole_loops(stage.desk, amounts.past_loops, stage.all_of(bots))

    async with AsyncExitStack() as stack:
        bots = {name: await stack.enter_async_context(stage.running(hold_seconds=0)) for name, stage in stages.items()}
        for name, stage in stages.items():
            await measures.whole_loops(stage.desk, amounts.warm, bots[name].running)
        show.say(f"loops on both, in turns: {', '.join(_ORDER)}")
        rates = await _in_turns(stages, bots, loops)
    _add(bench, "loops", "loops", rates)


async def _in_turns(stages: dict[str, Stage], bots: dict[str, Bots], measure: _Measure) -> dict[str, list[Rate]]:
    rates: dict[str, list[Rate]] = {name: [] for name in stages}
    for name in _ORDER:
        rates[name].append(await measure(stages[name], bots[name]))
    return rates


def _add(bench: Bench, name: str, words: str, rates: dict[str, list[Rate]]) -> None:
    results, young, old = bench.results, rates["young"], rates["old"]
    results.reach(f"million_ratio_{name}", together(old) / together(young))
    results.add(f"million_{name}_per_s", f"{words} with a million conversations stored", together(old), "/s")
    results.add(f"million_{name}_per_s_young", f"{words} with few, beside it", together(young), "/s")
    cpu = cpu_milliseconds(young) / cpu_milliseconds(old)
    results.add(f"million_cpu_ratio_{name}", "… by the bot's CPU for each of them: few, of a million's", cpu, "x")
