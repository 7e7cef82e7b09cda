"""How long the bot tries what it promised, before a person has to look."""

from datetime import timedelta

import pytest

from bot.app import CARDS, DRAFTS, REPLIES
from storage.jobs import Retry


def lasts(retry: Retry, *, chance: float) -> timedelta:
    """From the first attempt to the last."""
    waits = (retry.wait(attempt, after_seconds=None, chance=chance) for attempt in range(1, retry.attempts))
    return sum(waits, timedelta())


@pytest.mark.parametrize(("retry", "hours"), [(CARDS, 24), (DRAFTS, 24), (REPLIES, 6)])
def test_cards_and_drafts_are_tried_for_a_day_and_replies_for_six_hours(retry: Retry, hours: int) -> None:
    promised = timedelta(hours=hours)

    assert promised * 0.99 < lasts(retry, chance=0)
    assert lasts(retry, chance=1) < promised * 1.2


def test_a_remote_that_asks_for_more_is_asked_again_after_the_longest_pause() -> None:
    assert REPLIES.wait(1, after_seconds=86_400, chance=0) == REPLIES.cap
