"""The schema's history agrees with the tables, and upgrading is all or nothing."""

import asyncio
import hashlib
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from storage import schema
from storage.database import Database, address
from storage.database.switching import elsewhere
from storage.jobs.procrastinate import schema as procrastinate_schema
from storage.migrations.comparing import names_ours
from storage.tables import metadata
from tests.patience import PATIENCE_SECONDS
from tests.processes import started


def tables(url: str) -> set[str]:
    engine = schema.migration_engine(address(url))
    with engine.connect() as connection:
        found = set(inspect(connection).get_table_names())
    engine.dispose()
    return found


def test_an_upgraded_database_has_exactly_the_tables_of_the_models(empty_url: str) -> None:
    schema.upgrade(empty_url)

    engine = schema.migration_engine(address(empty_url))
    with engine.connect() as connection:
        opts = {"include_name": names_ours, "compare_type": True, "compare_server_default": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=opts), metadata)
    engine.dispose()
    assert differences == []
    assert set(metadata.tables) <= tables(empty_url)


def test_a_table_the_models_do_not_have_is_seen_as_a_difference(empty_url: str) -> None:
    schema.upgrade(empty_url)
    engine = schema.migration_engine(address(empty_url))
    with engine.connect() as connection:
        connection.execute(text("create table stray (id integer)"))
        connection.execute(text("create table procrastinate_stray (id integer)"))
        connection.execute(text("alter table job add column stray integer"))

        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"include_name": names_ours}), metadata
        )
    engine.dispose()

    kinds = {(found[0], str(found[1].name) if found[0] == "remove_table" else found[3].name) for found in differences}
    assert kinds == {("remove_table", "stray"), ("remove_column", "stray")}


def test_the_database_says_where_it_stands(empty_url: str) -> None:
    engine = schema.migration_engine(address(empty_url))
    assert schema.current(engine) is None
    assert not schema.at_head(engine)

    schema.upgrade(empty_url)

    assert schema.current(engine) == schema.head()
    assert schema.at_head(engine)
    engine.dispose()


def at(url: str, version: str) -> None:
    """Bring an empty database to this version, as the program of that time did."""
    engine = schema.migration_engine(address(url))
    with engine.connect() as connection:
        command.upgrade(schema.config(connection), version)
    engine.dispose()


def ran(url: str, *statements: str) -> list[tuple[object, ...]]:
    """What the last of these statements returns."""
    engine = schema.migration_engine(address(url))
    with engine.begin() as connection:
        results = [connection.execute(text(statement)) for statement in statements]
        rows = [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
    engine.dispose()
    return rows


def test_what_the_first_release_kept_is_there_after_an_upgrade(empty_url: str) -> None:
    at(empty_url, "0001")
    ran(empty_url, "insert into seen (key, at) values ('slack:Ev1', '2026-11-22 12:00:00+00')")

    schema.upgrade(empty_url)

    assert ran(empty_url, "select key from seen") == [("slack:Ev1",)]


def test_a_program_stays_ready_on_a_database_that_a_newer_one_upgraded(empty_url: str) -> None:
    schema.upgrade(empty_url)
    ran(empty_url, "update alembic_version set version_num = '9999'")

    engine = schema.migration_engine(address(empty_url))
    assert schema.at_head(engine)
    engine.dispose()
    schema.upgrade(empty_url)

    assert ran(empty_url, "select version_num from alembic_version") == [("9999",)]


@pytest.mark.parametrize(
    ("version", "digest"),
    [("0001_the_first_schema", "7df52b7cccf1bd79")],
)
def test_a_version_that_was_released_is_never_changed(version: str, digest: str) -> None:
    script = Path(schema.__file__).parent / "migrations" / "versions" / f"{version}.py"

    assert hashlib.sha256(script.read_bytes()).hexdigest()[:16] == digest


def test_an_upgrade_of_an_upgraded_database_changes_nothing(empty_url: str) -> None:
    schema.upgrade(empty_url)
    before = tables(empty_url)

    schema.upgrade(empty_url)

    assert tables(empty_url) == before


def test_there_is_one_line_of_versions() -> None:
    script = ScriptDirectory.from_config(schema.config())

    assert script.get_heads() == [schema.head()]
    assert [version.revision for version in script.walk_revisions()][-1] == "0001"


async def test_readiness_is_asked_beside_a_writer_without_waiting_for_it(database: Database) -> None:
    inside, asked = threading.Event(), threading.Event()

    def write_slowly(tx: object) -> bool:
        inside.set()
        return elsewhere(partial(asked.wait, PATIENCE_SECONDS))

    writing = asyncio.ensure_future(database.write(write_slowly))
    await asyncio.to_thread(inside.wait, PATIENCE_SECONDS)
    assert await asyncio.to_thread(schema.at_head, database.engine)
    asked.set()

    assert await writing


def test_four_upgrades_at_once_make_one_schema(empty_url: str) -> None:
    upgrade = "import sys; from storage import schema; schema.upgrade(sys.argv[1])"
    started_together = [
        subprocess.Popen([sys.executable, "-c", upgrade, empty_url], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    errors = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in started_together]

    assert [process.returncode for process in started_together] == [0] * 4, errors
    assert set(metadata.tables) <= tables(empty_url)


HANG_BEFORE_THE_LAST_STEP = """
import sys, time
from storage.knowledge import search
from storage import schema

def hang(connection):
    print("in the middle", flush=True)
    time.sleep(600)

search.create = hang
schema.upgrade(sys.argv[1])
"""


def test_an_upgrade_that_is_killed_half_way_never_happened(empty_url: str) -> None:
    with started(HANG_BEFORE_THE_LAST_STEP, empty_url) as child:
        child.says("in the middle")
        child.kill()

    assert tables(empty_url) == set()
    schema.upgrade(empty_url)
    assert set(metadata.tables) <= tables(empty_url)


def test_a_migration_that_leaves_rows_pointing_nowhere_is_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'broken.db'}"

    def leave_an_orphan(connection: object) -> None:
        connection.exec_driver_sql(  # type: ignore[attr-defined]
            "insert into snippet (id, article_id, position, text) values ('snp_1', 'art_nobody', 0, 'lost')"
        )

    monkeypatch.setattr("storage.knowledge.search.create", leave_an_orphan)

    with pytest.raises(RuntimeError, match="point nowhere in: snippet"):
        schema.upgrade(url)

    assert tables(url) == set()


async def test_foreign_keys_are_enforced_again_after_an_upgrade(database: Database) -> None:
    orphan = text("insert into snippet (id, article_id, position, text) values ('snp_1', 'art_nobody', 0, 'lost')")

    with pytest.raises(IntegrityError):
        await database.write(lambda tx: tx.run(orphan))


# Procrastinate's part


def forget_procrastinate(connection: Connection) -> None:
    """As in a database of a release that did not have it."""
    for kind, catalogue, name in (
        ("table", "pg_tables", "tablename"),
        ("function", "(select oid::regprocedure::text as fun from pg_proc) as functions", "fun"),
        ("type", "(select typname from pg_type where typtype in ('e', 'c')) as types", "typname"),
    ):
        found = f"select {name} from {catalogue} where {name} like 'procrastinate%%'"
        for (each,) in connection.exec_driver_sql(found).all():
            connection.exec_driver_sql(f"drop {kind} if exists {each} cascade")


def test_a_database_gets_procrastinates_newer_files_and_keeps_its_jobs(postgres_url: str) -> None:
    engine = schema.migration_engine(address(postgres_url))
    older = procrastinate_schema.needed()[:-3]
    with engine.begin() as connection:
        forget_procrastinate(connection)
        for name in older:
            sql = (Path(SchemaManager.get_migrations_path()) / name).read_text()
            connection.connection.driver_connection.execute(sql)  # type: ignore[union-attr]
        connection.exec_driver_sql("create table procrastinate_applied (name text primary key)")
        for name in older:
            connection.exec_driver_sql("insert into procrastinate_applied values (%s)", (name,))
        connection.exec_driver_sql("insert into procrastinate_jobs (queue_name, task_name) values ('signoff', 'show')")
    assert not schema.at_head(engine)

    schema.upgrade(postgres_url)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("select to_regproc('procrastinate_retry_job_v2')").scalar() is not None
        assert connection.exec_driver_sql("select count(*) from procrastinate_jobs").scalar() == 1
    assert schema.at_head(engine)
    engine.dispose()


def test_a_database_ahead_of_our_procrastinate_is_left_alone(postgres_url: str) -> None:
    engine = schema.migration_engine(address(postgres_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("insert into procrastinate_applied (name) values ('99.00.00_01_pre_new.sql')")

    schema.upgrade(postgres_url)

    assert schema.at_head(engine)
    engine.dispose()


def test_the_newest_files_that_take_away_wait_for_the_next_upgrade() -> None:
    assert "_post_" not in procrastinate_schema.needed()[-1]
    assert "03.02.00_50_post_batch_defer_jobs.sql" in procrastinate_schema.needed()


def test_what_the_engine_for_one_process_left_is_promised_again(postgres_url: str) -> None:
    engine = schema.migration_engine(address(postgres_url))
    with engine.begin() as connection:
        forget_procrastinate(connection)
        for subject, status in (("pst_1", "running"), ("pst_2", "queued"), ("pst_3", "failed")):
            connection.exec_driver_sql(
                "insert into job (kind, subject, lane, status, run_at, attempts, created_at)"
                " values ('show', %s, 'lane', %s, now(), 1, now())",
                (subject, status),
            )

    schema.upgrade(postgres_url)

    with engine.connect() as connection:
        left = connection.exec_driver_sql("select args ->> 'subject', lock from procrastinate_jobs order by id").all()
        assert [tuple(row) for row in left] == [("pst_1", "lane"), ("pst_2", "lane"), ("pst_3", "lane")]
        assert connection.exec_driver_sql("select count(*) from job").scalar() == 0
    engine.dispose()
