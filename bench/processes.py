"""The processes that are measured: started alone, watched through /proc, ended by their own id."""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import wire
from bench.desk import Stuck

ROOT = Path(__file__).parents[1]
START_SECONDS = 180.0  # a migration of a large database included
_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 45.0
_ASK_EVERY_SECONDS = 0.02


@dataclass(frozen=True)
class Running:
    """A process of ours."""

    name: str
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@dataclass(frozen=True)
class Family(Running):
    """A process with its children, those that ended included."""

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        own = sum(int(field) for field in fields[11:15]) / _TICKS
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return own + sum(_cpu_seconds_if_there(int(child)) for child in children)


def _cpu_seconds_if_there(pid: int) -> float:
    try:
        return Running("child", pid).cpu_seconds()
    except OSError:  # it has just ended
        return 0.0


def own_cpu_seconds() -> float:
    """What the load itself has taken."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@asynccontextmanager
async def process(name: str, *command: str, environment: Mapping[str, str], log: Path) -> AsyncIterator["Process"]:
    """A Python program; its standard error goes to `log`. Ended by SIGTERM when left, by SIGKILL if it will not."""
    inherited = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR")}
    with log.open("ab") as errors:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=log.parent,
            env={**inherited, "PYTHONPATH": str(ROOT), **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Process(Running(name, child.pid), child, log)
    finally:
        if child.returncode is None:
            child.terminate()
            try:
                await asyncio.wait_for(child.wait(), _STOP_SECONDS)
            except TimeoutError:
                child.kill()
                await child.wait()


@dataclass(frozen=True)
class Process:
    running: Running
    child: asyncio.subprocess.Process
    log: Path

    async def line(self, *, within_seconds: float = START_SECONDS) -> str:
        """Its next line of output."""
        assert self.child.stdout is not None
        async with asyncio.timeout(within_seconds):
            told = await self.child.stdout.readline()
        if not told:
            raise Stuck(f"{self.running.name} ended: see {self.log}")
        return told.decode().strip()

    async def ready(self, port: int) -> float:
        """Wait until /readyz says 200; returns when, on the monotonic clock."""
        async with asyncio.timeout(START_SECONDS):
            while self.child.returncode is None:
                if await _says_ready(port):
                    return time.perf_counter()
                await asyncio.sleep(_ASK_EVERY_SECONDS)
        raise Stuck(f"{self.running.name} ended with {self.child.returncode}: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip()[:300] if lines else f"see {self.log}"


async def _says_ready(port: int) -> bool:
    try:
        status, _ = await wire.read(port, "/readyz")
    except (OSError, wire.ConnectionLost):
        return False
    return status == 200


@dataclass(frozen=True)
class Slack:
    """The local workspace, running."""

    running: Running
    url: str
    environment: dict[str, str]  # for the bot


@asynccontextmanager
async def slack(folder: Path, events_url: str, *, limited: bool) -> AsyncIterator[Slack]:
    """With Slack's limits and ten more channels, or without any. What it would tell the bot goes to `events_url`."""
    program = ("bench.slack",) if limited else ("bot.sandbox", "--no-limits", "--bot-url")
    async with process("sandbox", "-m", *program, events_url, environment={}, log=folder / "sandbox.log") as started:
        told: dict[str, Any] = json.loads(await started.line())
        environment = {name: value for name, value in told["environment"].items() if name != "SLACK_APP_TOKEN"}
        yield Slack(started.running, told["url"], environment)


@asynccontextmanager
async def bare_bolt(folder: Path, signing_secret: str) -> AsyncIterator[tuple[Process, int]]:
    environment = {"SLACK_SIGNING_SECRET": signing_secret}
    async with process("bare", "-m", "bench.bare", environment=environment, log=folder / "bare.log") as started:
        yield started, int(await started.line())


@asynccontextmanager
async def fake_claude(folder: Path) -> AsyncIterator[tuple[Process, str]]:
    """The tests' stand-in for Claude's API, answering at once."""
    async with process("claude", "-m", "tests.fakes.claude", environment={}, log=folder / "claude.log") as started:
        yield started, str(json.loads(await started.line())["url"])


def cores() -> int:
    return len(os.sched_getaffinity(0))
