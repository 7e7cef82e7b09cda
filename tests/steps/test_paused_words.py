"""What people read of a pause."""

from datetime import datetime, timedelta

import pytest

from bot.steps.drafting import paused_words
from storage.tables import Pause
from tests.desk import MONDAY


def pause(*, begun: datetime, length: timedelta, category: str | None = None) -> Pause:
    return Pause(id="pau_1", category=category, until=begun + length, agent_id="agt_1", ended_at=None, created_at=begun)


@pytest.mark.parametrize(
    ("length", "until"),
    [
        (timedelta(minutes=30), "until 09:30 UTC (Ana Ruiz)."),
        (timedelta(hours=24), "until 09:00 UTC on 03 Mar (Ana Ruiz)."),
        (timedelta(days=7), "until 09:00 UTC on 09 Mar (Ana Ruiz)."),
        (timedelta(milliseconds=1), "until 09:00 UTC (Ana Ruiz)."),
    ],
)
def test_a_pause_that_lasts_beyond_its_day_names_the_day_it_ends(length: timedelta, until: str) -> None:
    assert paused_words(pause(begun=MONDAY, length=length), "Ana Ruiz").endswith(until)


def test_what_rests_is_named_and_who_said_so_is_one_line() -> None:
    words = paused_words(pause(begun=MONDAY, length=timedelta(hours=1), category="billing"), "Ana\n\u202eRuiz")

    assert words == "Drafting is paused for billing until 10:00 UTC (Ana Ruiz)."
