"""The database: there, at the right schema, with articles to draft from, and with no job given up."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import TIMESTAMP, Column, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from bot.commands.checks import Finding, fine, wrong
from storage import schema
from storage.database import Database, Tx, table_of
from storage.database.connections import address, sqlite_path
from storage.jobs.engine import engine
from storage.shared.wakes import wakes
from storage.tables import Article, Delivery, DeliveryStatus, JobKind

_ARTICLE, _DELIVERY = table_of(Article), table_of(Delivery)
_ARTICLES = select(func.count()).where(_ARTICLE.c.current)
_FAILED_DELIVERIES = select(func.count()).where(_DELIVERY.c.status == DeliveryStatus.FAILED)
_SERVERS_TIME = text("select clock_timestamp()").columns(Column("at", TIMESTAMP(timezone=True)))
_CURES = {
    JobKind.DRAFT: "See the log for the cause, mend it, and restart: they begin anew",
    JobKind.SHOW: "Mend what [slack] names and restart: they begin anew. Until then, /signoff queue lists them",
    JobKind.RELEASE: "See the log for the cause, mend it, and restart: they begin anew",
    JobKind.RELAY: "Mend the channel, then press Retry on the red cards",
    JobKind.ROSTER: "Look for `roster` in the log: who may press is not read any more until this is mended",
    JobKind.FORGET: "Look for `forget` in the log: the database grows until this is mended",
}


_APART_SECONDS = 2.0  # more than time servers leave machines apart


async def check_store(url: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[Finding]:
    path = sqlite_path(address(url))
    if path is not None and not path.exists():
        return [wrong("database", f"there is no {path} yet", fix="Run `signoff migrate`.")]
    try:
        async with Database(url) as db:
            version = schema.current(db.engine)
            kind = "SQLite" if db.sqlite else "PostgreSQL"
            if not schema.at_head(db.engine):
                what = f"{kind} at {version or 'no schema'}, not {schema.head()}"
                return [wrong("database", what, fix="Run `signoff migrate`.")]
            depth = await engine(db, clock, wakes(db)).depth()
            findings = [fine("database", f"{kind} at {version}"), *await db.read(partial(_contents, depth.failed))]
            return findings if db.sqlite else [*findings, await _compared(db, clock)]
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        what = f"cannot be used: {str(cause).strip().splitlines()[0]}"
        return [wrong("database", what, fix="See that it runs, and that DATABASE_URL names it and may open it.")]


async def _compared(db: Database, clock: Callable[[], datetime]) -> Finding:
    """Replicas each go by their own machine's clock: what one holds until a time, another one releases."""
    before = clock()
    theirs: datetime = (await db.read(lambda tx: tx.run(_SERVERS_TIME)))[0][0]
    after = clock()
    if before - timedelta(seconds=_APART_SECONDS) <= theirs <= after + timedelta(seconds=_APART_SECONDS):
        return fine("clock", "agrees with PostgreSQL's")
    behind = (theirs - before).total_seconds()
    what = f"{abs(behind):.0f} s {'behind' if behind > 0 else 'ahead of'} PostgreSQL's"
    return wrong("clock", what, fix="Keep every machine's by a time server, or replies are sent early or late.")


def _contents(failed: Mapping[JobKind, int], tx: Tx) -> list[Finding]:
    articles = tx.run(_ARTICLES)[0][0]
    undelivered = tx.run(_FAILED_DELIVERIES)[0][0]
    findings = [
        fine("knowledge base", f"{articles} articles")
        if articles
        else wrong("knowledge base", "is empty: drafts have nothing to rest on", fix="Run `signoff kb import DIR`.")
    ]
    findings += [
        wrong(f"{kind} jobs", f"{count} given up", fix=f"{_CURES[kind]}.") for kind, count in sorted(failed.items())
    ]
    if undelivered:
        findings.append(wrong("replies", f"{undelivered} not delivered", fix="Press Retry on the red cards."))
    return findings if failed or undelivered else [*findings, fine("jobs", "none given up")]
