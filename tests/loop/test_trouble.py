"""Channels that fail, a model that fails, Slack's limits: people are told, and nothing is lost."""

import asyncio
import itertools

import pytest

from tests.fakes.claude import MISBEHAVIOURS
from tests.fakes.receiver import Answer
from tests.loop.running import Loop, offered, running, shown


async def test_a_channel_that_is_down_gets_the_reply_once_it_is_up(loop: Loop) -> None:
    loop.receiver.always = Answer.DOWN
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    await loop.ana.click("approve", on=card)
    await loop.card_says(card, "Not yet: the channel does not take it (reply URL: HTTP 503)")

    loop.receiver.always = Answer.TAKE

    assert len(await loop.receiver.until(1)) == 1
    await loop.card_says(card, "Delivered")
    assert len({post.key for post in loop.receiver.posts}) == 1


async def test_a_channel_that_refuses_turns_the_card_red_and_retry_sends_it_under_the_same_key(loop: Loop) -> None:
    loop.receiver.next(Answer.REFUSE)
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    await loop.ana.click("approve", on=card)
    await loop.card_says(card, "NOT DELIVERED: reply URL: HTTP 410")

    await loop.ana.click("retry", on=card)

    await loop.card_says(card, "Delivered")
    refused, taken = loop.receiver.posts
    assert (refused.answer, taken.answer) == (Answer.REFUSE, Answer.TAKE)
    assert refused.key == taken.key


async def test_a_reply_taken_without_an_answer_comes_again_under_its_key(loop: Loop) -> None:
    loop.receiver.next(Answer.DROP)
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    await loop.ana.click("approve", on=card)

    await loop.card_says(card, "Delivered")

    assert len(loop.receiver.posts) == 2
    assert len(loop.receiver.taken) == 1


@pytest.mark.parametrize("does", [name for name in MISBEHAVIOURS if name not in ("compromised", "saying", "body")])
async def test_whatever_the_model_does_the_card_comes_and_an_agent_can_answer(sqlite_url: str, does: str) -> None:
    async with running(sqlite_url, desk={"draft_deadline_seconds": 2}) as loop:
        loop.claude.always(MISBEHAVIOURS[does](**({"status": 500} if does == "failing" else {})))
        await loop.customer_says("Where is my order?")

        card = await loop.card("write")
        assert "No draft." in shown(card)
        assert "approve" not in offered(card)
        await loop.ana.click("write", on=card)
        await loop.ana.type("typed", "It ships today.")
        await loop.ana.submit()

        assert await loop.receiver.until(1) == ["It ships today."]


async def test_cards_keep_slacks_pace_and_the_order_of_their_threads(sqlite_url: str) -> None:
    slack = {"posts_per_second": 4, "updates_per_minute": 300}
    async with running(sqlite_url, limited=True, slack=slack) as loop:
        limits = loop.sandbox.limits
        limits.posts_per_second_and_channel, limits.posts_per_minute, limits.per_minute[3] = 4.0, 240.0, 300.0
        threads = [f"t{number}" for number in range(12)]
        await asyncio.gather(*(loop.customer_says("First.", thread=thread) for thread in threads))
        await loop.sandbox.until(lambda: len(loop.cards) >= len(threads))
        await asyncio.gather(*(loop.customer_says("Second.", thread=thread) for thread in threads))

        await loop.settled()

        assert limits.issued.total() == 0
        roots = [card for card in loop.cards if card.thread_ts is None]
        assert len(roots) == len(threads)
        for root in roots:
            times = [root.ts, *(reply.ts for reply in root.replies)]
            assert all(earlier < later for earlier, later in itertools.pairwise(times))
            assert len(root.replies) == 1
            assert "see the newer card" in shown(root)
