"""What happens between a person's finger and the bot, through a real Bolt app over HTTP."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxServer

BUTTON = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}, "value": "rev_1"}
CARD = [{"type": "actions", "block_id": "row", "elements": [BUTTON]}]


def modal(**more: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "text", "multiline": True}
    return {
        "type": "modal",
        "callback_id": "edit",
        "title": {"type": "plain_text", "text": "Edit"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {"type": "input", "block_id": "reply", "label": {"type": "plain_text", "text": "Reply"}, "element": field}
        ],
        **more,
    }


async def test_a_button_reaches_the_bot_as_slack_would_send_it(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp
) -> None:
    heard: list[dict[str, Any]] = []

    @bolt.action("approve")
    async def approve(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body)
        await ack()

    posted = await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)
    seen = await sandbox.person("U0ANA").click("approve", on=sandbox.messages("C0SUPPORT")[0])

    assert seen.ok
    [body] = heard
    assert body["user"]["id"] == "U0ANA"
    assert body["actions"][0]["value"] == "rev_1"
    assert body["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": "C0SUPPORT",
        "is_ephemeral": False,
    }


async def test_a_modal_opens_is_filled_and_submitted(
    sandbox: SandboxServer, client: AsyncWebClient, bolt: AsyncApp
) -> None:
    heard: list[str] = []

    @bolt.action("approve")
    async def approve(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @bolt.view("edit")
    async def edit(ack: Any, view: dict[str, Any]) -> None:
        text = view["state"]["values"]["reply"]["text"]["value"]
        if text == "no":
            await ack(response_action="errors", errors={"reply": "Say more."})
            return
        heard.append(text)
        await ack()

    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)
    ana = sandbox.person("U0ANA")
    opened = await ana.click("approve", on=sandbox.messages("C0SUPPORT")[0])
    assert opened.view is not None
    assert opened.view.title == "Edit"

    empty = await ana.submit()
    assert empty.errors == {"reply": "Please complete this required field."}

    await ana.type("text", "no")
    refused = await ana.submit()
    assert refused.errors == {"reply": "Say more."}

    await ana.type("text", "It ships today.")
    done = await ana.submit()

    assert done.ok
    assert done.view is None
    assert heard == ["It ships today."]
