"""Slack's limits are those of the workspace: two replicas together keep them."""

from pathlib import Path

from tests.replicas.running import replicas

CONVERSATIONS = 8
FASTER = 5  # than Slack is, and our policy with it, so that nobody waits here for a minute
KEPT = f"posts_per_second = {FASTER}\nupdates_per_minute = {50 * FASTER}"


async def test_a_burst_at_two_replicas_never_hears_slow_down(tmp_path: Path, postgres_url: str) -> None:
    async with replicas(tmp_path, postgres_url, slack=KEPT, limited=True) as two:
        limits = two.sandbox.limits
        limits.posts_per_second_and_channel *= FASTER
        limits.posts_per_minute *= FASTER
        limits.per_minute[3] *= FASTER
        for number in range(CONVERSATIONS):
            life = two.lives[number % 2]
            await two.customer_says(f"Where is my order? ({number})", to=life.url, thread=f"burst-{number}")

        for number in range(CONVERSATIONS):
            card = await two.card(f"({number})")
            two.slack_asks(two.lives[number % 2].url)
            assert (await two.person("U0ANA").click("approve", on=card)).ok
        await two.settled()

        assert limits.issued.total() == 0
        assert len(two.receiver.posts) == CONVERSATIONS
