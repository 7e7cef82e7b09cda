"""Kill -9, again and again, while everything else goes wrong too; afterwards every promise of the design holds.

`make crash ARGS="--kills 300 --seed 7"` tries harder. The counts are kept in artefacts/crash in any case.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from storage.failpoints import Point
from tests.crash import report
from tests.crash.promises_kept import every_promise
from tests.crash.server import Server, a_server
from tests.crash.world import a_world

_SHORT = 30  # kills; longer runs say how far they have come


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server | None]:
    """PostgreSQL's, where it is asked for."""
    with ExitStack() as stack:
        wanted = request.config.getoption("postgres", default=False)
        yield stack.enter_context(a_server(os.environ.get("SIGNOFF_TEST_POSTGRES"))) if wanted else None


async def test_no_crash_breaks_a_promise(
    tmp_path: Path,
    sqlite_url: str,
    server: Server | None,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kills, seed = request.config.getoption("kills", default=26), request.config.getoption("seed", default=1)
    replicas = request.config.getoption("replicas", default=1)
    again = f"--kills {kills} --seed {seed}" + (" --postgres" if server else "")
    again += f" --replicas {replicas}" if replicas > 1 else ""
    url = server.url if server else sqlite_url

    def tell(words: str) -> None:
        with capsys.disabled():
            print(f"  seed {seed}: {words}", flush=True)

    long = kills > _SHORT
    async with a_world(
        tmp_path, url, seed=seed, tell=tell if long else _silence, replicas=replicas, server=server
    ) as world:
        async with asyncio.timeout(120 + 20 * kills):
            witness = await world.live_through(kills)
        promises = every_promise(witness)

    told = report.counts(world, witness, promises, repeat=f'make crash ARGS="{again}"')
    report.write(told)
    assert not {f"{one.promise}: {one.what}": one.wrongs for one in promises if one.wrongs}, again
    assert not world.kills.strange_ends
    assert world.kills.at_points.keys() == set(Point)
    assert {one.promise for one in promises if one.cases} == set(range(1, 11)), "a promise was put to no test"


def _silence(words: str) -> None:
    """In short runs nobody waits."""
