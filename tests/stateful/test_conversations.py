"""Random conversations against the rules, the same in every run; `make stateful` draws new ones, and many more."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import Postgres
from tests.stateful.machine import Conversations

EXAMPLES = settings().max_examples  # 100, unless a profile says otherwise


def play(fresh_url: Callable[[], str], *, runs: int, steps: int) -> None:
    here = type("Conversations", (Conversations,), {"fresh_url": staticmethod(fresh_url)})
    run_state_machine_as_test(
        here,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )


def test_whatever_happens_the_promises_hold_on_sqlite(tmp_path: Path, migrated_file: Path) -> None:
    names = count()

    def fresh() -> str:
        path = tmp_path / f"{next(names)}.db"
        shutil.copyfile(migrated_file, path)
        return f"sqlite+aiosqlite:///{path}"

    play(fresh, runs=EXAMPLES // 4, steps=40)


def test_whatever_happens_the_promises_hold_on_postgresql(postgres: Postgres, migrated_postgres: str) -> None:
    made: list[str] = []

    def fresh() -> str:
        made.append(postgres.create(migrated_postgres))
        for old in made[:-1]:
            postgres.drop(old)
            made.remove(old)
        return postgres.url(made[-1])

    play(fresh, runs=EXAMPLES // 20, steps=30)
    for name in made:
        postgres.drop(name)
