"""Long work shows how far it is: to a person at a terminal, and to nobody else."""

import asyncio
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operators.conftest import ROOT
from tests.operators.rows import history
from tests.patience import PATIENCE_SECONDS


def at_a_terminal(folder: Path, url: str, *arguments: str) -> str:
    """What a person sees on standard error."""
    screen, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": url, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = b""
        while chunk := _read(screen):
            seen += chunk
        assert process.wait(PATIENCE_SECONDS) == 0, seen.decode()
    os.close(screen)
    return seen.decode()


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 4096)
    except OSError:  # how Linux says that the other end was closed
        return b""


@pytest.mark.parametrize(("command", "bar", "end"), [("import", "Articles", "5/5"), ("export", "Decisions", "7/7")])
def test_a_person_at_a_terminal_sees_how_far_it_is(
    desk: Path, sqlite_url: str, tmp_path: Path, command: str, bar: str, end: str
) -> None:
    asyncio.run(history(sqlite_url, 7))
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.md").write_text(f"# Article {number}\n\nTents number {number} ship today.\n")

    seen = at_a_terminal(desk, sqlite_url, *(["kb", "import", str(folder)] if command == "import" else ["export"]))

    assert bar in seen
    assert end in seen


def test_a_log_file_gets_no_bar(desk: Path, sqlite_url: str) -> None:
    asyncio.run(history(sqlite_url, 7))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": sqlite_url}

    done = subprocess.run(
        [sys.executable, "-m", "bot", "export"], cwd=desk, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stderr == "7 decisions.\n"
