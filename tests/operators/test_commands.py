"""The command line, on a real database file."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.__main__ import main
from storage import schema
from storage.database import Database
from storage.history import PAGE, Span, decisions
from storage.lock import only_one
from tests.operators.conftest import ROOT
from tests.operators.rows import history

HOSTILE = '<!channel> \u202e [red]paint[/red] 🧨\n"quotes" and é'


def signoff(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def store(desk: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    return sqlite_url


def test_help_names_every_command() -> None:
    told = signoff("--help").stdout

    for command in ("run", "demo", "doctor", "migrate", "kb", "export"):
        assert f" {command} " in told


def test_the_version_is_told() -> None:
    assert signoff("--version").stdout == "signoff 0.1.0\n"


def test_migrate_makes_the_database_once(desk: Path) -> None:
    first, second = signoff("migrate"), signoff("migrate")

    assert first.stdout == f"Migrated from nothing to {schema.head()}.\n"
    assert second.stdout == f"The database is at {schema.head()}: nothing to do.\n"
    assert (desk / "signoff.db").exists()


@pytest.mark.parametrize("command", [("kb", "search", "returns"), ("export",), ("kb", "import", ".")])
def test_commands_ask_for_a_migration_first(desk: Path, command: tuple[str, ...]) -> None:
    result = signoff(*command)

    assert result.exit_code == 1
    assert "run `signoff migrate`" in result.stderr


def test_run_refuses_a_database_that_is_behind(desk: Path) -> None:
    result = signoff("run")

    assert result.exit_code == 1
    assert "signoff run --migrate" in result.stderr


def test_run_refuses_to_be_a_second_process(store: str) -> None:
    with only_one(store):
        result = signoff("run")

    assert result.exit_code == 1
    assert "is already running on" in result.stderr


@pytest.mark.parametrize("command", ["run", "migrate", "export"])
def test_a_wrong_configuration_ends_with_2_and_no_traceback(
    desk: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@db/x")

    result = signoff(command)

    assert result.exit_code == 2
    assert "DATABASE_URL names a driver Signoff does not work with" in result.stderr
    assert "hunter2" not in result.output


def test_a_database_that_is_away_is_told_in_a_sentence(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://bot:hunter2@127.0.0.1:1/signoff")

    for command in ("run", "migrate", "export"):
        result = signoff(command)
        assert result.exit_code == 1
        assert "The database cannot be used" in result.stderr
        assert "hunter2" not in result.output


def articles(folder: Path) -> Path:
    (folder / "delivery").mkdir(parents=True)
    (folder / "returns.md").write_text("---\ntitle: Returns\n---\nYou can return a tent within 30 days.\n")
    (folder / "delivery" / "times.md").write_text("# Delivery times\n\nParcels arrive in two working days.\n")
    return folder


def test_articles_are_imported_and_found(store: str, desk: Path) -> None:
    folder = str(articles(desk / "knowledge"))

    first, second = signoff("kb", "import", folder), signoff("kb", "import", folder)
    found = signoff("kb", "search", "how can I return my tent?")

    assert first.stdout == "2 added, 0 updated, 0 unchanged, 0 removed, 0 not read.\n"
    assert second.stdout == "0 added, 0 updated, 2 unchanged, 0 removed, 0 not read.\n"
    assert "You can return a tent within 30 days." in found.stdout
    assert found.stdout.startswith("Returns")


def test_an_article_that_cannot_be_read_is_named(store: str, desk: Path) -> None:
    folder = articles(desk / "knowledge")
    (folder / "bad.md").write_bytes(b"\xff\xfe\x00")

    result = signoff("kb", "import", str(folder))

    assert result.exit_code == 1
    assert "bad.md" in result.stderr
    assert result.stdout.startswith("2 added")


def test_a_search_without_result_says_so(store: str) -> None:
    result = signoff("kb", "search", '"" OR *')

    assert result.exit_code == 1
    assert "Nothing found" in result.stderr


def test_decisions_are_exported_as_json_lines(store: str) -> None:
    asyncio.run(history(store, 2, final=HOSTILE))

    result = signoff("export")

    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["id"], second["id"]) == ("fbk_000001", "fbk_000002")
    assert first["final"] == HOSTILE
    assert {key: first[key] for key in ("action", "draft", "edit_kind", "reason", "seconds", "agent")} == {
        "action": "edit",
        "draft": "It ships today.",
        "edit_kind": "substantive",
        "reason": "wrong_fact",
        "seconds": 31.5,
        "agent": "Bo Lindqvist",
    }
    assert first["decided_at"] == "2026-03-01T10:00:00+00:00"
    assert first["sources"] == [{"title": "Delivery times"}]
    assert "2 decisions." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("--since", "2026-03-01T12:00:00"), [3, 4, 5]),
        (("--until", "2026-03-01T12:00:00"), [1, 2]),
        (("--since", "2026-03-01T12:00:00+01:00", "--until", "2026-03-01T13:00:00"), [2, 3]),
        (("--since", "2026-03-02"), []),
    ],
)
def test_an_export_may_be_limited_in_time(store: str, arguments: tuple[str, ...], ids: list[int]) -> None:
    asyncio.run(history(store, 5))

    lines = signoff("export", *arguments).stdout.splitlines()

    assert [int(json.loads(line)["id"][4:]) for line in lines] == ids


def test_an_exported_file_appears_whole_and_only_for_its_owner(store: str, desk: Path) -> None:
    asyncio.run(history(store, 1))

    result = signoff("export", "--out", "decisions.jsonl")

    file = desk / "decisions.jsonl"
    assert result.stdout == ""
    assert len(file.read_text().splitlines()) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in desk.glob("decisions*")] == ["decisions.jsonl"]


class Counted(Database):
    """Counts its reads."""

    reads = 0

    async def read(self, work):  # type: ignore[no-untyped-def]  # as the database's own
        self.reads += 1
        return await super().read(work)


async def test_an_export_reads_page_by_page(sqlite_url: str) -> None:
    total = PAGE * 2 + 1
    await history(sqlite_url, total)

    async with Counted(sqlite_url) as db:
        rows = decisions(db, Span())
        await anext(rows)
        assert db.reads == 1
        rest = [row["id"] async for row in rows]

        assert len(rest) == len(set(rest)) == total - 1
        assert db.reads == 4  # three pages, and the look that finds nothing more


async def test_decisions_are_read_the_same_on_both_databases(database_url: str) -> None:
    await history(database_url, 3)

    async with Database(database_url) as db:
        rows = [row async for row in decisions(db, Span())]

    assert [row["seconds"] for row in rows] == [31.5] * 3
    assert {str(row["decided_at"].tzinfo) for row in rows} == {"UTC"}


def test_a_reader_that_leaves_early_is_no_error(store: str) -> None:
    asyncio.run(history(store, 300, final="x" * 2000))
    command = f"{sys.executable} -m bot export | head -n 1; test ${{PIPESTATUS[0]}} -eq 0"

    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_nothing_is_exported_from_an_empty_desk(store: str) -> None:
    result = signoff("export")

    assert (result.exit_code, result.stdout) == (0, "")
