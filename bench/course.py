"""The course of one run: which rounds, in which order, and what becomes of one that fails."""

import asyncio
import os
import platform
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import processes
from bench.databases import Unavailable, postgres
from bench.desk import Stuck
from bench.results import Results
from bench.rounds.commits import commits
from bench.rounds.loops import loops
from bench.rounds.million import million
from bench.rounds.pace import pace
from bench.rounds.presses import presses
from bench.rounds.rest import starts
from bench.rounds.retrieval import retrieval
from bench.run import POSTGRES, SQLITE, Amounts, Bench, Show
from bench.wire import ConnectionLost

_ROUND_SECONDS = 900
_FAILURES = (Stuck, TimeoutError, ConnectionLost, ExceptionGroup, OSError)


@dataclass(frozen=True)
class Round:
    """`figures` are those with goals that it must bring."""

    name: str
    figures: tuple[str, ...]
    run: Callable[[Bench], Awaitable[None]]
    aside: bool = False  # played only when it is asked for by its whole name


def _both(name: str, run: Callable[[Bench, str], Awaitable[None]], *figures: str) -> tuple[Round, ...]:
    """Once for each database. `{}` in a figure's name is the database's."""
    return tuple(_on(kind, name, run, *(figure.format(kind) for figure in figures)) for kind in (SQLITE, POSTGRES))


def _on(kind: str, name: str, run: Callable[[Bench, str], Awaitable[None]], *figures: str) -> Round:
    return Round(f"{name}-{kind}", figures, lambda bench: run(bench, kind))


_LOOPS = ("card_p95_ms", "ready_s", "idle_cpu_percent", "idle_rss_mb")
ROUNDS = (
    *_both("commits", commits),
    *_both("presses", presses, "press_ratio_{}", "press_p99_ms_{}"),
    _on(SQLITE, "loops", loops, "loops_per_s_sqlite", *_LOOPS),
    _on(POSTGRES, "loops", loops, "loops_per_s_postgres_2", *_LOOPS),
    *_both("starts", starts, "commit_to_start_p50_ms"),
    *_both("retrieval", retrieval, "retrieval_p95_ms"),
    Round("pace", ("slack_pace_share", "slack_429"), pace),
    _on(SQLITE, "million", million, "million_ratio_press", "million_ratio_loops"),
    Round("million-postgres", (), lambda bench: million(bench, POSTGRES), aside=True),  # five minutes to fill it
)


def chosen(names: Sequence[str]) -> tuple[Round, ...]:
    """The rounds of these names, on both databases unless named with one. Raises: ValueError for an unknown name."""
    known = {each.name for each in ROUNDS} | {each.name.partition("-")[0] for each in ROUNDS}
    if unknown := set(names) - known:
        raise ValueError(f"there is no round {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return tuple(each for each in ROUNDS if _is_asked_for(each, names))


def _is_asked_for(each: Round, names: Sequence[str]) -> bool:
    if each.aside:
        return each.name in names
    return not names or each.name in names or each.name.partition("-")[0] in names


async def run(
    amounts: Amounts, show: Show, rounds: Sequence[Round], *, claude: bool, past_file: Path | None
) -> tuple[Results, bool]:
    """The figures, and whether every round that could run did. Logs of a failed run are kept."""
    folder = Path(tempfile.mkdtemp(prefix="signoff-bench-"))
    async with postgres() as server:
        bench = Bench(amounts, show, folder, server, claude=claude, past_file=past_file)
        bench.results.facts |= _facts(bench)
        try:
            failed = [each for each in rounds if not await _played(bench, each)]
        finally:
            await asyncio.to_thread(bench.drop_all)
    results = bench.results
    results.without([figure for each in ROUNDS if each not in rounds for figure in each.figures], "not asked for")
    if bench.loops_checked:
        words = "loops in all, each found committed and delivered once"
        results.add("loops_checked", words, bench.loops_checked)
    results.facts["load average when it ended"] = f"{os.getloadavg()[0]:.1f}"
    if not failed:
        shutil.rmtree(folder)
    return results, not failed


async def _played(bench: Bench, each: Round) -> bool:
    """Whether it was played, or there was no database to play it on. What stops it is told in the results."""
    bench.show.say(f"[bold]{each.name}[/bold]")
    try:
        async with asyncio.timeout(_ROUND_SECONDS):
            await each.run(bench)
    except Unavailable as lacking:
        _without(bench, each, str(lacking))
    except _FAILURES as failure:
        _without(bench, each, f"failed: {_first(failure)!r}")
        return False
    return True


def _without(bench: Bench, each: Round, why: str) -> None:
    bench.show.say(f"[red]not measured[/red]: {why}")
    bench.results.without(each.figures, why)
    bench.results.facts[each.name] = f"not measured: {why}"


def _first(failure: BaseException) -> BaseException:
    """The failure itself where it ended several tasks."""
    return _first(failure.exceptions[0]) if isinstance(failure, ExceptionGroup) else failure


def _facts(bench: Bench) -> dict[str, str]:
    amounts, server = bench.amounts, bench.postgres
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "drafter": "Claude's SDK on a fake API that answers at once" if bench.claude else "offline",
        "amounts": f"{amounts.loops} loops, {amounts.rounds} x {amounts.presses} presses, "
        f"{amounts.rounds + 1} x {amounts.bare} to bare Bolt",
        "SQLite": "on disk, WAL, synchronous=FULL",
        "PostgreSQL": f"none: {server}" if isinstance(server, Unavailable) else server.durability(),
        "machine": f"{platform.machine()}, {processes.cores()} cores, Python {platform.python_version()}",
        "load average when it began": f"{os.getloadavg()[0]:.1f} (above 0.5 somebody else was working here)",
    }
