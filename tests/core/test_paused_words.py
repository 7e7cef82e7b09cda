"""What people read of a pause."""

from datetime import datetime, timedelta

import pytest

from bot.core.verdicts import paused_words
from storage.tables import Pause
from tests.desk import MONDAY


def pause(*, begun: datetime, length: timedelta, category: str | None = None) -> Pause:
    return Pause(id="pau_1", category=category, until=begun + length, agent_id="agt_1", ended_at=None, created_at=begun)


@pytest.mark.parametrize(
    ("length", "until"),
    [
        (timedelta(minutes=30), "until 2026-03-02T09:30Z (Ana Ruiz)."),
        (timedelta(hours=24), "until 2026-03-03T09:00Z (Ana Ruiz)."),
        (timedelta(days=7), "until 2026-03-09T09:00Z (Ana Ruiz)."),
    ],
)
def test_a_pause_names_the_time_it_ends_for_surfaces_to_show_in_the_readers_zone(length: timedelta, until: str) -> None:
    assert paused_words(pause(begun=MONDAY, length=length), "Ana Ruiz").endswith(until)


def test_what_rests_is_named_and_who_said_so_is_one_line() -> None:
    words = paused_words(pause(begun=MONDAY, length=timedelta(hours=1), category="billing"), "Ana\n\u202eRuiz")

    assert words == "Drafting is paused for billing until 2026-03-02T10:00Z (Ana Ruiz)."
