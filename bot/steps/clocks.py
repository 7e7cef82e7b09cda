"""Everything that happens by the clock, in one place."""

from datetime import timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import delete

from bot.steps.roster import Roster
from bot.steps.workshop import Workshop
from storage.database import table_of
from storage.tables import Seen

SEEN_FOR: Final = timedelta(days=2)  # surfaces repeat a delivery for 24 hours at most


def clocks(shop: Workshop, roster: Roster) -> AsyncIOScheduler:
    """Not started yet. A tick that comes late still comes, once."""
    scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None})
    scheduler.add_job(roster.read_all, "interval", seconds=shop.policy.slack.roster_seconds, id="roster")
    scheduler.add_job(forget_seen, "interval", hours=1, args=[shop], id="forget deliveries seen long ago")
    return scheduler


async def forget_seen(shop: Workshop) -> None:
    """Deliveries that cannot be repeated any more need not be recognised."""
    seen = table_of(Seen)
    before = shop.clock() - SEEN_FOR
    await shop.db.write(lambda tx: tx.run(delete(seen).where(seen.c.at < before)))
