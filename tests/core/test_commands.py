"""What is said to the bot by name."""

from datetime import timedelta

import pytest

from bot.core.commands import category_meant, pause_meant

CATEGORIES = (("billing", "Billing"), ("lost_parcel", "Lost parcel"))


@pytest.mark.parametrize(
    ("words", "category", "length"),
    [
        ("", None, timedelta(hours=1)),
        ("all 30m", None, timedelta(minutes=30)),
        ("billing", "billing", timedelta(hours=1)),
        ("lost parcel 1h30m", "lost_parcel", timedelta(minutes=90)),
        ("2d billing", "billing", timedelta(days=2)),
    ],
)
def test_a_pause_names_a_category_and_a_length_in_any_order(
    words: str, category: str | None, length: timedelta
) -> None:
    assert pause_meant(words.split(), CATEGORIES) == (category, length)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("8d", "Say one length, from 1m to 7d"),
        ("0m", "Say one length"),
        ("1h 2h", "Say one length"),
        ("30", "Say 30 of what: 30m is minutes"),
        ("shoes", "There is no category “shoes”. There are: billing, lost_parcel."),
    ],
)
def test_what_is_unclear_is_answered_with_what_to_say(words: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        pause_meant(words.split(), CATEGORIES)


def test_everything_is_meant_where_nothing_is_named() -> None:
    assert category_meant([], CATEGORIES) is None
    assert category_meant(["everything"], ()) is None
