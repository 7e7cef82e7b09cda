"""Fixtures every folder of tests may use."""

import logging
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.chromium import browser
from tests.databases import (
    database,
    database_url,
    empty_url,
    migrated_file,
    migrated_postgres,
    postgres,
    postgres_url,
    sqlite_url,
)

__all__ = [
    "browser",
    "database",
    "database_url",
    "empty_url",
    "migrated_file",
    "migrated_postgres",
    "postgres",
    "postgres_url",
    "sqlite_url",
]

# The same examples in every run; `--hypothesis-profile long` draws new ones, and many more.
settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # that is the machine's
)
settings.register_profile("long", max_examples=4000, deadline=None, print_blob=True)
settings.load_profile("steady")

OURS = [logging.getLogger(name) for name in ("bot", "adapters", "storage")]


@pytest.fixture(autouse=True)
def said_aloud() -> Iterator[None]:
    """What `signoff run` logs by default is logged in tests too: a line that cannot be written breaks its test."""
    before = [logger.level for logger in OURS]
    for logger in OURS:
        logger.setLevel(logging.INFO)
    yield
    for logger, level in zip(OURS, before, strict=True):
        logger.setLevel(level)


STARTED_AT = time.time()
CRASHES = Path(__file__).resolve().parents[1] / "artefacts" / "crash" / "counts.txt"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the crash test of this run counted: in its worker's output nobody would see it."""
    if CRASHES.exists() and CRASHES.stat().st_mtime >= STARTED_AT:
        terminalreporter.section("crash test")
        terminalreporter.write_line(CRASHES.read_text(encoding="utf-8"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half characters in what a test logged cannot be sent from a worker process to the one that reports."""
    report = yield
    report.sections[:] = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
