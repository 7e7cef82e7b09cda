"""docs/agents.md names every button, command and field as they are."""

import re
from pathlib import Path

from bot.core.cards import LABELS
from bot.core.decisions import PAUSE_MOST
from bot.surfaces.slack.blocks.answers import COMMANDS
from storage import schema
from storage.database import Database
from storage.history import Span, decisions
from storage.tables import EditKind
from tests.operators.rows import history

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")


def test_every_button_is_explained() -> None:
    assert set(LABELS.values()) <= set(re.findall(r"\*\*(.+?)\*\*", PAGE))


def test_every_command_is_explained() -> None:
    commands = {name.split(" [")[0] for name, _ in COMMANDS if name != "/signoff help"}

    assert commands == {name.split(" [")[0] for name in re.findall(r"`(/signoff .+?)`", PAGE)}
    assert f"{PAUSE_MOST.days} days at most" in PAGE


async def test_every_exported_field_is_explained(desk: Path, sqlite_url: str) -> None:
    schema.upgrade(sqlite_url)
    await history(sqlite_url, 1)
    async with Database(sqlite_url) as db:
        [row] = [row async for row in decisions(db, Span())]
    table = PAGE.split("| Field | |")[1]

    explained = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split(" | ")[0])]

    assert sorted(explained) == sorted(row)
    assert all(f"`{kind}`" in table for kind in EditKind)
