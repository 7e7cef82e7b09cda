"""A workspace is written down and put back: cards, threads and broadcasts are where they were."""

import json
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxServer, keeping, larkspur


async def test_a_restored_workspace_shows_what_the_last_one_showed(
    client: AsyncWebClient, sandbox: SandboxServer
) -> None:
    card = await client.chat_postMessage(
        channel="C0SUPPORT",
        text="A card",
        blocks=[{"type": "header", "text": {"type": "plain_text", "text": "A card"}}],
        metadata={"event_type": "signoff_card", "event_payload": {"key": "pst_1"}},
    )
    await client.chat_postMessage(channel="C0SUPPORT", text="A reply", thread_ts=str(card["ts"]), reply_broadcast=True)
    await sandbox.person("U0ANA").say(sandbox.workspace.bot_user, "a direct message")

    again = larkspur()
    keeping.restore(again, json.loads(json.dumps(keeping.kept(sandbox.workspace))))

    assert keeping.kept(again) == keeping.kept(sandbox.workspace)
    parent, reply = again.channels["C0SUPPORT"].top
    assert parent.replies == [reply]
    assert parent.metadata is not None
    assert again.new_ts() > reply.ts


def test_a_file_of_another_version_is_told_apart() -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        keeping.restore(larkspur(), {"channels": [{"id": "C1", "name": "x", "kind": "none", "messages": []}]})


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"

    keeping.write(path, {"first": 1})
    keeping.write(path, {"second": 2})

    assert json.loads(path.read_text()) == {"second": 2}
    assert [each.name for each in tmp_path.iterdir()] == ["kept.json"]
