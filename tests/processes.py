"""Python programs of a test's own, in a process that may be killed."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue

from tests.patience import PATIENCE_SECONDS


class Child:
    """A running program that says what it does, line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: Queue[str] = Queue()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def says(self, words: str) -> None:
        """Wait until it printed this line."""
        heard = []
        while True:
            try:
                heard.append(self._lines.get(timeout=PATIENCE_SECONDS))
            except Empty:
                raise AssertionError(f"never said {words!r}, only {heard}") from None
            if heard[-1] == words:
                return

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.send_signal(signal.SIGKILL)
        self.wait()

    def hang(self) -> None:
        """SIGSTOP: it neither runs nor ends, and its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def wait(self) -> int:
        code = self._process.wait(PATIENCE_SECONDS)
        self._listener.join(PATIENCE_SECONDS)
        return code

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))


@contextmanager
def started(program: str, *arguments: str) -> Iterator[Child]:
    """Run Python source; it is killed at the end if it still runs."""
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        child = Child(process)
        try:
            yield child
        finally:
            if process.poll() is None:
                child.kill()
