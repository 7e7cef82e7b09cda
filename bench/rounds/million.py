"""A desk with years of work in its database beside a young one: presses and loops on both, in turns."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from bench import measures, wire
from bench.databases import SqliteFile, Store
from bench.filling import MESSAGES_EACH, fill
from bench.goals import GOALS
from bench.installation import Bots
from bench.measures import Rate, cpu_milliseconds, together
from bench.run import SQLITE, Bench
from bench.stages import Stage
from storage import schema

_ORDER = ("young", "old", "old", "young")  # who is measured when, so that a machine that slows down favours nobody
_Measure = Callable[[Stage, Bots], Awaitable[Rate]]


async def million(bench: Bench, kind: str) -> None:
    old = await _old_store(bench, kind)
    try:
        async with AsyncExitStack() as stack:
            stages = {
                "young": await stack.enter_async_context(bench.stage(bench.new_store(kind))),
                "old": await stack.enter_async_context(bench.stage(old)),
            }
            await _presses(bench, stages)
            await _loops(bench, stages)
            for stage in stages.values():
                bench.check(stage)
    finally:
        if not _kept(bench, old):
            old.drop()


def _kept(bench: Bench, store: Store) -> bool:
    return isinstance(store, SqliteFile) and store.path == bench.past_file


async def _old_store(bench: Bench, kind: str) -> Store:
    """Filled anew, or the file that was kept."""
    count, show = bench.amounts.past, bench.show
    store = SqliteFile(bench.past_file) if bench.past_file and kind == SQLITE else bench.new_store(kind)
    words = f"{count:,} conversations, {count * MESSAGES_EACH:,} messages"
    bench.results.facts[f"stored, {kind}"] = words
    if isinstance(store, SqliteFile) and store.path.exists():
        return store
    show.say(words)
    began = time.perf_counter()
    await asyncio.to_thread(schema.upgrade, store.url)
    await asyncio.to_thread(fill, store, count, show.progress)
    seconds = time.perf_counter() - began
    bench.results.add(f"million_fill_s_{kind}", f"filling the database of the million, {kind}", seconds, "s")
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
        _tell(bench, stages, "ready", "start to ready on the million", bots["old"].ready_seconds)
        for name, stage in stages.items():
            await warm(stage, bots[name])
        show.say(f"presses on both, in turns: {', '.join(_ORDER)}")
        rates = await _in_turns(stages, bots, presses)
        began = time.perf_counter()
        await wire.read(bots["old"].ports[0], "/metrics")
        _tell(bench, stages, "metrics", "GET /metrics on the million", time.perf_counter() - began)
    _add(bench, stages["old"].store.kind, "press", rates)


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
    _add(bench, stages["old"].store.kind, "loops", rates)


async def _in_turns(stages: dict[str, Stage], bots: dict[str, Bots], measure: _Measure) -> dict[str, list[Rate]]:
    rates: dict[str, list[Rate]] = {name: [] for name in stages}
    for name in _ORDER:
        rates[name].append(await measure(stages[name], bots[name]))
    return rates


def _tell(bench: Bench, stages: dict[str, Stage], name: str, words: str, seconds: float) -> None:
    kind = stages["old"].store.kind
    bench.results.add(f"million_{name}_s_{kind}", f"{words}, {kind}", seconds, "s")


def _add(bench: Bench, kind: str, what: str, rates: dict[str, list[Rate]]) -> None:
    """The goals are SQLite's; PostgreSQL's figures stand beside them."""
    results, young, old = bench.results, rates["young"], rates["old"]
    name, share = f"million_ratio_{what}", together(old) / together(young)
    if kind == SQLITE:
        results.reach(name, share)
    else:
        results.add(f"{name}_{kind}", f"{GOALS[name].words}, {kind}", share, "x")
    results.add(f"million_{what}_per_s_{kind}", f"{what} with a million stored, {kind}", together(old), "/s")
    results.add(f"million_{what}_per_s_{kind}_young", f"… with few, beside it, {kind}", together(young), "/s")
    cpu = cpu_milliseconds(young) / cpu_milliseconds(old)
    words = f"… the bot's CPU for one with few, of that with a million, {kind}"
    results.add(f"million_cpu_ratio_{what}_{kind}", words, cpu, "x")
