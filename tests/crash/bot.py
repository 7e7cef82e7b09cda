"""The product's own command line, with a place to die at: the only thing that arms a failpoint.

`python -m tests.crash.bot --die-at relaying.taken:3 run` is `signoff run` until a reply was taken for the third time,
and is killed there (SIGKILL); `--hang-at` stops it there (SIGSTOP).

`python -m tests.crash.bot nursery` reads a line for each life, `<port> [--die-at …]`, and forks a process for it:
importing everything takes seconds, and is done once.
"""

import importlib
import itertools
import os
import select
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from storage.failpoints import Point, arm

_AHEAD = (  # what a life imports at once or soon
    "bot.__main__",
    "bot.app",
    "bot.drafting.claude",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)
_SIGNS = {"--die-at": signal.SIGKILL, "--hang-at": signal.SIGSTOP}


_alive: set[int] = set()  # lives of this nursery


@dataclass(frozen=True)
class End:
    """Of a life: the point, at the how-manieth time, and the signal it sends itself there."""

    point: Point
    nth: int
    sign: signal.Signals

    @classmethod
    def parse(cls, option: str, place: str) -> "End":
        """Raises ValueError for what the product does not declare."""
        name, _, nth = place.partition(":")
        if option not in _SIGNS or int(nth or 1) < 1:
            raise ValueError(f"{option} {place}: --die-at or --hang-at, then POINT or POINT:N")
        return cls(Point(name), int(nth or 1), _SIGNS[option])

    def arm(self) -> None:
        passed = itertools.count(1)  # counts rightly on several threads

        def stop(point: Point) -> None:
            if point is self.point and next(passed) == self.nth:
                os.kill(os.getpid(), self.sign)

        arm(stop)


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["nursery"]:
        _nurse()
        return
    if arguments and arguments[0].startswith("--"):
        try:
            End.parse(*arguments[:2]).arm()
        except (ValueError, TypeError) as refusal:
            sys.exit(f"{refusal}\nThe points: {', '.join(Point)}")
        arguments = arguments[2:]
    sys.argv = ["signoff", *arguments]
    from bot.__main__ import main as signoff  # noqa: PLC0415  # after the arming, as a life is

    signoff()


def _nurse() -> None:
    """Says `born PID`, `hung PID` and `ended PID STATUS`, a line each, until nothing more is to come."""
    for module in _AHEAD:
        importlib.import_module(module)

    hears, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    heard = b""
    while True:
        ready, _, _ = select.select([0, hears], [], [])
        if hears in ready:
            os.read(hears, 4096)
            _tell_of_ends()
        if 0 in ready:
            more = os.read(0, 4096)
            if not more:
                for child in _alive:  # whoever ran the test is gone: nobody else would end them
                    os.kill(child, signal.SIGKILL)
                return
            *lines, heard = (heard + more).split(b"\n")
            for line in lines:
                _give_birth(line.decode().split())


def _give_birth(line: Sequence[str]) -> None:
    child = os.fork()
    if child:
        _alive.add(child)
        _say("born", child)
        return
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # never just closed: a socket in its place breaks libuv
    os.dup2(2, 1)
    os.environ["SIGNOFF_PORT"] = line[0]
    main([*line[1:], "run"])


def _tell_of_ends() -> None:
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return
        if child == 0:
            return
        if os.WIFSTOPPED(status):
            _say("hung", child)
        else:
            _alive.discard(child)
            _say("ended", child, os.waitstatus_to_exitcode(status))


def _say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1:])
