"""One connection a replica: says that it lives, and frees the jobs of replicas that fell silent."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import URL

from storage.database.lines import connected
from storage.jobs.procrastinate import statements

log = logging.getLogger(__name__)

_AWAY_SECONDS: Final = 1  # between two attempts to reach a database that is away
_MARGIN: Final = 0.1  # of the silence that others allow us, kept for the effect itself


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """How often a replica says that it is alive, and after how long a silence its jobs are others'."""

    beat: timedelta = timedelta(seconds=3)
    stall: timedelta = timedelta(seconds=10)


class Pulse:
    """Runs on the event loop, on purpose: a replica whose loop is blocked hangs, and its jobs belong to others.

    `worker` is procrastinate's id of this replica while it is alive; None: not yet, or no more.
    """

    def __init__(self, url: URL, rhythm: Rhythm, *, look: Callable[[], None]) -> None:
        """`look`: jobs may be due that nobody tells of."""
        self._url = url
        self._rhythm, self._look = rhythm, look
        self._beaten = float("-inf")  # when the last beat that the database confirmed was sent
        self._since = float("-inf")  # whoever is silent since then may be rescued
        self._away = False
        self.worker: int | None = None

    def alive(self, worker: int | None) -> bool:
        """Whether nobody can have taken this worker for dead by now."""
        silent = time.monotonic() - self._beaten
        allowed = self._rhythm.stall.total_seconds() * (1 - _MARGIN)
        return worker is not None and worker == self.worker and silent < allowed

    async def run(self) -> None:
        """Until cancelled; a connection that is lost is made anew."""
        while True:
            try:
                async with asyncio.timeout(self._patience):
                    connection = await connected(self._url, name="signoff jobs", **_SHORT)
                async with connection:
                    await self._serve(connection)
            except (psycopg.Error, OSError, TimeoutError):
                log.error("job engine without its connection", exc_info=not self._away)
                self._away = True
                self._since = time.monotonic() + self._rhythm.stall.total_seconds()  # the others lost theirs, too
            await asyncio.sleep(_AWAY_SECONDS)

    def stop(self) -> None:
        """Nothing that is under way is ours any more."""
        self.worker = None

    @property
    def _patience(self) -> float:
        return max(self._rhythm.stall.total_seconds() / 2, 1)

    async def _serve(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        while True:
            async with asyncio.timeout(self._patience):
                await self._beat(connection)
                await self._rescue(connection)
            if self._away:
                self._away = False
                self._look()
            await asyncio.sleep(self._rhythm.beat.total_seconds())

    async def _beat(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        """Say that we live; under a new id, if there was none or the others gave the old one up."""
        sent = time.monotonic()
        if self.worker is not None:
            answer = await (await connection.execute(statements.BEAT, {"worker": self.worker})).fetchone()
            if answer is not None:
                self._beaten = sent
                return
            log.error("taken for dead: what was under way here is done by others", extra={"worker": self.worker})
        answer = await (await connection.execute(statements.REGISTER)).fetchone()
        assert answer is not None, "a worker that registers gets an id"
        self.worker, self._beaten = answer[0], sent
        self._look()

    async def _rescue(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        if time.monotonic() < self._since:
            return
        silence = {"seconds": self._rhythm.stall.total_seconds()}
        async with connection.transaction():  # or one of them could beat in between, and not know
            await connection.execute(statements.PRUNE, silence)
            rescued = len(await (await connection.execute(statements.RESCUE)).fetchall())
        if rescued:
            log.warning("jobs of a silent replica are queued again", extra={"jobs": rescued})
            self._look()


# A network that swallows everything is noticed by the kernel, not after its two hours.
_SHORT: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
