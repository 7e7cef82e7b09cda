"""Retrieval as drafting and cards do it: the best passages of articles, and replies to similar questions."""

import asyncio
import json

from bench import processes
from bench.articles import add_articles
from bench.filling import fill, settle
from bench.measures import percentile
from bench.run import Bench
from storage import schema

_LONGEST_SECONDS = 300


async def retrieval(bench: Bench, kind: str) -> None:
    """As many past replies as articles. Both searches one after the other count as one retrieval."""
    amounts, show = bench.amounts, bench.show
    store, folder = bench.new_store(kind), bench.place()
    show.say(f"{amounts.articles:,} articles and as many past replies")
    await asyncio.to_thread(schema.upgrade, store.url)
    await asyncio.to_thread(fill, store, amounts.articles, show.progress)
    await asyncio.to_thread(add_articles, store, amounts.articles, show.progress)
    await asyncio.to_thread(settle, store)
    show.say(f"{amounts.searches} questions")
    command = ("-m", "bench.library", store.url, str(amounts.articles), str(amounts.searches))
    async with processes.process("library", *command, environment={}, log=folder / "library.log") as started:
        took: list[tuple[float, float]] = json.loads(await started.line(within_seconds=_LONGEST_SECONDS))
    store.drop()
    results = bench.results
    results.either("retrieval_p95_ms", kind, percentile([sum(each) for each in took], 0.95))
    results.add(f"retrieval_p50_ms_{kind}", f"… p50, {kind}", percentile([sum(each) for each in took], 0.5), "ms")
    for place, what in enumerate(("articles", "precedents")):
        words = f"… {what} alone, p95, {kind}"
        results.add(f"{what}_p95_ms_{kind}", words, percentile([each[place] for each in took], 0.95), "ms")
