"""What the benchmark says of its figures: against which goal, which of two counts, and why one is not there."""

import json
from pathlib import Path

import pytest

from bench.goals import GOALS
from bench.results import Results
from bench.rounds.pace import permitted_seconds


@pytest.mark.parametrize(
    ("name", "value", "reached", "share"),
    [
        ("press_ratio_sqlite", 0.35, True, 1.0),
        ("press_ratio_sqlite", 0.07, False, 0.2),
        ("press_p99_ms_sqlite", 75.0, True, 2.0),
        ("press_p99_ms_sqlite", 300.0, False, 0.5),
        ("idle_cpu_percent", 1.0, False, 1.0),
        ("slack_429", 0.0, True, 1.0),
        ("slack_429", 2.0, False, 0.0),
    ],
)
def test_a_figure_is_held_against_its_goal(name: str, value: float, reached: bool, share: float) -> None:
    assert GOALS[name].reached(value) is reached
    assert GOALS[name].share(value) == pytest.approx(share)


def test_of_two_databases_the_worse_counts_and_both_are_told() -> None:
    results = Results()

    results.either("ready_s", "sqlite", 1.5)
    results.either("ready_s", "postgres", 2.5)
    results.either("card_p95_ms", "sqlite", 90)
    results.either("card_p95_ms", "postgres", 40)

    assert (results["ready_s"], results["ready_s_sqlite"], results["ready_s_postgres"]) == (2.5, 1.5, 2.5)
    assert results["card_p95_ms"] == 90


def test_every_promised_name_is_in_the_file_and_what_is_missing_says_why(tmp_path: Path) -> None:
    results = Results()
    results.reach("press_ratio_sqlite", 0.2)
    results.without(["press_ratio_sqlite", "ready_s"], "the bot did not start")

    results.write(tmp_path)

    flat = json.loads((tmp_path / "latest.json").read_text())
    assert flat.keys() >= GOALS.keys()
    assert not [name for name, value in flat.items() if isinstance(value, dict | list)], "it is not flat"
    assert flat["press_ratio_sqlite"] == 0.2
    assert flat["ready_s"] is None
    assert flat["ready_s not measured"] == "the bot did not start"
    told = (tmp_path / "latest.md").read_text()
    assert "| presses, of a bare Bolt app's requests, SQLite | 0.20 x | >= 0.35 | no |" in told
    assert "![Bar chart: 0 of 1 figures reach their goal. Not reached: presses, of a bare Bolt app" in told
    assert "start to ready on an existing database: the bot did not start" in told


def test_slack_permits_a_post_a_second_in_each_of_ten_channels_and_300_a_minute_in_all() -> None:
    assert permitted_seconds(10) == pytest.approx(0, abs=0.02)
    assert permitted_seconds(200) == pytest.approx(19, abs=0.02)
    assert permitted_seconds(600) == pytest.approx(60, abs=0.5)
