"""How long after a commit a job begins: the job engine of the database, alone in a process of its own.

Run as a process: `python -m bench.jobs URL COUNT`, on a migrated database. Prints the milliseconds as JSON.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime

from uvicorn.loops.auto import auto_loop_factory

from storage.database import Database, Tx
from storage.jobs import Claimed, Work
from storage.jobs.procrastinate.engine import ProcrastinateJobs
from storage.jobs.table import TableJobs
from storage.shared.wakes import wakes
from storage.tables import JobKind

_PAUSE_SECONDS = 0.01  # between jobs: each is promised to a worker at rest


async def measure(url: str, count: int) -> list[float]:
    """Milliseconds from a promise being durable to its handler running, for jobs promised one at a time."""
    began: dict[str, float] = {}
    started = asyncio.Event()

    async def handle(job: Claimed) -> None:
        began[job.subject] = time.perf_counter()
        started.set()

    took = []
    async with Database(url) as db:
        jobs = TableJobs(db, _now) if db.sqlite else ProcrastinateJobs(db, _now, wakes=wakes(db))
        worker = asyncio.create_task(jobs.work({JobKind.SHOW: Work(handle=handle)}))
        for number in range(count):
            durable: list[float] = []
            subject = f"pst_{number}"

            def promise(tx: Tx, subject: str = subject, durable: list[float] = durable) -> None:
                tx.after_commit(lambda: durable.append(time.perf_counter()))
                jobs.promise(tx, JobKind.SHOW, subject, at=_now())

            started.clear()
            await db.write(promise)
            async with asyncio.timeout(10):
                await started.wait()
            took.append(1000 * (began[subject] - durable[0]))
            await asyncio.sleep(_PAUSE_SECONDS)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    return took


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    address = sys.argv[1]
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        print(json.dumps(runner.run(measure(address, int(sys.argv[2])))))
