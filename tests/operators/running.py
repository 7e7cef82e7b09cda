"""A Python module run as a process of its own, that listens somewhere and says so in its log."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.operators.conftest import ROOT
from tests.patience import PATIENCE_SECONDS


class Process:
    """The server in a process of its own, with what it printed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: list[str] = []
        self._new = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._new:
                self.said.append(line.strip())
                self._new.notify_all()

    def heard(self, words: str) -> str:
        """The first line with these words, awaited."""
        with self._new:
            found = self._new.wait_for(lambda: [each for each in self.said if words in each], PATIENCE_SECONDS)
        assert found, self.said
        return found[0]

    def ended(self) -> int:
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return code

    def address(self) -> str:
        """Where it listens, once it does."""
        port = re.search(r'"port": (\d+)', self.heard('"listening"'))
        assert port
        return f"http://127.0.0.1:{port[1]}"


@contextmanager
def running(module: str, *arguments: str, folder: Path = ROOT, **environment: str) -> Iterator[Process]:
    """Run `python -m module` with this environment beside the test's own; killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        process = Process(child)
        try:
            yield process
        finally:
            child.kill()
            process.ended()
