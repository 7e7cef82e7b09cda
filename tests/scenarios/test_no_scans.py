"""What one reply, one look or one tick costs must not grow with what is stored: nothing reads a growing table whole."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL

from bot.core.decisions import Approve, Decision, Edit, Presser, TakeOver, Undo
from bot.metrics import Figures
from bot.steps.clocks import Clocks, timers
from bot.steps.forgetting import Forgetting
from bot.steps.transcribing import Transcribing
from storage.database import Database, address, sqlite_path
from storage.database.prepared import Prepared
from storage.jobs import Claimed
from storage.tables import JobKind
from tests.desk import IDS, Desk

# They stay as few as the team and its articles, or as what is promised or was just done, however many customers write.
TEAM = {"agent", "agentidentity", "pause", "article", "snippet"}
FEW = TEAM | {"job", "procrastinate_jobs", "tick", "spent", "openform"}


class Heard:
    """The statements of the product, as they were given to a driver."""

    def __init__(self) -> None:
        self.statements: set[str] = set()

    def bound(self, statement: Prepared) -> None:
        self.statements.add(statement.sql)


@pytest.fixture
async def heard(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Heard:
    """Everything a desk says to its database while customers are answered in every common way."""
    found, bound = Heard(), Prepared.bound

    def listening(statement: Prepared, values: Mapping[str, Any]) -> list[Any]:
        found.bound(statement)
        return bound(statement, values)

    monkeypatch.setattr(Prepared, "bound", listening)
    async with Database(database_url) as db, Desk(db) as desk:
        decisions: list[Decision] = [Approve(), Edit("Tomorrow."), TakeOver(), Approve()]
        for number, decision in enumerate(decisions):
            await desk.customer_says("Where is my order?", thread=f"t{number}", id=f"first {number}")
            await desk.press(decision, by="Ana", event=f"{number}")
            if number == 3:
                await desk.press(Undo(), by="Ana")
            await desk.pass_time(10)
            await desk.customer_says("And my tent?", thread=f"t{number}", id=f"second {number}")
        await look_around(desk)
    return found


async def look_around(desk: Desk) -> None:
    """What agents, customers' browsers, Prometheus and the clocks ask beside."""
    await desk.front.queue(Presser(surface="slack", external_id=IDS["Ana"]))
    await desk.front.status()
    await Transcribing(desk.db, "web")("t0", 0)
    await Figures(desk.db, desk.jobs, desk.clock).text()
    await Clocks(desk.shop, timers(desk.shop)).look()
    await Forgetting(desk.db, desk.clock)(Claimed(id=0, kind=JobKind.FORGET, subject="", attempt=1, last=False))


async def test_no_statement_reads_a_growing_table_whole(heard: Heard, database_url: str) -> None:
    path = sqlite_path(address(database_url))
    assert len(heard.statements) > 40

    scanned = _by_sqlite(heard.statements, path) if path else _by_postgres(heard.statements, address(database_url))

    assert scanned == {}


def _by_sqlite(statements: Iterable[str], path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(path)) as database:
        tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")} - FEW
        of_few = {name for (name,) in database.execute("select name from sqlite_master where sql like '% where %'")}
        for statement in statements:
            plan = database.execute(f"explain query plan {statement}", [None] * statement.count("?"))
            scans = [
                line
                for _, _, _, line in plan
                if _table(line) in tables and "VIRTUAL TABLE INDEX" not in line and line.split()[-1] not in of_few
            ]
            if scans:
                found[statement] = scans
    return found


def _table(line: str) -> str | None:
    """The table a line of SQLite's plan goes through from end to end; SQLAlchemy numbers its aliases."""
    match = re.match(r"SCAN (\w+?)(_\d+)?( |$)", line)
    return match[1] if match else None


def _by_postgres(statements: Iterable[str], url: URL) -> dict[str, list[str]]:
    """Whole reads are forbidden where anything else is possible: of a small table they are the best there is."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        if connection.info.server_version < 160000:
            pytest.skip("PostgreSQL plans statements without their values from 16 on")
        connection.execute("set enable_seqscan = off")
        for statement in statements:
            (plans,) = connection.execute(f"explain (generic_plan, format json) {statement}".encode()).fetchone() or ()
            scans = [name for name in _read_whole(plans[0]["Plan"]) if name not in FEW]
            if scans:
                found[statement] = scans
    return found


def _read_whole(plan: Mapping[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _read_whole(below)
