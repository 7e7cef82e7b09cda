"""make bench, or python -m bench: see docs/performance.md."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from uvicorn.loops.auto import auto_loop_factory

from bench.course import QUICK, Amounts, Say, run
from bench.desk import Stuck
from bench.results import RESULTS, Results
from bench.wire import ConnectionLost

_LONGEST_SECONDS = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure presses and whole loops.")
    parser.add_argument("--quick", action="store_true", help="a few of everything: seconds, and figures worth little")
    parser.add_argument("--claude", action="store_true", help="draft with Claude's SDK on a fake API, not offline")
    parser.add_argument("--into", type=Path, default=RESULTS, help="folder of latest.json and latest.md")
    chosen = parser.parse_args()
    console = Console(soft_wrap=True)
    if not Path("/proc/self/stat").exists():
        console.print("The benchmark reads CPU and memory from /proc: it needs Linux.")
        return 2
    began = time.perf_counter()

    def say(words: str) -> None:
        console.print(f"[dim]{time.perf_counter() - began:5.1f} s[/dim]  {words}")

    try:
        results = _run(QUICK if chosen.quick else Amounts(), say, claude=chosen.claude)
    except (Stuck, TimeoutError, ConnectionLost, ExceptionGroup) as failure:
        console.print(f"[red]Not measured:[/red] {_first(failure)!r}. Logs are in the newest signoff-bench-*")
        console.print(f"of {tempfile.gettempdir()}.")
        return 1
    _show(console, results)
    for path in results.write(chosen.into):
        console.print(f"written: {os.path.relpath(path)}")
    return 0


def _run(amounts: Amounts, say: Say, *, claude: bool) -> Results:
    async def bounded() -> Results:
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await run(amounts, say, claude=claude)

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(bounded())


def _first(failure: Exception) -> Exception:
    """The failure itself where it ended several tasks."""
    return _first(failure.exceptions[0]) if isinstance(failure, ExceptionGroup) else failure


def _show(console: Console, results: Results) -> None:
    table = Table(box=None, header_style="bold")
    for title, justify in (("what", "left"), ("figure", "right"), ("goal", "right")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for figure in results.figures:
        table.add_row(figure.words, figure.shown, figure.goal)
    console.print(table)
    for name, words in results.facts.items():
        console.print(f"[dim]{name}: {words}[/dim]")


if __name__ == "__main__":
    sys.exit(main())
