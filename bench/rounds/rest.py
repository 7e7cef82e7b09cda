"""At rest: how soon it is ready, what it takes with nothing to do, and how soon after a commit its job begins."""

import asyncio
import json
from statistics import median

from bench import measures, processes
from bench.measures import percentile
from bench.run import SQLITE, Bench
from bench.stages import Stage
from storage import schema

_LONGEST_SECONDS = 120


async def at_rest(bench: Bench, stage: Stage, kind: str) -> None:
    """On a database that was worked on: several starts, and then nothing. Offline, and on SQLite once with a key."""
    amounts = bench.amounts
    bench.show.say(f"{amounts.starts} starts on the same database")
    starts = [await _ready(stage) for _ in range(amounts.starts - 1)]
    async with stage.running(hold_seconds=0) as bots:
        starts.append(bots.ready_seconds)
        bench.show.say(f"idle for {amounts.idle_seconds:g} s")
        (idle,) = await measures.idle(bots.running, seconds=amounts.idle_seconds)
    if amounts.with_key and kind == SQLITE and not bench.claude:
        await _with_key(bench, stage)
    bench.results.either("ready_s", kind, median(starts))
    bench.results.either("idle_cpu_percent", kind, idle.percent)
    bench.results.either("idle_rss_mb", kind, idle.resident_mb)


async def _ready(stage: Stage) -> float:
    async with stage.running(hold_seconds=0) as bots:
        return bots.ready_seconds


async def _with_key(bench: Bench, stage: Stage) -> None:
    """The same with Claude's SDK loaded; its address is one that nobody answers at, and nobody asks."""
    stage.installation.claude_url = "http://127.0.0.1:9"
    async with stage.running(hold_seconds=0) as bots:
        resident = bots.running[0].resident_mb()
    bench.results.add("idle_rss_mb_with_key", "resident after the start, with a key for Claude", resident, "MB")
    bench.results.add("ready_s_with_key", "start to ready, with a key for Claude", bots.ready_seconds, "s")


async def starts(bench: Bench, kind: str) -> None:
    """The job engine alone, with a worker at rest."""
    store, folder = bench.new_store(kind), bench.place()
    bench.show.say("commit to job start, one at a time")
    await asyncio.to_thread(schema.upgrade, store.url)
    command = ("-m", "bench.jobs", store.url, str(bench.amounts.promises))
    async with processes.process("jobs", *command, environment={}, log=folder / "jobs.log") as started:
        took: list[float] = json.loads(await started.line(within_seconds=_LONGEST_SECONDS))
    bench.results.either("commit_to_start_p50_ms", kind, percentile(took, 0.5))
    bench.results.add(f"commit_to_start_p95_ms_{kind}", f"… p95, {kind}", percentile(took, 0.95), "ms")
