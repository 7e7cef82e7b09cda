"""Presses, as a share of what a bare Bolt app does on the same machine in the same minute."""

from bench import measures
from bench.desk import Loop
from bench.installation import Bots
from bench.measures import Rate, cpu_milliseconds, percentile, together
from bench.processes import bare_bolt
from bench.run import Bench
from bench.stages import Stage


async def presses(bench: Bench, kind: str) -> None:
    """Bare, presses, bare, presses, bare: in turns, so that a noisy neighbour hits both."""
    amounts = bench.amounts
    bare: list[Rate] = []
    pressed: list[Rate] = []
    async with bench.stage(bench.new_store(kind)) as stage:
        async with (
            stage.running(hold_seconds=amounts.hold_seconds) as bots,
            bare_bolt(stage.installation.folder, stage.desk.slack_secret) as (bare_process, port),
        ):
            rounds = await _cards(bench, stage, bots)
            desk = stage.desk

            async def bare_round(count: int) -> Rate:
                prepared = [desk.press_of(loop) for loop in rounds[0]]
                many = (prepared * (count // len(prepared) + 1))[:count]
                return await measures.requests([port], many, [bare_process.running])

            await bare_round(100)  # to warm up
            bench.show.say("bare Bolt, acknowledging only")
            bare.append(await bare_round(amounts.bare))
            for loops in rounds:
                bench.show.say(f"{len(loops)} presses of Approve, 16 connections")
                prepared = [desk.press_of(loop) for loop in loops]
                pressed.append(await measures.requests(bots.ports, prepared, stage.all_of(bots)))
                bench.show.say("their replies go out when the hold ends")
                await stage.delivered(desk.replies + len(loops))
                bench.show.say("bare Bolt, acknowledging only")
                bare.append(await bare_round(amounts.bare))
        bench.check(stage)
    _add(bench, kind, bare, pressed)


async def _cards(bench: Bench, stage: Stage, bots: Bots) -> list[list[Loop]]:
    """The cards of every round, up before the first press, and the bot warm."""
    amounts, desk = bench.amounts, stage.desk
    bench.show.say(f"{amounts.rounds * amounts.presses} cards for the presses")
    warm = await measures.cards(desk, amounts.warm)
    await measures.requests(bots.ports, [desk.press_of(loop) for loop in warm], bots.running)
    rounds = [await measures.cards(desk, amounts.presses) for _ in range(amounts.rounds)]
    await stage.delivered(amounts.warm)
    return rounds


def _add(bench: Bench, kind: str, bare: list[Rate], pressed: list[Rate]) -> None:
    results = bench.results
    took = [each for rate in pressed for each in rate.milliseconds]
    results.reach(f"press_ratio_{kind}", together(pressed) / together(bare))
    results.reach(f"press_p99_ms_{kind}", percentile(took, 0.99))
    results.add(
        f"press_per_s_{kind}", f"press -> decision committed -> 200, 16 connections, {kind}", together(pressed), "/s"
    )
    results.add(f"press_p50_ms_{kind}", f"… p50, {kind}", percentile(took, 0.5), "ms")
    results.add(f"bare_bolt_per_s_{kind}", f"bare Bolt around the presses, {kind}", together(bare), "/s")
    bare_cpu, press_cpu = cpu_milliseconds(bare, "bare"), cpu_milliseconds(pressed)
    results.add(f"bare_bolt_cpu_ms_{kind}", f"CPU of a request to bare Bolt, {kind}", bare_cpu, "ms")
    results.add(f"press_cpu_ms_{kind}", f"CPU of the bot while presses came, per press, {kind}", press_cpu, "ms")
    results.add(f"press_cpu_ratio_{kind}", f"… bare Bolt's as a share of it, {kind}", bare_cpu / press_cpu, "x")
    both = [figure.value for name, figure in results.figures.items() if name.startswith("bare_bolt_per_s_")]
    results.add(
        "bare_bolt_per_s", "a bare Bolt app that only acknowledges, 16 connections", sum(both) / len(both), "/s"
    )
    bench.note_cores(f"presses, {kind}", pressed[-1].shares)
    bench.note_cores(f"bare Bolt beside {kind}", bare[-1].shares)
