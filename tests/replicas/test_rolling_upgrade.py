"""The database is upgraded to a version that a replica does not know, while it serves: nobody is kept waiting."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from storage import schema
from tests.replicas.running import Replicas, is_ready, replicas

NEWER = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.create_table("colour", sa.Column("name", sa.String(), primary_key=True))
    for table in ("message", "review", "conversation"):
        op.add_column(table, sa.Column("shade", sa.String(), nullable=True))
"""


@pytest.fixture
def newer_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In this process, the program of a release to come; its replicas are still of this one."""
    head = schema.head()
    folder = tmp_path / "migrations"
    shutil.copytree(schema._MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_newer.py").write_text(NEWER.format(head=head))
    monkeypatch.setattr(schema, "_MIGRATIONS", folder)
    schema._head.cache_clear()
    yield
    monkeypatch.undo()
    schema._head.cache_clear()


async def answered(one: Replicas, words: str) -> None:
    """A whole loop: heard, drafted, approved, delivered."""
    before = len(one.receiver.taken)
    await one.customer_says(f"Where is my order? ({words})", to=one.url, thread=words)
    seen = await one.person("U0ANA").click("approve", on=await one.card(f"({words})"))
    assert seen.ok
    assert not seen.ephemerals
    await one.receiver.until(before + 1)


@pytest.mark.usefixtures("newer_program")
async def test_a_replica_serves_while_a_newer_program_upgrades_and_afterwards(
    tmp_path: Path, postgres_url: str
) -> None:
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with replicas(tmp_path, postgres_url, count=1) as one:
        await answered(one, "before")
        with psycopg.connect(plain) as reader:  # somebody's long report: the upgrade has to wait for it
            reader.execute("select count(*) from message")
            upgrading = asyncio.create_task(asyncio.to_thread(schema.upgrade, postgres_url))
            for number in range(3):
                await answered(one, f"meanwhile-{number}")
            waited = not upgrading.done()
        await upgrading

        await answered(one, "afterwards")
        assert waited
        assert await is_ready(one.http, one.ports[0])
        assert one.ledger.rows("select version_num from alembic_version") == [{"version_num": "9999"}]
        assert {row["shade"] for row in one.ledger.rows("select shade from message")} == {None}
