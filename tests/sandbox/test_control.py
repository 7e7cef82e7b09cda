"""The control API: what the page draws from, and hands at a distance."""

import json
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxServer

BUTTON = {"type": "button", "action_id": "edit", "text": {"type": "plain_text", "text": "Edit"}, "value": "rev_1"}
CARD = [{"type": "actions", "block_id": "row", "elements": [BUTTON]}]
FIELD = {"type": "plain_text_input", "action_id": "text"}
MODAL = {
    "type": "modal",
    "callback_id": "edit",
    "title": {"type": "plain_text", "text": "Edit"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {"type": "input", "block_id": "reply", "label": {"type": "plain_text", "text": "Reply"}, "element": FIELD}
    ],
}


async def act(sandbox: SandboxServer, action: str, **body: Any) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as web,
        web.post(f"{sandbox.url}/sandbox/{action}", json={"as": "U0ANA", **body}) as answer,
    ):
        told: dict[str, Any] = await answer.json()
        return {"status": answer.status, **told}


async def look(sandbox: SandboxServer, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as web, web.get(f"{sandbox.url}/sandbox/{path}") as answer:
        told: dict[str, Any] = await answer.json()
        return told


async def test_the_state_is_everything_a_page_needs(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD))["ts"]
    await client.chat_postMessage(channel="C0SUPPORT", text="Transcript", thread_ts=ts)
    await client.chat_postMessage(channel="U0ANA", text="Psst")
    await client.chat_postEphemeral(channel="C0SUPPORT", user="U0ANA", text="Only you")
    await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": []})

    ana = await look(sandbox, "state?as=U0ANA")
    bo = await look(sandbox, "state?as=U0BO")

    assert [channel["name"] for channel in ana["channels"]] == ["support", "billing", "vip-desk", ""]
    assert ana["channels"][3]["with"] == "U0SIGNOFF"
    [card] = ana["channels"][0]["messages"]
    assert [reply["text"] for reply in card["replies"]] == ["Transcript"]
    assert card["blocks"][0]["block_id"] == "row"
    assert [message["text"] for message in ana["ephemerals"]] == ["Only you"]
    assert ana["home"]["type"] == "home"
    assert ana["me"]["initials"] == "AR"
    assert (len(bo["channels"]), bo["ephemerals"], bo["home"]) == (3, [], None)


async def test_a_whole_edit_at_a_distance(sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp) -> None:
    heard: list[str] = []

    @bolt.action("edit")
    async def edit(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @bolt.view("edit")
    async def send(ack: Any, view: dict[str, Any]) -> None:
        heard.append(view["state"]["values"]["reply"]["text"]["value"])
        await ack()

    @bolt.event("message")
    async def message() -> None:
        pass

    ts = (await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD))["ts"]
    opened = await act(sandbox, "click", action_id="edit", channel="C0SUPPORT", ts=ts)
    empty = await act(sandbox, "submit")
    typed = await act(sandbox, "type", action_id="text", text="Draft")
    sent = await act(sandbox, "submit", values={"reply": {"text": "It ships today."}})

    assert opened["view"]["title"]["text"] == "Edit"
    assert (empty["ok"], empty["errors"]) == (False, {"reply": "Please complete this required field."})
    assert typed["view"]["values"]["reply"]["text"]["value"] == "Draft"
    assert (sent["ok"], sent["view"]) == (True, None)
    assert heard == ["It ships today."]


async def test_messages_commands_reactions_and_home(sandbox: SandboxServer, bolt: AsyncApp) -> None:
    @bolt.command("/signoff")
    async def queue(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"{command['text']}: nothing")

    said = await act(sandbox, "message", channel="C0SUPPORT", text="Hello @Bo")
    reply = await act(sandbox, "message", channel="C0SUPPORT", text="More", thread_ts=said["message"]["ts"])
    reacted = await act(sandbox, "react", channel="C0SUPPORT", ts=said["message"]["ts"], name="eyes")
    ran = await act(sandbox, "command", channel="C0SUPPORT", command="/signoff", text="queue")
    whisper = ran["ephemerals"][0]
    gone = await act(sandbox, "dismiss", channel="C0SUPPORT", ts=whisper["ts"])
    home = await act(sandbox, "home")

    assert said["message"]["text"] == "Hello <@U0BO>"
    assert reply["message"]["thread_ts"] == said["message"]["ts"]
    assert whisper["text"] == "queue: nothing"
    assert reacted["ok"]
    assert gone["ok"]
    assert home["ok"]
    assert sandbox.person("U0ANA").ephemerals == []


async def test_the_stream_tells_of_every_change(sandbox: SandboxServer) -> None:
    async with aiohttp.ClientSession() as web, web.get(f"{sandbox.url}/sandbox/stream?as=U0ANA") as stream:
        first = json.loads((await stream.content.readuntil(b"\n\n")).decode().removeprefix("data: "))
        await sandbox.person("U0BO").say("C0SUPPORT", "Hello")
        then = json.loads((await stream.content.readuntil(b"\n\n")).decode().removeprefix("data: "))

    assert then["version"] > first["version"]


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("click", {"as": "U0NOBODY", "action_id": "edit"}, 404),
        ("click", {"as": None, "action_id": "edit"}, 404),
        ("click", {"action_id": "edit"}, 404),
        ("click", {"action_id": "edit", "home": True}, 404),
        ("click", {"action_id": "edit", "channel": "C0NOWHERE", "ts": "1.2"}, 404),
        ("message", {"channel": "C0SUPPORT"}, 404),
        ("message", {"channel": "C0NOWHERE", "text": "x"}, 404),
        ("message", {"channel": "C0SUPPORT", "text": "x", "thread_ts": "1.000001"}, 400),
        ("choose", {"action_id": "edit", "values": 3}, 400),
        ("submit", {}, 404),
        ("submit", {"values": []}, 404),
        ("dismiss", {"channel": "C0SUPPORT", "ts": "1.2"}, 404),
        ("faults", {"trouble": "earthquake"}, 400),
        ("faults", {"trouble": "error", "surprise": 1}, 400),
        ("limits", {"posts_at_once": "many"}, 400),
        ("usergroup", {"id": "S0NONE", "users": []}, 404),
        ("nothing", {}, 404),
    ],
)
async def test_mistakes_get_a_4xx(sandbox: SandboxServer, action: str, body: dict[str, Any], status: int) -> None:
    async with (
        aiohttp.ClientSession() as web,
        web.post(f"{sandbox.url}/sandbox/{action}", json={"as": "U0ANA", **body}) as answer,
    ):
        assert answer.status == status


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json"}, b"[]", 400),
        ({"Content-Type": "text/plain"}, b'{"as": "U0ANA"}', 400),
        ({"Content-Type": "application/json", "Origin": "https://evil.example"}, b'{"as": "U0ANA"}', 403),
        ({"Content-Type": "application/json", "Origin": "null"}, b'{"as": "U0ANA"}', 403),
        ({"Content-Type": "application/json", "Origin": "http://["}, b'{"as": "U0ANA"}', 403),
        ({"Content-Type": "application/json"}, b"[" * 100_000, 400),
        ({"Content-Type": "application/json", "Host": "evil.example"}, b'{"as": "U0ANA"}', 403),
        ({"Content-Type": "application/json", "Origin": "http://localhost:8000"}, b'{"as": "U0ANA"}', 200),
    ],
)
async def test_other_origins_and_other_types_are_refused(
    sandbox: SandboxServer, headers: dict[str, str], body: bytes, status: int
) -> None:
    async with (
        aiohttp.ClientSession() as web,
        web.post(f"{sandbox.url}/sandbox/home", data=body, headers=headers) as answer,
    ):
        assert answer.status == status


async def test_faults_limits_and_figures_at_a_distance(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    await act(sandbox, "limits", enabled=True, posts_at_once=1)
    async with (
        aiohttp.ClientSession() as web,
        web.post(f"{sandbox.url}/sandbox/faults", json={"trouble": "refuse", "method": "chat.update"}) as answer,
    ):
        assert answer.status == 200
    await client.chat_postMessage(channel="C0SUPPORT", text="x")
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel="C0SUPPORT", text="y")
    with pytest.raises(SlackApiError):
        await client.chat_update(channel="C0SUPPORT", ts="1.000001", text="z")

    figures = await look(sandbox, "figures")
    calls = await look(sandbox, "calls?method=chat.postMessage")

    assert figures == {
        "issued_429": {"chat.postMessage": 1},
        "calls": 3,
        "posts": 1,
        "faults": [["chat.update", "refuse"]],
    }
    assert [call["status"] for call in calls["calls"]] == [200, 429]
    assert sandbox.bot_token not in json.dumps(calls)


async def test_an_avatar_is_drawn_and_escaped(sandbox: SandboxServer) -> None:
    sandbox.workspace.users["U0ANA"].real_name = "<script>"
    async with aiohttp.ClientSession() as web, web.get(f"{sandbox.url}/sandbox/avatar/U0ANA.svg") as answer:
        assert answer.content_type == "image/svg+xml"
        assert "&lt;</text>" in await answer.text()
