"""When clocks are due, to the day on which the clocks are changed, and what becomes of what was missed."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from bot.core.ticks import ACCOUNTED_MOST, ON_TIME, Beat, CatchUp, Daily, Every, due
from storage.tables import TickStatus

BERLIN, APIA, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")
NINE = time(9, 0)
HOURLY = Every(timedelta(hours=1))
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MADE, CAUGHT_UP, SKIPPED = TickStatus.MADE, TickStatus.CAUGHT_UP, TickStatus.SKIPPED


def from_on(beat: Beat, moment: datetime, count: int) -> list[str]:
    """The next ticks, in UTC."""
    found: list[datetime] = []
    for _ in range(count):
        moment = beat.after(moment)
        found.append(moment)
    assert all(tick.tzinfo is UTC for tick in found)
    assert list(islice(beat.until(moment), count)) == found[::-1]  # backwards the same
    return [f"{tick:%m-%d %H:%M}" for tick in found]


def day(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def test_all_replicas_mean_the_same_ticks_of_an_interval() -> None:
    odd = Every(timedelta(seconds=7))

    assert odd.after(NOON) == odd.after(NOON + timedelta(seconds=1)) == odd.after(NOON + timedelta(seconds=3))
    assert next(HOURLY.until(NOON)) == NOON
    assert HOURLY.after(NOON) == NOON + timedelta(hours=1)


def test_nine_in_berlin_is_an_hour_earlier_in_utc_once_summer_begins() -> None:
    at_nine = Daily(at=NINE, zone=BERLIN)

    assert from_on(at_nine, day(3, 28), 3) == ["03-28 08:00", "03-29 07:00", "03-30 07:00"]


def test_nine_in_berlin_is_an_hour_later_in_utc_once_summer_ends() -> None:
    at_nine = Daily(at=NINE, zone=BERLIN)

    assert from_on(at_nine, day(10, 24), 3) == ["10-24 07:00", "10-25 08:00", "10-26 08:00"]


def test_a_time_that_does_not_come_is_made_up_for_an_hour_later() -> None:
    in_the_night = Daily(at=time(2, 30), zone=BERLIN)

    assert from_on(in_the_night, day(3, 28), 3) == ["03-28 01:30", "03-29 01:30", "03-30 00:30"]


def test_a_time_that_comes_twice_counts_once() -> None:
    in_the_night = Daily(at=time(2, 30), zone=BERLIN)

    assert from_on(in_the_night, day(10, 24), 3) == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


def test_a_workday_is_meant_in_the_teams_own_zone() -> None:
    mondays = Daily(at=NINE, zone=APIA, weekdays=frozenset({0}))  # 13 hours ahead: Sunday evening in UTC

    assert from_on(mondays, day(11, 22), 2) == ["11-22 20:00", "11-29 20:00"]


def test_zones_of_odd_minutes() -> None:
    assert from_on(Daily(at=NINE, zone=KATHMANDU), day(11, 22), 1) == ["11-22 03:15"]


def test_a_clock_of_no_weekday_is_refused() -> None:
    with pytest.raises(ValueError, match="never due"):
        Daily(at=NINE, zone=BERLIN, weekdays=frozenset())


@pytest.mark.parametrize(
    ("catch_up", "down", "expected"),
    [
        (CatchUp.ALL, 0, [MADE]),
        (CatchUp.NEWEST, 0, [MADE]),
        (CatchUp.NONE, 0, [MADE]),
        (CatchUp.ALL, 1, [CAUGHT_UP]),
        (CatchUp.NEWEST, 1, [CAUGHT_UP]),
        (CatchUp.NONE, 1, [SKIPPED]),
        (CatchUp.ALL, 5, [CAUGHT_UP] * 5),
        (CatchUp.NEWEST, 5, [SKIPPED] * 4 + [CAUGHT_UP]),
        (CatchUp.NONE, 5, [SKIPPED] * 5),
    ],
)
def test_every_tick_missed_is_accounted_for(catch_up: CatchUp, down: int, expected: list[TickStatus]) -> None:
    late = timedelta(minutes=30) if down else timedelta(0)  # back in the middle of an hour, or never away
    now = NOON + timedelta(hours=max(down, 1)) + late

    found = due(HOURLY, catch_up, since=NOON, now=now)

    assert [each.status for each in found] == expected
    assert [each.at for each in found] == [NOON + timedelta(hours=n) for n in range(1, max(down, 1) + 1)]


@pytest.mark.parametrize("catch_up", CatchUp)
def test_a_tick_is_on_time_up_to_a_minute(catch_up: CatchUp) -> None:
    tick = NOON + timedelta(hours=1)

    (on_time,) = due(HOURLY, catch_up, since=NOON, now=tick + ON_TIME)
    (late,) = due(HOURLY, catch_up, since=NOON, now=tick + ON_TIME + timedelta(seconds=1))

    assert on_time.status is MADE
    assert late.status is not MADE


def test_coming_back_just_at_a_tick_makes_it_and_treats_the_others_as_missed() -> None:
    now = NOON + timedelta(hours=3)

    assert [each.status for each in due(HOURLY, CatchUp.ALL, since=NOON, now=now)] == [CAUGHT_UP, CAUGHT_UP, MADE]
    assert [each.status for each in due(HOURLY, CatchUp.NEWEST, since=NOON, now=now)] == [SKIPPED, SKIPPED, MADE]


@pytest.mark.parametrize("catch_up", CatchUp)
def test_a_first_start_catches_nothing_up(catch_up: CatchUp) -> None:
    now = NOON + timedelta(seconds=1)

    (begun,) = due(HOURLY, catch_up, since=None, now=now)

    assert (begun.at, begun.made) == (NOON, False)


def test_nothing_is_due_between_two_ticks() -> None:
    assert due(HOURLY, CatchUp.ALL, since=NOON, now=NOON + timedelta(minutes=59)) == []


def test_an_absence_of_years_is_accounted_for_up_to_a_number() -> None:
    found = due(Every(timedelta(seconds=60)), CatchUp.NEWEST, since=NOON, now=NOON + timedelta(days=2000))

    assert len(found) == ACCOUNTED_MOST
    assert found[-1].at == NOON + timedelta(days=2000)
    assert [each.made for each in found] == [False] * (ACCOUNTED_MOST - 1) + [True]
