"""make bench, or python -m bench: see docs/performance.md."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from uvicorn.loops.auto import auto_loop_factory

from bench.course import Round, chosen, run
from bench.results import RESULTS, Results
from bench.run import QUICK, Amounts, Show


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Signoff against its goals.")
    parser.add_argument("--quick", action="store_true", help="a few of everything: figures worth little")
    parser.add_argument("--only", type=_rounds, default=chosen(()), help="rounds, as presses,loops-sqlite,million")
    parser.add_argument("--claude", action="store_true", help="draft with Claude's SDK on a fake API, not offline")
    parser.add_argument("--past", type=Path, help="keep the database of the million here, or take the one kept")
    parser.add_argument("--into", type=Path, default=RESULTS, help="folder of latest.json, latest.md and latest.png")
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    if not Path("/proc/self/stat").exists():
        console.print("The benchmark reads CPU and memory from /proc: it needs Linux.")
        return 2
    amounts = QUICK if options.quick else Amounts()
    with _progress(console) as progress, asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        results, whole = runner.run(
            run(
                amounts,
                _show(progress),
                options.only,
                claude=options.claude,
                past_file=options.past and options.past.absolute(),
            )
        )
    _tell(console, results)
    for path in results.write(options.into):
        console.print(f"written: {os.path.relpath(path)}")
    if not whole:
        console.print(
            f"[red]Some rounds failed.[/red] Logs are in the newest signoff-bench-* of {tempfile.gettempdir()}."
        )
    return 0 if whole else 1


def _rounds(names: str) -> tuple[Round, ...]:
    try:
        return chosen([name.strip() for name in names.split(",") if name.strip()])
    except ValueError as unknown:
        raise argparse.ArgumentTypeError(str(unknown)) from None


def _progress(console: Console) -> Progress:
    """A bar for what takes long; nothing where nobody watches."""
    columns = (TextColumn("         {task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show(progress: Progress) -> Show:
    began = time.perf_counter()
    bar = progress.add_task("", visible=False)

    def say(words: str) -> None:
        progress.update(bar, visible=False)
        progress.console.print(f"[dim]{time.perf_counter() - began:5.1f} s[/dim]  {words}")

    def advance(done: int, of: int) -> None:
        progress.update(bar, completed=done, total=of, visible=done < of)

    return Show(say, advance)


def _tell(console: Console, results: Results) -> None:
    table = Table(box=None, header_style="bold")
    for title, justify in (("what", "left"), ("figure", "right"), ("goal", "right"), ("reached", "left")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for row in results.rows():
        table.add_row(*row)
    console.print(table)
    for name, words in results.facts.items():
        console.print(f"[dim]{name}: {words}[/dim]")


if __name__ == "__main__":
    sys.exit(main())
