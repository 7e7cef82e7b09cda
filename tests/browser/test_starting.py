"""Starting and stopping the demo: what it says, what it remembers, and what it says when it cannot start."""

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any

import httpx2

from tests.browser.play import ROOT, demo_running
from tests.patience import PATIENCE_SECONDS


async def state(address: str) -> Any:
    async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
        return (await client.get("/sandbox/state", params={"as": "U0ANA"})).json()


async def cards(address: str, count: int) -> list[str]:
    """The texts of all cards, once there are so many."""
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client,
        client.stream("GET", "/sandbox/stream", params={"as": "U0ANA"}) as changes,
    ):
        async for _ in changes.aiter_lines():
            told = await state(address)
            texts = [message["text"] for channel in told["channels"] for message in channel["messages"]]
            if len(texts) >= count:
                return sorted(texts)
    raise AssertionError("the stream ended")


async def test_a_stopped_demo_goes_on_where_it_was_until_it_is_told_to_begin_anew(tmp_path: Path) -> None:
    async with demo_running(tmp_path) as address:
        before = await cards(address, 7)

    async with demo_running(tmp_path) as address:
        after = await cards(address, 7)
        async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
            shop = (await client.get("/demo/shop")).json()
    async with demo_running(tmp_path, "--fresh", "--no-seed") as address:
        fresh = await state(address)

    assert [text.split(".")[0] for text in after] == [text.split(".")[0] for text in before]
    assert len([line for customer in shop["customers"] for line in customer["lines"]]) == 9
    assert all(not channel["messages"] for channel in fresh["channels"])


async def refused(folder: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", *arguments),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        said, _ = await process.communicate()
    assert process.returncode == 1, said.decode()
    assert b"Traceback" not in said
    return said.decode()


async def test_a_taken_port_is_told_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        said = await refused(tmp_path, "--port", str(port), "--no-seed")

    assert f"port {port}" in said
    assert "--port" in said


async def test_a_sandbox_port_that_is_taken_is_told_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        said = await refused(tmp_path, "--port", "0", "--sandbox-port", str(port))

    assert f"port {port}" in said
    assert "--sandbox-port" in said


async def test_a_file_of_another_version_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "kept.json").write_text(json.dumps({"made": "by another version"}))

    said = await refused(tmp_path, "--port", "0")

    assert "--fresh" in said
