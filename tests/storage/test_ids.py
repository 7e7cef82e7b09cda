"""Ids are unique and sort by when they were made."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import ids

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # see timezones


def made_at(moment: datetime, prefix: str = "rev") -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids.time, "time", moment.timestamp)
        return ids.new(prefix)


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_the_millisecond_they_were_made(one: datetime, other: datetime) -> None:
    earlier, later = sorted([one, other])

    if later - earlier >= timedelta(milliseconds=1):
        assert made_at(earlier) < made_at(later)


@given(MOMENTS, st.text(string.ascii_lowercase, min_size=1, max_size=8))
def test_an_id_says_what_it_names_and_has_nothing_to_misread(moment: datetime, prefix: str) -> None:
    made = made_at(moment, prefix)

    assert made.startswith(f"{prefix}_")
    tail = made.removeprefix(f"{prefix}_")
    assert len(tail) == 22
    assert not set(tail) - set("0123456789abcdefghjkmnpqrstvwxyz")


@given(MOMENTS)
def test_ids_of_one_moment_differ(moment: datetime) -> None:
    assert len({made_at(moment) for _ in range(200)}) == 200


def test_every_letter_of_the_random_part_varies() -> None:
    tails = [ids.new("rev")[-13:] for _ in range(2000)]

    assert all(len({tail[place] for tail in tails}) == 32 for place in range(1, 13))
