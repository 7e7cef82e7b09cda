"""SQLite on a disk without room: told, and made up for afterwards."""

import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database import Tx
from tests.endurance.pressure import PRESS_AGAIN, Pressure
from tests.loop.running import running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of six megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip("only root may mount a small disk; the other test of a full database runs everywhere")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@asynccontextmanager
async def pressed_on(path: Path) -> AsyncIterator[Pressure]:
    async with running(f"sqlite+aiosqlite:///{path}") as loop, Pressure(loop, "p").at_work() as pressure:
        yield pressure


async def told_to_everybody(pressure: Pressure) -> None:
    """What people, channels and operators see while nothing can be written."""
    loop = pressure.loop
    await pressure.kept_out()
    told = await pressure.unready()
    assert "its disk has room" in told["checks"]["database"]["remedy"]
    assert (await loop.http.get("/healthz")).status_code == 200
    assert await loop.metric("signoff_database_troubles_total", 'kind="unavailable"') > 0
    await pressure.metric("signoff_database_up", 1)  # it can still be read


async def test_a_full_disk_keeps_messages_out_until_there_is_room_again(small_disk: Path, migrated_file: Path) -> None:
    path = small_disk / "signoff.db"
    shutil.copyfile(migrated_file, path)
    async with pressed_on(path) as pressure:
        card = await pressure.a_card_to_keep()

        fill(small_disk / "ballast")
        await told_to_everybody(pressure)
        pressed = await pressure.loop.ana.click("approve", on=card)
        (small_disk / "ballast").unlink()

        await pressure.ready()
        await pressure.loop.ana.click("approve", on=card)
        await pressure.recovered()
        assert PRESS_AGAIN in pressed.ephemerals[0].text
    assert whole(path)


def fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:  # until there is no space left
        while True:
            file.write(b"." * 512)


def whole(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        found = connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()
    return found


async def test_a_database_that_may_not_grow_keeps_messages_out_until_it_may(tmp_path: Path, sqlite_url: str) -> None:
    async with pressed_on(tmp_path / "signoff.db") as pressure:

        def leave_no_room(tx: Tx) -> None:
            tx.run(text(f"pragma max_page_count = {tx.run(text('pragma page_count'))[0][0]}"))

        await pressure.loop.db.write(leave_no_room)
        await pressure.kept_out()
        await pressure.loop.db.write(lambda tx: tx.run(text("pragma max_page_count = 1000000")))

        await pressure.recovered()
    assert whole(tmp_path / "signoff.db")
