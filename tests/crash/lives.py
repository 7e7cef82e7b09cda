"""The running bot as processes that are killed and started again, one or several at a time."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 180  # a busy machine imports for a minute


@dataclass
class Life:
    """One process, from its fork to its end."""

    pid: int
    port: int
    nursery: "Nursery"
    hung: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status: int | None = None  # its exit code, negative for a signal; None: it lives

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ready(self) -> bool:
        """Wait until it answers. False: it ended or hung before. Raises AssertionError with its last words."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), aiohttp.ClientSession() as http:
                while not await self._answers(http):  # another process tells by answering alone
                    if self.ended.is_set() or self.hung.is_set():
                        return False
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the bot did not start: {self.nursery.log[-2000:]}") from None
        return True

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(f"{self.url}/healthz", timeout=aiohttp.ClientTimeout(total=1)) as answer:
                return answer.status == 200
        return False

    def tell(self, sign: signal.Signals) -> None:
        """SIGKILL, SIGTERM as an operator does, SIGSTOP, SIGCONT. Not to a process that ended: its id may be reused."""
        if not self.ended.is_set():
            with suppress(ProcessLookupError):  # it ended in this very moment
                os.kill(self.pid, sign)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.tell(signal.SIGKILL)
        await asyncio.wait_for(self.ended.wait(), _PATIENCE_SECONDS)

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.tell(signal.SIGTERM)
        await asyncio.wait_for(self.ended.wait(), _PATIENCE_SECONDS)
        assert self.status is not None
        return self.status


class Nursery:
    """`async with Nursery(folder, environment)`: lives are `signoff run` in that folder; see tests.crash.bot."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**_plain_environment(), **environment}
        self._lives: dict[int, Life] = {}
        self._births: asyncio.Queue[int] = asyncio.Queue()
        self.begun = 0

    @property
    def log(self) -> str:
        return (self._folder / "log.jsonl").read_text(encoding="utf-8", errors="replace")

    async def begin(self, port: int, *end: str) -> Life:
        """A new life; `end` is `--die-at POINT:N` or `--hang-at POINT:N`. One at a time."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join([str(port), *end]).encode() + b"\n")
        await self._process.stdin.drain()
        pid = await asyncio.wait_for(self._births.get(), _PATIENCE_SECONDS)
        self._lives[pid].port = port
        self.begun += 1
        return self._lives[pid]

    async def __aenter__(self) -> Self:
        self._out = (self._folder / "log.jsonl").open("ab")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.crash.bot",
            "nursery",
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._out,
        )
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        for life in [life for life in self._lives.values() if not life.ended.is_set()]:
            await life.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), _PATIENCE_SECONDS)
        await self._listening
        self._out.close()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := (await self._process.stdout.readline()).decode(errors="replace").split():
            pid = int(line[1])
            if line[0] == "born":
                self._lives[pid] = Life(pid, 0, self)
                self._births.put_nowait(pid)
            elif line[0] == "hung":
                self._lives[pid].hung.set()
            else:
                self._lives[pid].status = int(line[2])
                self._lives[pid].ended.set()


def _plain_environment() -> dict[str, str]:
    """What Python itself needs: none of this machine's settings may reach the bot."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
