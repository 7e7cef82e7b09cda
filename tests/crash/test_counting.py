"""The crash test's own books: a seed draws the same ends again, and what breaks is counted as lost or doubled."""

import random
from typing import Any, cast

from storage.failpoints import Point
from tests.crash.kills import Kills
from tests.crash.lives import ROOT
from tests.crash.report import DUPLICATES, LOSSES

KILLS = 300


def ends(seed: int) -> list[str]:
    """Of a run in which every one comes about."""
    nobody = cast(Any, None)
    kills = Kills(nobody, nobody, nobody, nobody, random.Random(seed), random.Random(), None)
    drawn = []
    for plan in kills.plans(KILLS):
        if isinstance(plan, Point):
            kills.at_points[plan] += 1
        else:
            kills.at_moments[plan.__name__] += 1
        drawn.append(plan.value if isinstance(plan, Point) else plan.__name__)
    return drawn


def test_a_seed_draws_the_same_ends_again_and_another_seed_others() -> None:
    assert ends(7) == ends(7)
    assert ends(7) != ends(8)


def test_a_long_run_kills_at_every_point_and_at_every_moment() -> None:
    drawn = ends(1)

    points = {point.value for point in Point}
    assert len(drawn) == KILLS
    assert points <= set(drawn)
    assert len(set(drawn) - points) == 10  # every moment


def test_losses_and_duplicates_are_counted_by_checks_that_there_are() -> None:
    checks = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/crash").glob("promises*.py"))

    assert [words for words in LOSSES | DUPLICATES if f'"{words}"' not in checks] == []
