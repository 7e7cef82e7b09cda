"""Everything that happens by the clock, in one place. A tick is made once, however many replicas keep the time."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from bot.core.ticks import ACCOUNTED_MOST, Beat, CatchUp, Due, Every, due
from bot.steps.workshop import Workshop
from storage.database import Tx
from storage.failpoints import Point, reached
from storage.shared import ledger
from storage.tables import JobKind, TickStatus

log = logging.getLogger(__name__)

TICKS: Final = Counter("signoff_ticks", "Ticks of clocks this process accounted for, by how.", ["clock", "status"])
LATENESS: Final = Gauge(
    "signoff_tick_lateness_seconds", "How late the newest tick was that this process made.", ["clock"]
)
_LOOK: Final = 10.0  # seconds between two looks for what a clock that jumped, or a long stall, has made due
_HOUSEKEEPING: Final = "housekeeping"


@dataclass(frozen=True, kw_only=True)
class Timer:
    """Something due by the clock. `promise` writes a tick's jobs, in the transaction that makes the tick."""

    name: str  # in the ledger: for ever
    beat: Beat
    catch_up: CatchUp
    promise: Callable[[Tx, datetime], None]


def timers(shop: Workshop) -> tuple[Timer, ...]:
    def roster(tx: Tx, _: datetime) -> None:
        for surface in shop.surfaces:
            shop.jobs.cancel(tx, JobKind.ROSTER, surface)  # one that still waits reads the same
            shop.jobs.promise(tx, JobKind.ROSTER, surface, at=shop.clock())

    def forget(tx: Tx, _: datetime) -> None:
        shop.jobs.promise(tx, JobKind.FORGET, _HOUSEKEEPING, at=shop.clock())

    reading = Every(timedelta(seconds=shop.policy.slack.roster_seconds))
    return (
        Timer(name="roster", beat=reading, catch_up=CatchUp.NEWEST, promise=roster),
        Timer(name="forget", beat=Every(timedelta(hours=1)), catch_up=CatchUp.NEWEST, promise=forget),
    )


class Clocks:
    """The clocks of this process. Use `start` and `stop` once each."""

    def __init__(self, shop: Workshop, timers: Sequence[Timer], *, look_seconds: float = _LOOK) -> None:
        self._shop, self._timers, self._look_seconds = shop, timers, look_seconds
        self._looking: asyncio.Task[None] | None = None
        self._known: dict[str, datetime] = {}  # the newest tick that is known to be accounted for
        self._one_look = asyncio.Lock()
        self._scheduler: Any = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None}
        )
        for timer in timers:
            self._scheduler.add_job(self.look, _At(timer.beat), id=timer.name)
            for status in TickStatus:
                TICKS.labels(clock=timer.name, status=status)

    async def start(self) -> None:
        """Account for what was missed, then keep the time."""
        await self.look()
        self._scheduler.start()
        self._looking = asyncio.create_task(self._look_often(), name="clocks")

    async def _look_often(self) -> None:
        """By time that nobody sets: APScheduler waits by the machine's clock, for an hour if that is set back one."""
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                await self.look()
            except Exception:
                log.exception("clocks could not be kept: looked at again")

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def look(self) -> None:
        """Make what is due, and deal with what was missed as each clock says. Costs nothing when nothing is due.

        A database that is away is asked again at the next look.
        """
        async with self._one_look:
            now = self._shop.clock()
            waiting = [timer for timer in self._timers if self._known.get(timer.name) != next(timer.beat.until(now))]
            if not waiting:
                return
            try:
                noted = await self._shop.db.write(lambda tx: self._note(tx, waiting, now))
            except (SQLAlchemyError, OSError):
                log.warning("clocks wait for the database", exc_info=True)
                return
        reached(Point.TICKED)
        for timer, ticks in noted:
            self._known[timer.name] = next(timer.beat.until(now))
            self._tell(timer, ticks, now)

    def _note(self, tx: Tx, timers: Sequence[Timer], now: datetime) -> list[tuple[Timer, list[Due]]]:
        """What this process accounted for: of a tick that two replicas come to, one gets it."""
        ledger.disbelieve(tx, now=now)
        noted: list[tuple[Timer, list[Due]]] = []
        for timer in sorted(timers, key=lambda timer: timer.name):  # all replicas in one order: no deadlock
            since = ledger.newest(tx, timer.name, now=now)
            ours: list[Due] = []
            for tick in due(timer.beat, timer.catch_up, since=since, now=now):
                if ledger.note(tx, timer.name, tick.at, tick.status, now=now):
                    ours.append(tick)
                    if tick.made:
                        timer.promise(tx, tick.at)
            noted.append((timer, ours))
        return noted

    def _tell(self, timer: Timer, ticks: Sequence[Due], now: datetime) -> None:
        for tick in ticks:
            TICKS.labels(clock=timer.name, status=tick.status).inc()
            if tick.made:
                LATENESS.labels(clock=timer.name).set(max((now - tick.at).total_seconds(), 0.0))
        missed = [tick for tick in ticks if tick.status is not TickStatus.MADE]
        if len(ticks) > 1 or any(tick.status is TickStatus.CAUGHT_UP for tick in missed):
            caught_up = sum(tick.made for tick in missed)
            context = {"clock": timer.name, "caught_up": caught_up, "skipped": len(missed) - caught_up}
            log.warning("a clock was not kept", extra=context)
        if len(ticks) == ACCOUNTED_MOST:
            log.error("a clock was not kept for so long that older ticks leave no trace", extra={"clock": timer.name})


class _At(BaseTrigger):  # type: ignore[misc]  # apscheduler carries no types
    """A beat as APScheduler asks for it."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        return self._beat.after(now)
