"""The running bot as a process that is killed and started again.

A life is `python -m bot run`. Importing everything takes seconds, so one interpreter does it ahead and forks a process
for each life; what is killed is that process, with everything in it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 60

# One line in: begin a life. Out: its process id; and, once it has ended, its id and status.
_NURSERY = """
import os, sys
sys.argv = ["signoff", "run"]
from bot.__main__ import main
import bot.app, uvloop, httptools
for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        os.close(0)
        os.dup2(2, 1)
        main()
    print("born", child, flush=True)
    _, status = os.waitpid(child, 0)
    print("ended", child, os.waitstatus_to_exitcode(status), flush=True)
"""


class Lives:
    """`async with Lives(folder, environment, port)`: one life at a time, in that folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str], port: int) -> None:
        self._folder, self._port = folder, port
        self._environment = {**_plain_environment(), **environment, "SIGNOFF_PORT": str(port)}
        self._pid: int | None = None
        self.exits: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        return (self._folder / "log.jsonl").read_text(encoding="utf-8", errors="replace")

    async def __aenter__(self) -> Self:
        self._out = (self._folder / "log.jsonl").open("ab")
        self._nursery = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _NURSERY,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._out,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pid is not None:
            await self.kill()
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        await asyncio.wait_for(self._nursery.wait(), _PATIENCE_SECONDS)
        self._out.close()

    async def begin(self) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(b"begin\n")
        await self._nursery.stdin.drain()
        self._pid = int((await self._told("born"))[0])

    async def ready(self) -> None:
        """Wait until it answers. Raises AssertionError, with its last words, if it does not."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), aiohttp.ClientSession() as http:
                while not await self._answers(http):  # noqa: ASYNC110 - another process tells by answering alone
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the bot did not start: {self.log[-2000:]}") from None

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        with suppress(aiohttp.ClientError):
            async with http.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        return False

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, as an operator does."""
        await self._end(signal.SIGTERM)

    async def _end(self, sign: signal.Signals) -> None:
        assert self._pid is not None
        os.kill(self._pid, sign)
        _, status = await self._told("ended")
        self._pid = None
        self.exits.append(int(status))

    async def _told(self, word: str) -> list[str]:
        """What follows this word, once the nursery says it."""
        assert self._nursery.stdout is not None
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while line := (await self._nursery.stdout.readline()).decode(errors="replace").split():
                if line[0] == word:
                    return line[1:]
        raise AssertionError(f"the nursery ended: {self.log[-2000:]}")


def _plain_environment() -> dict[str, str]:
    """What Python itself needs: none of this machine's settings may reach the bot."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
