"""The benchmark itself: it runs, checks every loop, and writes what later runs are compared with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROMISED = {
    "bare_bolt_per_s",
    "press_ratio_sqlite",
    "press_p99_ms_sqlite",
    "loops_per_s_sqlite",
    "card_p95_ms",
    "idle_cpu_percent",
    "idle_rss_mb",
    "commit_to_start_p50_ms",
    "ready_s",
}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the benchmark reads CPU and memory from /proc")
def test_a_quick_run_commits_every_loop_and_writes_its_figures(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]

    ran = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--into", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    figures = json.loads((tmp_path / "latest.json").read_text())
    assert figures.keys() >= PROMISED
    assert all(figures[name] >= 0 for name in PROMISED)
    assert figures["loops_checked"] > 0
    assert "press_ratio_sqlite" not in (tmp_path / "latest.md").read_text()  # words for people there
