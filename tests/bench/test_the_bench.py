"""The benchmark itself: it runs every round, checks every loop, and writes what later runs are compared with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROMISED = {
    "press_ratio_sqlite",
    "press_ratio_postgres",
    "press_p99_ms_sqlite",
    "press_p99_ms_postgres",
    "loops_per_s_sqlite",
    "loops_per_s_postgres_2",
    "card_p95_ms",
    "million_ratio_press",
    "million_ratio_loops",
    "retrieval_p95_ms",
    "idle_cpu_percent",
    "idle_rss_mb",
    "commit_to_start_p50_ms",
    "slack_pace_share",
    "slack_429",
    "ready_s",
    "commits_per_s_sqlite",
    "commits_per_s_postgres",
    "bare_bolt_per_s",
}
ROOT = Path(__file__).parents[2]
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="the benchmark reads CPU and memory from /proc"
)


def ran(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "--quick", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@needs_proc
def test_a_quick_run_plays_every_round_and_writes_every_figure(tmp_path: Path) -> None:
    told = ran("--into", str(tmp_path))

    assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-2000:]
    figures = json.loads((tmp_path / "latest.json").read_text())
    assert {name for name in PROMISED if not isinstance(figures.get(name), int | float)} == set()
    assert all(figures[name] >= 0 for name in PROMISED)
    assert figures["loops_checked"] > 0
    assert "fsync on, synchronous_commit on" in figures["PostgreSQL"]
    assert (tmp_path / "latest.png").stat().st_size > 10_000
    assert "press_ratio_sqlite" not in (tmp_path / "latest.md").read_text()  # words for people there


@needs_proc
def test_what_was_not_asked_for_is_told_and_not_left_out(tmp_path: Path) -> None:
    told = ran("--only", "commits-sqlite", "--into", str(tmp_path))

    assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-2000:]
    figures = json.loads((tmp_path / "latest.json").read_text())
    assert figures["commits_per_s_sqlite"] > 0
    assert figures["ready_s"] is None
    assert figures["ready_s not measured"] == "not asked for"
    assert "not asked for" in (tmp_path / "latest.md").read_text()


def test_a_round_that_there_is_not_is_refused_with_those_there_are() -> None:
    told = ran("--only", "speed")

    assert told.returncode == 2
    assert "there is no round speed; there are commits" in told.stderr
