"""What Prometheus may read: counters of this process, and the state of the desk as the database has it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database, Tx, table_of
from storage.jobs import Depth
from storage.tables import PENDING, UNPOSTED, UNSENT, Delivery, DeliveryStatus, JobKind, Posting, Review

log = logging.getLogger(__name__)

W = TypeVar("W", bound=StrEnum)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PATIENCE_SECONDS: Final = 3  # less than a scraper's usual ten
_FRESH: Final = timedelta(seconds=5)  # several scrapers, one look at the database

drafts: Final = Counter("signoff_drafts", "Drafts asked for, by result: drafted, or why there was none.", ["result"])
refused: Final = Counter(
    "signoff_http_refused", "Requests answered 4xx or 5xx, by place and status.", ["place", "status"]
)

_REVIEW: Final = table_of(Review)
_DELIVERY: Final = table_of(Delivery)
_POSTING: Final = table_of(Posting)
# Each by an index of the few rows it counts: a look costs the same with a million replies behind the desk.
_PENDING: Final = select(func.count(), func.min(_REVIEW.c.first_at)).where(text(PENDING))
_DELIVERIES: Final = (
    select(_DELIVERY.c.status, func.count().label("replies")).where(text(UNSENT)).group_by(_DELIVERY.c.status)
)
_UNPOSTED: Final = select(func.count()).select_from(_POSTING).where(text(UNPOSTED))
_ON_THEIR_WAY: Final = (DeliveryStatus.HELD, DeliveryStatus.SENDING, DeliveryStatus.FAILED)


class Worker(Protocol):
    """What a job engine tells of its work in this process."""

    @property
    def done(self) -> Mapping[JobKind, int]: ...
    @property
    def retried(self) -> Mapping[JobKind, int]: ...
    @property
    def given_up(self) -> Mapping[JobKind, int]: ...

    async def depth(self) -> Depth: ...


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """The database at one moment."""

    at: datetime
    jobs: Depth
    pending: int
    oldest_pending: datetime | None
    deliveries: Mapping[DeliveryStatus, int]
    unposted: int


class Figures:
    """Everything `/metrics` says. The database is looked at once in five seconds at most."""

    def __init__(self, db: Database, jobs: Worker, clock: Callable[[], datetime]) -> None:
        self._db, self._jobs, self._clock = db, jobs, clock
        self._desk: _Desk | None = None

    async def text(self) -> bytes:
        """In Prometheus' text format. A database that is away leaves its figures out; the process' own remain."""
        desk = await self._seen()
        reachable = _gauge("signoff_database_up", "Whether the database answered.", float(desk is not None))
        registry = CollectorRegistry()
        troubles = _troubles(self._db.troubles)
        registry.register(_Drawn([reachable, troubles, *(_of_desk(desk) if desk else ()), *_of_worker(self._jobs)]))
        return generate_latest(REGISTRY) + generate_latest(registry)

    async def _seen(self) -> _Desk | None:
        now = self._clock()
        if self._desk is None or not timedelta(0) <= now - self._desk.at < _FRESH:
            self._desk = None
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    depth = await self._jobs.depth()
                    self._desk = await self._db.read(lambda tx: _look(tx, depth, now))
            except (SQLAlchemyError, OSError, TimeoutError):
                log.warning("metrics without the database", exc_info=True)
        return self._desk


def _look(tx: Tx, depth: Depth, now: datetime) -> _Desk:
    pending = tx.run(_PENDING)[0]
    return _Desk(
        at=now,
        jobs=depth,
        pending=pending[0],
        oldest_pending=pending[1],
        deliveries={row[0]: row[1] for row in tx.run(_DELIVERIES)},
        unposted=tx.run(_UNPOSTED)[0][0],
    )


class _Drawn(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def _of_desk(desk: _Desk) -> list[Metric]:
    return [
        _by_word("signoff_jobs_queued", "Jobs waiting or under way.", "kind", JobKind, desk.jobs.queued),
        _by_word("signoff_jobs_failed", "Jobs given up, until a person looks.", "kind", JobKind, desk.jobs.failed),
        _gauge(
            "signoff_jobs_overdue_seconds", "How late the most overdue job is.", _age(desk.jobs.oldest_due, desk.at)
        ),
        _gauge("signoff_reviews_pending", "Questions waiting for an agent.", desk.pending),
        _gauge(
            "signoff_reviews_oldest_seconds", "How long the oldest question waits.", _age(desk.oldest_pending, desk.at)
        ),
        _by_word("signoff_deliveries", "Replies not sent yet.", "status", _ON_THEIR_WAY, desk.deliveries),
        _gauge("signoff_cards_unposted", "Cards not known to be on their surface.", desk.unposted),
    ]


def _troubles(counts: Mapping[str, int]) -> Metric:
    words = (
        "Reads and writes that met trouble: repeated until they went well, told that the database is away, in doubt."
    )
    family = CounterMetricFamily("signoff_database_troubles", words, labels=["kind"])
    for kind, count in counts.items():
        family.add_metric([kind], count)
    return family


def _of_worker(jobs: Worker) -> list[Metric]:
    counted = (
        ("signoff_jobs_done", "Jobs done by this process.", jobs.done),
        ("signoff_jobs_retried", "Failed attempts that are repeated.", jobs.retried),
        ("signoff_jobs_given_up", "Jobs whose last attempt failed.", jobs.given_up),
    )
    metrics: list[Metric] = []
    for name, words, counts in counted:
        family = CounterMetricFamily(name, words, labels=["kind"])
        for kind in JobKind:
            family.add_metric([kind], counts.get(kind, 0))
        metrics.append(family)
    return metrics


def _by_word(name: str, words: str, label: str, kinds: Iterable[W], counts: Mapping[W, int]) -> Metric:
    """One series for every word, also at zero: an alert on a missing series never fires."""
    family = GaugeMetricFamily(name, words, labels=[label])
    for kind in kinds:
        family.add_metric([kind], counts.get(kind, 0))
    return family


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
