"""Socket Mode, with Bolt's own handler on the other end."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxServer
from tests.sandbox.conftest import bolt_for

BUTTON = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}}
CARD = [{"type": "actions", "elements": [BUTTON]}]


@pytest.fixture
async def bolt(sandbox: SandboxServer) -> AsyncIterator[AsyncApp]:
    app = bolt_for(sandbox)
    handler = AsyncSocketModeHandler(app, sandbox.app_token, ping_interval=1)
    await handler.connect_async()
    await sandbox.until(lambda: sandbox.sockets.links)
    yield app
    await handler.close_async()


async def link(sandbox: SandboxServer, web: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    client = AsyncWebClient(base_url=sandbox.api_url)
    url = (await client.apps_connections_open(app_token=sandbox.app_token))["url"]
    return await web.ws_connect(url)


async def test_events_presses_and_commands_arrive_in_envelopes(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp
) -> None:
    heard: list[str] = []

    @bolt.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    @bolt.action("approve")
    async def approve(ack: Any) -> None:
        await ack()

    @bolt.command("/signoff")
    async def command(ack: Any) -> None:
        await ack("Nothing is waiting.")

    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)
    ana = sandbox.person("U0ANA")

    pressed = await ana.click("approve", on=sandbox.messages("C0SUPPORT")[0])
    ran = await ana.run("/signoff", "queue", channel="C0SUPPORT")
    await ana.say("C0SUPPORT", "@signoff hello")
    await sandbox.until(lambda: heard)

    assert pressed.ok
    assert [message.text for message in ran.ephemerals] == ["Nothing is waiting."]
    assert heard == ["<@U0SIGNOFF> hello"]


async def test_a_press_without_a_listener_stays_unacknowledged(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp
) -> None:
    sandbox.delivery.deadline_seconds = 0.2
    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)

    seen = await sandbox.person("U0ANA").click("approve", on=sandbox.messages("C0SUPPORT")[0])

    assert seen.error == "This app didn’t respond in time. Try again?"


async def test_hello_comes_first_and_a_ticket_admits_once(sandbox: SandboxServer) -> None:
    client = AsyncWebClient(base_url=sandbox.api_url)
    url = (await client.apps_connections_open(app_token=sandbox.app_token))["url"]
    async with aiohttp.ClientSession() as web:
        async with web.ws_connect(url) as socket:
            hello = await socket.receive_json()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await web.ws_connect(url)

    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": "A0SIGNOFF"}


async def test_each_payload_goes_to_one_connection_and_again_when_unacknowledged(sandbox: SandboxServer) -> None:
    sandbox.delivery.deadline_seconds = 0.1
    async with aiohttp.ClientSession() as web:
        sockets = [await link(sandbox, web) for _ in range(2)]
        for socket in sockets:
            await socket.receive_json()
        await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
        await sandbox.until(lambda: len(sandbox.deliveries("message")) == 4)
        heard = [[json.loads(await socket.receive_str()) for _ in range(2)] for socket in sockets]
        for socket in sockets:
            await socket.close()

    envelopes = heard[0] + heard[1]
    assert sorted(envelope["retry_attempt"] for envelope in envelopes) == [0, 1, 2, 3]
    assert {envelope["retry_reason"] for envelope in envelopes} == {"", "timeout"}
    assert {envelope["accepts_response_payload"] for envelope in envelopes} == {False}


async def test_the_eleventh_connection_is_sent_away(sandbox: SandboxServer) -> None:
    async with aiohttp.ClientSession() as web:
        sockets = [await link(sandbox, web) for _ in range(11)]
        told = [await socket.receive_json() for socket in sockets]
        for socket in sockets:
            await socket.close()

    assert [entry["type"] for entry in told] == ["hello"] * 10 + ["disconnect"]
    assert told[10]["reason"] == "too_many_websockets"


async def test_nonsense_from_the_bot_ends_nothing(sandbox: SandboxServer) -> None:
    async with aiohttp.ClientSession() as web:
        socket = await link(sandbox, web)
        await socket.receive_json()
        for nonsense in ("{", "[]", "3", '{"envelope_id": "E-unknown"}', '{"envelope_id": []}'):
            await socket.send_str(nonsense)
        await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await sandbox.until(lambda: sandbox.deliveries("message"))
        await socket.close()

    assert sandbox.deliveries("message")[0].status == 200


async def test_a_bot_asked_to_reconnect_does_and_goes_on(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp
) -> None:
    @bolt.action("approve")
    async def approve(ack: Any) -> None:
        await ack()

    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)
    before = sandbox.sockets.links[0]

    await sandbox.sockets.disconnect("refresh_requested")
    await sandbox.until(lambda: sandbox.sockets.links and sandbox.sockets.links[0] is not before)
    seen = await sandbox.person("U0ANA").click("approve", on=sandbox.messages("C0SUPPORT")[0])

    assert seen.ok


async def test_events_while_nobody_is_connected_are_failed_deliveries(sandbox: SandboxServer) -> None:
    async with aiohttp.ClientSession() as web:
        socket = await link(sandbox, web)
        await socket.receive_json()
        await socket.close()
        await sandbox.until(lambda: not sandbox.sockets.links)
        await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
        await sandbox.until(lambda: len(sandbox.deliveries("message")) == 4)

    assert {delivered.reason for delivered in sandbox.deliveries()} == {"connection_failed"}
