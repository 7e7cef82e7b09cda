"""The points where the crash test kills: declared once, called somewhere, armed by the tests alone."""

import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from storage.failpoints import Point
from tests.crash.bot import End
from tests.crash.lives import ROOT

SOURCES = [path for folder in ("bot", "storage", "adapters") for path in (ROOT / folder).rglob("*.py")]
DECLARED_IN = ROOT / "storage" / "failpoints.py"


def test_every_point_is_passed_at_exactly_one_place() -> None:
    calls = Counter(
        name
        for path in SOURCES
        if path != DECLARED_IN
        for name in re.findall(r"\breached\(Point\.(\w+)\)", path.read_text(encoding="utf-8"))
    )

    assert calls == Counter(point.name for point in Point)


def test_every_point_says_what_was_done_before_it_and_what_comes_after() -> None:
    declared = DECLARED_IN.read_text(encoding="utf-8").partition("class Point")[2].partition("\n\n\n")[0]

    described = re.findall(r'^    [A-Z_]+ = "[a-z]+\.[a-z_]+"  # .+ \| .+$', declared, re.MULTILINE)

    assert len(described) == len(Point)


def test_nothing_in_the_product_arms_a_point() -> None:
    armed = [path for path in SOURCES if path != DECLARED_IN and re.search(r"failpoints.*\barm\b", path.read_text())]

    assert not armed


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ("--die-at", "relaying.took"),
        ("--die-at", "relaying.taken:0"),
        ("--die-at", "relaying.taken:x"),
        ("--die-at", ""),
        ("--live-at", "relaying.taken"),
    ],
)
def test_an_unknown_point_is_refused(option: str, place: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        End.parse(option, place)


def test_the_entry_names_the_points_there_are_when_it_refuses_one() -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}

    refused = subprocess.run(
        [sys.executable, "-m", "tests.crash.bot", "--die-at", "relaying.took", "run"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert refused.returncode == 1
    assert "relaying.took" in refused.stderr
    assert Point.TAKEN in refused.stderr
