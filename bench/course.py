"""The course of one run: what is measured, after what, and how it becomes figures."""

import asyncio
import json
import os
import platform
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import measures, processes
from bench.desk import Desk, Stuck
from bench.installation import Installation, commits_per_second
from bench.measures import Latencies, Rate, percentile
from bench.processes import Running, bare_bolt, fake_claude
from bench.results import Results
from bench.wire import HOST, Pool, Receiver

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much of everything; more makes the figures steadier."""

    warm: int = 100
    rounds: int = 2  # of presses, with bare Bolt before, between and after
    presses: int = 500  # in each round
    hold_seconds: float = 10.0  # signoff.toml's default; longer than a round, so that replies go out after it
    bare: int = 2000  # in each round
    loops: int = 600
    rate: float = 20.0
    rate_seconds: float = 15.0
    idle_seconds: float = 10.0
    promises: int = 200
    commits: int = 500


QUICK = Amounts(
    warm=16,
    rounds=1,
    presses=24,
    hold_seconds=2.0,
    bare=100,
    loops=24,
    rate_seconds=1.0,
    idle_seconds=1.0,
    promises=20,
    commits=50,
)


async def run(amounts: Amounts, say: Say, *, claude: bool) -> Results:
    """One run. Raises: Stuck when the bot lost, repeated or refused anything."""
    results = Results()
    with _folder() as name:
        async with _stage(Path(name), claude=claude) as (desk, installation, slack):
            results.facts = _facts(amounts, claude=claude)
            await _presses(results, amounts, say, desk, installation, slack)
            await _loops(results, amounts, say, desk, installation, slack)
            say("commit to job start")
            results.add(
                "commit_to_start_p50_ms",
                "commit to job start, p50",
                percentile(await _promises(Path(name), amounts.promises), 0.5),
                "ms",
                "<= 30",
            )
            _check(results, desk, installation)
            say("the machine's own commits")
            rate = await asyncio.to_thread(commits_per_second, Path(name) / "commits.db", amounts.commits)
            results.add("machine_commits_per_s", "one-row commits of this machine, SQLite's driver alone", rate, "/s")
    return results


@contextmanager
def _folder() -> Iterator[str]:
    """For databases and logs; kept when the run failed."""
    name = tempfile.mkdtemp(prefix="signoff-bench-")
    yield name
    shutil.rmtree(name)


@asynccontextmanager
async def _stage(folder: Path, *, claude: bool) -> AsyncIterator[tuple[Desk, Installation, list[Running]]]:
    """The people, the local Slack and the bot's installation; the processes are those besides the bot."""
    desk = Desk(slack_secret="", shop_secret=b"")
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(desk.take), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with processes.sandbox(folder, f"http://{HOST}:{port}/slack") as (sandbox, environment):
            installation = Installation(folder, environment, f"http://{HOST}:{port}/replies", None)
            desk.slack_secret = environment["SLACK_SIGNING_SECRET"]
            desk.shop_secret = installation.shop_secret
            desk.bot = Pool(installation.port)
            if claude:
                async with fake_claude(folder) as (fake, url):
                    installation.claude_url = url
                    yield desk, installation, [sandbox.running, fake.running]
            else:
                yield desk, installation, [sandbox.running]
    finally:
        server.close()


async def _presses(
    results: Results, amounts: Amounts, say: Say, desk: Desk, installation: Installation, slack: list[Running]
) -> None:
    """Bare, presses, bare, presses, bare: in turns, so that a noisy neighbour hits both."""
    bare_rounds: list[Rate] = []
    press_rounds: list[Rate] = []
    async with installation.running(hold_seconds=amounts.hold_seconds) as (bot, _):
        say(f"{amounts.rounds * amounts.presses} cards for the presses")
        warm = await measures.cards(desk, amounts.warm)
        await measures.requests(installation.port, [desk.press_of(loop) for loop in warm], [bot])
        rounds = [await measures.cards(desk, amounts.presses) for _ in range(amounts.rounds)]
        await _all_delivered(desk, amounts.warm)
        async with bare_bolt(installation.folder, desk.slack_secret) as (bare, port):

            async def bare_round(loops: int) -> None:
                say("bare Bolt, acknowledging only")
                prepared = [desk.press_of(loop) for loop in rounds[0]]
                many = (prepared * (loops // len(prepared) + 1))[:loops]
                bare_rounds.append(await measures.requests(port, many, [bare.running]))

            await measures.requests(port, [desk.press_of(loop) for loop in rounds[0][:100]], [bare.running])
            await bare_round(amounts.bare)
            pressed = amounts.warm
            for loops in rounds:
                say(f"{len(loops)} presses of Approve, 16 connections")
                prepared = [desk.press_of(loop) for loop in loops]
                press_rounds.append(await measures.requests(installation.port, prepared, [bot, *slack]))
                pressed += len(loops)
                say("their replies go out when the hold ends")
                await _all_delivered(desk, pressed)
                await bare_round(amounts.bare)
    _add_presses(results, bare_rounds, press_rounds)


def _add_presses(results: Results, bare: list[Rate], presses: list[Rate]) -> None:
    bare_rate = sum(len(r.milliseconds) for r in bare) / sum(r.shares.seconds for r in bare)
    press_rate = sum(len(r.milliseconds) for r in presses) / sum(r.shares.seconds for r in presses)
    took = [each for rate in presses for each in rate.milliseconds]
    results.add("bare_bolt_per_s", "a bare Bolt app that only acknowledges, 16 connections", bare_rate, "/s")
    results.add("press_per_s_sqlite", "press -> decision committed -> 200, 16 connections", press_rate, "/s")
    results.add("press_ratio_sqlite", "… as a share of bare Bolt", press_rate / bare_rate, "x", ">= 0.35")
    bare_cpu, press_cpu = _cpu_milliseconds(bare, "bare"), _cpu_milliseconds(presses, "bot")
    results.add("bare_bolt_cpu_ms", "CPU of a request to bare Bolt", bare_cpu, "ms")
    results.add("press_cpu_ms_sqlite", "CPU of the bot while presses came, per press", press_cpu, "ms")
    results.add("press_cpu_ratio_sqlite", "… bare Bolt's as a share of it", bare_cpu / press_cpu, "x")
    for share in (50, 95, 99):
        goal = "<= 150" if share == 99 else ""
        results.add(f"press_p{share}_ms_sqlite", f"… p{share}", percentile(took, share / 100), "ms", goal)
    for rate in presses[-1:]:
        results.facts["CPU during presses, in cores"] = _cores(rate.shares)
    results.facts["CPU during bare Bolt, in cores"] = _cores(bare[-1].shares)


def _cpu_milliseconds(rates: list[Rate], process: str) -> float:
    """Per request. Neighbours who take the machine's time hardly change it."""
    seconds = sum(rate.shares.cores[process] * rate.shares.seconds for rate in rates)
    return 1000 * seconds / sum(len(rate.milliseconds) for rate in rates)


async def _loops(
    results: Results, amounts: Amounts, say: Say, desk: Desk, installation: Installation, slack: list[Running]
) -> None:
    """The same installation, started anew on its database, with nothing held back."""
    say("restart on the same database")
    assert desk.bot is not None
    desk.bot.close()
    async with installation.running(hold_seconds=0) as (bot, ready):
        say("warm-up")
        await measures.whole_loops(desk, amounts.warm, [bot])
        say("idle")
        percent, resident = await measures.idle(bot, seconds=amounts.idle_seconds)
        say(f"{amounts.loops} whole loops, 32 under way")
        loops = await measures.whole_loops(desk, amounts.loops, [bot, *slack])
        say(f"{amounts.rate:g} loops a second for {amounts.rate_seconds:g} s")
        steady = await measures.at_rate(desk, [bot, *slack], per_second=amounts.rate, seconds=amounts.rate_seconds)
        say("presses with nothing held: replies go out at once")
        waiting = await measures.cards(desk, amounts.presses // 2)
        wanted = desk.replies + len(waiting)
        rushed = await measures.requests(installation.port, [desk.press_of(loop) for loop in waiting], [bot])
        await desk.until(lambda: desk.replies >= wanted, "replies")
        await desk.quiet()
        resident_after = bot.resident_mb()
        desk.bot.close()
    _add_loops(results, loops, steady)
    bare = results["bare_bolt_per_s"]
    results.add("press_ratio_sqlite_hold_0", "presses with hold 0, of bare Bolt", rushed.per_second / bare, "x")
    results.add("idle_cpu_percent", "idle, of one core", percent, "%", "< 1")
    results.add("idle_rss_mb", "idle, resident", resident, "MB", "< 160")
    results.add("rss_after_mb", "resident after all of this", resident_after, "MB")
    results.add("ready_s", "start to ready, on an existing database", ready, "s", "<= 3")


def _add_loops(results: Results, loops: Rate, steady: Latencies) -> None:
    results.add("loops_per_s_sqlite", "whole loops, hold 0, 32 under way", loops.per_second, "/s", ">= 60")
    results.add("loop_cpu_ms_sqlite", "CPU of the bot for a whole loop", _cpu_milliseconds([loops], "bot"), "ms")
    for share in (50, 95, 99):
        goal = "<= 500" if share == 95 else ""
        at = percentile(steady.to_card, share / 100)
        results.add(f"card_p{share}_ms", f"message in -> card, at 20 loops/s, p{share}", at, "ms", goal)
    for share in (50, 95, 99):
        at = percentile(steady.to_customer, share / 100)
        results.add(f"customer_p{share}_ms", f"press -> customer has it, at 20 loops/s, p{share}", at, "ms")
    results.add("load_cpu_percent", "the load's share of all CPU during loops", loops.shares.load_percent, "%")
    results.facts["CPU during loops, in cores"] = _cores(loops.shares)
    results.facts["CPU at 20 loops/s, in cores"] = _cores(steady.shares)


async def _all_delivered(desk: Desk, count: int) -> None:
    await desk.until(lambda: desk.replies >= count, "replies")
    await desk.quiet()


async def _promises(folder: Path, count: int) -> list[float]:
    command = ("-m", "bench.jobs", str(folder / "jobs.db"), str(count))
    async with processes.process("jobs", *command, environment={}, log=folder / "jobs.log") as started:
        took: list[float] = json.loads(await started.line())
    return took


def _check(results: Results, desk: Desk, installation: Installation) -> None:
    """Every loop is in the database, once, and the customer heard it once."""
    rows = installation.rows()
    loops = len(desk.loops)
    results.facts["rows, afterwards"] = ", ".join(f"{count} {name}" for name, count in rows.items())
    wanted = dict.fromkeys(rows, loops) | {"jobs left": 0}
    if rows != wanted or desk.replies != loops or desk.repeated:
        raise Stuck(f"{loops} loops, {desk.replies} replies and {desk.repeated} repeated, but {rows}")
    results.add("loops_checked", "loops in all, each found committed and delivered once", loops)


def _cores(shares: measures.Shares) -> str:
    return ", ".join(f"{name} {cores:.2f}" for name, cores in shares.cores.items())


def _facts(amounts: Amounts, *, claude: bool) -> dict[str, str]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "drafter": "Claude's SDK on a fake API that answers at once" if claude else "offline",
        "amounts": f"{amounts.loops} loops, {amounts.rounds} x {amounts.presses} presses, "
        f"{amounts.rounds + 1} x {amounts.bare} to bare Bolt",
        "database": "SQLite on disk, WAL, synchronous=FULL",
        "machine": f"{platform.machine()}, {processes.cores()} cores, Python {platform.python_version()}",
        "load average when it began": f"{os.getloadavg()[0]:.1f} (above 0.5 somebody else was working here)",
    }
