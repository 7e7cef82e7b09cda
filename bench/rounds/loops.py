"""Whole loops: a customer writes, a card appears, somebody presses Approve, the customer has the reply."""

from bench import measures
from bench.measures import Latencies, Rate, cpu_milliseconds, percentile
from bench.rounds.rest import at_rest
from bench.run import POSTGRES, SQLITE, Bench

_REPLICAS = {SQLITE: 1, POSTGRES: 2}


async def loops(bench: Bench, kind: str) -> None:
    """As many as it can, then at a fixed rate, then presses with nothing held, on all replicas; then rest."""
    amounts = bench.amounts
    async with bench.stage(bench.new_store(kind)) as stage:
        async with stage.running(hold_seconds=0, replicas=_REPLICAS[kind]) as bots:
            desk, everyone = stage.desk, stage.all_of(bots)
            bench.show.say("warm-up")
            await measures.whole_loops(desk, amounts.warm, bots.running)
            bench.show.say(f"{amounts.loops} whole loops, 32 under way")
            many = await measures.whole_loops(desk, amounts.loops, everyone)
            bench.show.say(f"{amounts.rate:g} loops a second for {amounts.rate_seconds:g} s")
            steady = await measures.at_rate(desk, everyone, per_second=amounts.rate, seconds=amounts.rate_seconds)
            bench.show.say("presses with nothing held: replies go out at once")
            waiting = await measures.cards(desk, amounts.presses // 2)
            prepared = [desk.press_of(loop) for loop in waiting]
            rushed = await measures.requests(bots.ports, prepared, everyone)
            await stage.delivered(len(desk.loops))
            resident = max(bot.resident_mb() for bot in bots.running)
        bench.check(stage)
        _add(bench, kind, many, steady)
        await at_rest(bench, stage, kind)
    words = f"presses with nothing held, {kind}"
    bench.results.add(f"press_per_s_{kind}_hold_0", words, rushed.per_second, "/s")
    bench.results.add(f"rss_after_mb_{kind}", f"resident after all of this, {kind}", resident, "MB")


def _add(bench: Bench, kind: str, many: Rate, steady: Latencies) -> None:
    results = bench.results
    results.reach("loops_per_s_sqlite" if kind == SQLITE else "loops_per_s_postgres_2", many.per_second)
    results.add(f"loop_cpu_ms_{kind}", f"CPU of the bot for a whole loop, {kind}", cpu_milliseconds([many]), "ms")
    if kind == POSTGRES:
        server = cpu_milliseconds([many], "postgres")
        results.add("loop_cpu_ms_postgres_server", "… and of the PostgreSQL server", server, "ms")
    results.add(f"loop_p95_ms_{kind}", f"a whole loop among 32, p95, {kind}", percentile(many.milliseconds, 0.95), "ms")
    results.either("card_p95_ms", kind, percentile(steady.to_card, 0.95))
    for share in (50, 99):
        words = f"message in to card at 20 loops/s, p{share}, {kind}"
        results.add(f"card_p{share}_ms_{kind}", words, percentile(steady.to_card, share / 100), "ms")
    for share in (50, 95):
        words = f"press to customer at 20 loops/s, p{share}, {kind}"
        results.add(f"customer_p{share}_ms_{kind}", words, percentile(steady.to_customer, share / 100), "ms")
    words = f"the load's share of all CPU during loops, {kind}"
    results.add(f"load_cpu_percent_{kind}", words, many.shares.load_percent, "%")
    bench.note_cores(f"loops, {kind}", many.shares)
    bench.note_cores(f"at 20 loops/s, {kind}", steady.shares)
