"""A burst of messages against Slack's own limits: how near its pace the cards come, and how many it refuses."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bench import wire
from bench.desk import Stuck
from bench.run import SQLITE, Bench
from bench.said import question
from bench.slack import CHANNELS
from bench.stages import Stage
from bot.sandbox.limits import Limits

_POST = "chat.postMessage"
_STEP_SECONDS = 0.01


async def pace(bench: Bench) -> None:
    count = bench.amounts.cards
    permitted = permitted_seconds(count)
    async with bench.stage(bench.new_store(SQLITE), limited=True) as stage:
        stage.installation.pace, stage.installation.categories = "", _categories()
        desk = stage.desk
        desk.text = lambda number: f"{question(number)} (About {_word(number % len(CHANNELS))}.)"
        async with stage.running(hold_seconds=0):
            bench.show.say(f"{count} cards over {len(CHANNELS)} channels at Slack's pace: {permitted:.0f} s at best")
            loops = await desk.write(count, at_once=16)
            await desk.until(lambda: desk.cards >= count, "cards")
            refused = await _refused(stage)
        _check(stage, count)
    took = max(loop.card_at for loop in loops) - min(loop.began for loop in loops)
    bench.results.reach("slack_pace_share", permitted / took)
    bench.results.reach("slack_429", refused)
    bench.results.add("slack_permitted_s", f"the shortest time Slack permits for {count} cards", permitted, "s")
    bench.results.add("slack_took_s", "… from the first customer's message to the last card", took, "s")
    limits = Limits(lambda: datetime.now(UTC))
    bench.results.facts["Slack's permitted pace"] = (
        f"{limits.posts_per_second_and_channel:g} post a second and channel, {limits.posts_per_minute:g} at once and as"
        f" many a minute in the workspace: {count} cards over {len(CHANNELS)} channels in {permitted:.1f} s at best"
    )


def permitted_seconds(count: int) -> float:
    """The shortest time for so many posts, channels in turn: by what the local Slack lets pass, and never faster than
    one a second in a channel, though it is patient with a few at once."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    limits = Limits(lambda: now)
    start, waiting = now, dict.fromkeys(CHANNELS, 0)
    for number in range(count):
        waiting[CHANNELS[number % len(CHANNELS)]] += 1
    most = max(waiting.values())
    while any(waiting.values()):
        for channel in [channel for channel, left in waiting.items() if left]:
            if limits.retry_after(_POST, None, channel) is None:
                waiting[channel] -= 1
        now += timedelta(seconds=_STEP_SECONDS)
    return max((now - start).total_seconds(), (most - 1) / limits.posts_per_second_and_channel)


async def _refused(stage: Stage) -> int:
    port = urlsplit(stage.slack.url).port
    assert port is not None
    _, body = await wire.read(port, "/sandbox/figures")
    return sum(json.loads(body)["issued_429"].values())


def _check(stage: Stage, count: int) -> None:
    """Every message has its card, and only one."""
    rows = stage.installation.rows()
    if (rows["messages"], rows["cards"], len(stage.desk.loops)) != (count, count, count):
        raise Stuck(f"{count} messages were to have a card each, but {rows}")


def _categories() -> str:
    return "".join(
        f'\n[[categories]]\nname = "{_word(number)}"\nkeywords = ["{_word(number)}"]\nchannel = "{channel}"\n'
        for number, channel in enumerate(CHANNELS)
    )


def _word(number: int) -> str:
    return f"matter{number}"
