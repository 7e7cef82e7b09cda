"""What the machine itself can commit: the driver alone, one row a commit, at the durability the bot has."""

import asyncio

from bench.run import Bench


async def commits(bench: Bench, kind: str) -> None:
    store = bench.new_store(kind)
    bench.show.say("the machine's own commits")
    rate = await asyncio.to_thread(store.commits_per_second, bench.amounts.commits)
    words = f"one-row commits of this machine, {store.words}'s driver alone"
    bench.results.add(f"commits_per_s_{kind}", words, rate, "/s")
    store.drop()
