"""What reaches the bot and what becomes of it when it does not: signatures, echoes, retries, three seconds."""

import asyncio
import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from bot.sandbox import Fault, SandboxServer, Trouble
from tests.data import shared
from tests.serving import serve

SAMPLES = "slack/sdk_test_payloads.jsonl.gz"
BUTTON = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}, "value": "rev_1"}
CARD = [{"type": "actions", "block_id": "row", "elements": [BUTTON]}]


@dataclass
class Receiver:
    """A bot that records whole requests and answers what it is told to."""

    answer: Callable[[], Response] = field(default=lambda: Response())
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        self.heard.append((dict(request.headers), await request.body()))
        return self.answer()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body)["event"] for _, body in self.heard]


@pytest.fixture
async def receiver(sandbox: SandboxServer) -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def endpoint(request: Request) -> Response:
        return await receiver(request)

    async with serve(Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])) as url:
        sandbox.connect(f"{url}/slack/events")
        yield receiver


async def test_requests_are_signed_over_the_raw_body(sandbox: SandboxServer, receiver: Receiver) -> None:
    await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
    await sandbox.quiet()

    [(headers, body)] = receiver.heard
    signed = b"v0:" + headers["x-slack-request-timestamp"].encode() + b":" + body
    expected = hmac.new(sandbox.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-slack-signature"] == f"v0={expected}"


async def test_the_request_url_is_verified(sandbox: SandboxServer, bolt: AsyncApp) -> None:
    answer = await sandbox.delivery.verify()

    assert (answer.status, answer.reason) == (200, None)
    assert "sandbox-challenge" in str(answer.body)


async def test_the_bot_hears_people_and_its_own_echo(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    metadata = {"event_type": "signoff", "event_payload": {"idem": "rev_1"}}
    ts = (await client.chat_postMessage(channel="C0SUPPORT", text="A draft", metadata=metadata))["ts"]
    await sandbox.person("U0ANA").say("C0SUPPORT", "Looks fine", thread_ts=ts)
    await client.chat_update(channel="C0SUPPORT", ts=ts, text="Sent")
    await sandbox.quiet()

    echo, reply, changed = receiver.events
    assert (echo["type"], echo["bot_id"], echo["channel_type"]) == ("message", "B0SIGNOFF", "channel")
    assert echo["metadata"] == metadata
    assert (reply["user"], reply["thread_ts"], reply["parent_user_id"]) == ("U0ANA", ts, "U0SIGNOFF")
    assert (changed["subtype"], changed["message"]["text"], changed["previous_message"]["text"]) == (
        "message_changed",
        "Sent",
        "A draft",
    )


async def test_a_mention_is_told_twice_as_slack_does(sandbox: SandboxServer, receiver: Receiver) -> None:
    said = await sandbox.person("U0ANA").say(
        "C0SUPPORT", "@signoff redraft, <b> & ask @Bo about #billing, @support-agents"
    )
    await sandbox.quiet()

    assert said.text == (
        "<@U0SIGNOFF> redraft, &lt;b&gt; &amp; ask <@U0BO> about <#C0BILLING|billing>, "
        "<!subteam^S0AGENTS|@support-agents>"
    )
    assert sorted(event["type"] for event in receiver.events) == ["app_mention", "message"]


async def test_a_direct_message_is_told_as_im_and_without_mention(sandbox: SandboxServer, receiver: Receiver) -> None:
    await sandbox.person("U0ANA").say("U0SIGNOFF", "@signoff hello")
    await sandbox.quiet()

    assert [(event["type"], event["channel_type"]) for event in receiver.events] == [("message", "im")]


async def test_a_channel_without_the_bot_is_not_told(sandbox: SandboxServer, receiver: Receiver) -> None:
    sandbox.workspace.channels["C0BILLING"].members.remove("U0SIGNOFF")

    await sandbox.person("U0ANA").say("C0BILLING", "Psst")
    await sandbox.quiet()

    assert receiver.heard == []


async def test_only_what_was_subscribed_is_told(sandbox: SandboxServer, receiver: Receiver) -> None:
    sandbox.workspace.subscriptions = frozenset({"app_mention"})

    await sandbox.person("U0ANA").say("C0SUPPORT", "@signoff hello")
    await sandbox.quiet()

    assert [event["type"] for event in receiver.events] == ["app_mention"]


async def test_changes_of_a_user_group_are_told(sandbox: SandboxServer, receiver: Receiver) -> None:
    sandbox.workspace.regroup("S0LEADS", ["U0DEE", "U0ANA"])
    await sandbox.quiet()

    [event] = receiver.events
    assert (event["added_users"], event["removed_users"]) == (["U0ANA"], ["U0ELI"])


async def test_somebody_joining_is_told(sandbox: SandboxServer, receiver: Receiver) -> None:
    sandbox.workspace.channels["C0VIP"].members.remove("U0FAY")

    await sandbox.person("U0FAY").join("C0VIP")
    await sandbox.person("U0FAY").join("C0VIP")
    await sandbox.quiet()

    [event] = receiver.events
    assert (event["type"], event["user"], event["channel"]) == ("member_joined_channel", "U0FAY", "C0VIP")


async def test_a_failed_event_comes_again_three_times_with_number_and_reason(
    sandbox: SandboxServer, receiver: Receiver
) -> None:
    receiver.answer = lambda: Response(status_code=503)

    await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
    await sandbox.until(lambda: len(sandbox.deliveries("message")) == 4)

    told = [(headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason")) for headers, _ in receiver.heard]
    assert told == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert len({json.loads(body)["event_id"] for _, body in receiver.heard}) == 1


async def test_the_bot_can_decline_further_retries(sandbox: SandboxServer, receiver: Receiver) -> None:
    receiver.answer = lambda: Response(status_code=500, headers={"x-slack-no-retry": "1"})

    await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
    await sandbox.until(lambda: not sandbox.delivery.undelivered)

    assert [delivered.attempt for delivered in sandbox.deliveries("message")] == [0]


async def test_retries_stop_at_the_first_acknowledgement(sandbox: SandboxServer, receiver: Receiver) -> None:
    answers = iter([Response(status_code=500), Response()])
    receiver.answer = lambda: next(answers)

    await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
    await sandbox.until(lambda: len(sandbox.deliveries("message")) == 2)
    await sandbox.quiet()

    assert [delivered.status for delivered in sandbox.deliveries("message")] == [500, 200]


async def test_an_event_not_acknowledged_in_time_counts_as_failed() -> None:
    never = asyncio.Event()

    async def endpoint(request: Request) -> Response:
        await never.wait()
        return Response()

    async with (
        SandboxServer(limited=False, deadline_seconds=0.05) as sandbox,
        serve(Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])) as url,
    ):
        sandbox.connect(f"{url}/slack/events")
        await sandbox.person("U0ANA").say("C0SUPPORT", "Hello")
        first = (await sandbox.until(lambda: sandbox.deliveries("message")))[0]
        never.set()

    assert (first.status, first.reason) == (0, "http_timeout")


async def test_a_duplicate_and_a_swapped_pair_of_events(sandbox: SandboxServer, receiver: Receiver) -> None:
    ana = sandbox.person("U0ANA")
    sandbox.faults.add(Fault(Trouble.DUPLICATE, method="message"))
    await ana.say("C0SUPPORT", "twice")
    await sandbox.quiet()
    sandbox.faults.add(Fault(Trouble.REORDER, method="message"))
    await ana.say("C0SUPPORT", "first")
    await ana.say("C0SUPPORT", "second")
    await sandbox.until(lambda: len(receiver.heard) == 4)

    assert [event["text"] for event in receiver.events] == ["twice", "twice", "second", "first"]
    assert receiver.heard[0][1] == receiver.heard[1][1]


async def test_app_rate_limited_is_told_on_demand(sandbox: SandboxServer, receiver: Receiver) -> None:
    await sandbox.delivery.rate_limited()

    told = json.loads(receiver.heard[0][1])
    assert (told["type"], told["team_id"]) == ("app_rate_limited", "T0LARKSPUR")


@pytest.mark.parametrize("status", [404, 500])
async def test_a_press_the_bot_does_not_take_is_an_error_for_that_person_only(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver, status: int
) -> None:
    receiver.answer = lambda: Response(status_code=status)
    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)

    seen = await sandbox.person("U0ANA").click("approve", on=sandbox.messages("C0SUPPORT")[0])

    assert seen.error == "This app didn’t respond in time. Try again?"
    assert sandbox.person("U0ANA").notices == [seen.error]
    assert sandbox.person("U0BO").notices == []
    assert len(sandbox.deliveries("block_actions")) == 1


async def test_a_command_is_a_form_and_its_answer_is_for_one_person(sandbox: SandboxServer, receiver: Receiver) -> None:
    receiver.answer = lambda: JSONResponse({"text": "Nothing is waiting."})

    seen = await sandbox.person("U0ANA").run("/signoff", "queue", channel="C0SUPPORT")

    form = {key: value[0] for key, value in parse_qs(receiver.heard[0][1].decode()).items()}
    assert (form["command"], form["text"], form["user_id"]) == ("/signoff", "queue", "U0ANA")
    assert [message.text for message in seen.ephemerals] == ["Nothing is waiting."]
    assert sandbox.messages("C0SUPPORT") == []


async def test_only_what_is_new_is_shown_after_an_action(sandbox: SandboxServer, receiver: Receiver) -> None:
    ana, answers = sandbox.person("U0ANA"), iter(["one", "two"])
    receiver.answer = lambda: JSONResponse({"text": next(answers)})

    seen = [await ana.run("/signoff", channel="C0SUPPORT") for _ in range(2)]

    assert [[message.text for message in each.ephemerals] for each in seen] == [["one"], ["two"]]
    assert [message.text for message in ana.ephemerals] == ["one", "two"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: Response(status_code=500), "/signoff failed with the error “dispatch_failed”"),
        (lambda: JSONResponse({"blocks": [{"type": "header"}]}), "/signoff failed with the error “invalid_blocks”"),
    ],
)
async def test_a_failed_command_says_so(
    sandbox: SandboxServer, receiver: Receiver, answer: Callable[[], Response], error: str
) -> None:
    receiver.answer = answer

    assert (await sandbox.person("U0ANA").run("/signoff", channel="C0SUPPORT")).error == error


async def test_an_external_menu_asks_the_bot_for_its_options(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    offered = {"text": {"type": "plain_text", "text": "Returns"}, "value": "returns"}
    menu = {"type": "external_select", "action_id": "find", "min_query_length": 1}
    await client.chat_postMessage(channel="C0SUPPORT", text="x", blocks=[{"type": "actions", "elements": [menu]}])
    await sandbox.quiet()
    receiver.answer = lambda: JSONResponse({"options": [offered]})

    found = await sandbox.person("U0ANA").suggest("find", "ret", on=sandbox.messages("C0SUPPORT")[0])

    assert found == [offered]


async def test_an_overflow_menu_and_a_select_tell_what_was_chosen(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    options = [{"text": {"type": "plain_text", "text": word}, "value": word} for word in ("redraft", "dismiss")]
    elements = [
        {"type": "overflow", "action_id": "more", "options": options},
        {"type": "static_select", "action_id": "category", "options": options},
    ]
    await client.chat_postMessage(
        channel="C0SUPPORT", text="x", blocks=[{"type": "actions", "block_id": "row", "elements": elements}]
    )
    [card] = sandbox.messages("C0SUPPORT")
    await sandbox.person("U0ANA").choose("more", "dismiss", on=card)
    await sandbox.person("U0ANA").choose("category", "redraft", on=card)

    more, category = [delivered.payload for delivered in sandbox.deliveries("block_actions")]
    assert more["actions"][0]["selected_option"]["value"] == "dismiss"
    assert category["actions"][0]["selected_option"]["value"] == "redraft"
    assert category["state"]["values"]["row"]["category"]["selected_option"]["value"] == "redraft"


async def test_a_response_url_answers_five_times(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)
    [card] = sandbox.messages("C0SUPPORT")
    await sandbox.person("U0ANA").click("approve", on=card)
    webhook = AsyncWebhookClient(sandbox.deliveries("block_actions")[0].payload["response_url"])

    await webhook.send(text="Only you")
    await webhook.send(text="All", response_type="in_channel")
    await webhook.send(text="Replaced", replace_original=True)
    bad = await webhook.send(text="x", blocks=[{"type": "header"}])
    await webhook.send(delete_original=True)
    sixth = await webhook.send(text="Too often")

    assert [message.text for message in sandbox.person("U0ANA").ephemerals] == ["Only you"]
    assert card.text == "Replaced"
    assert [message.text for message in sandbox.messages("C0SUPPORT")] == ["All"]
    assert "invalid_blocks" in bad.body
    assert (sixth.status_code, json.loads(sixth.body)["error"]) == (404, "used_url")


async def test_a_button_hidden_from_someone_cannot_be_pressed_by_them(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    hidden = [{"type": "actions", "elements": [{**BUTTON, "visible_to_user_ids": ["U0DEE"]}]}]
    await client.chat_postMessage(channel="C0SUPPORT", text="x", blocks=hidden)
    [card] = sandbox.messages("C0SUPPORT")

    assert (await sandbox.person("U0DEE").click("approve", on=card)).ok
    with pytest.raises(LookupError, match="not shown"):
        await sandbox.person("U0ANA").click("approve", on=card)
    with pytest.raises(LookupError, match="nothing with action_id"):
        await sandbox.person("U0DEE").click("deny", on=card)


async def test_payloads_have_every_field_that_real_ones_share(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    """For each kind: the fields that all of Slack's samples have, apart from those of Enterprise Grid."""
    receiver.answer = lambda: JSONResponse({})
    ana = sandbox.person("U0ANA")
    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)
    [card] = sandbox.messages("C0SUPPORT")
    await ana.click("approve", on=card)
    await ana.run("/signoff", channel="C0SUPPORT")
    await ana.shortcut("ask")
    await ana.shortcut("ask", on=card)
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "notify_on_close": True, "blocks": []}
    view["blocks"] = [{"type": "divider"}]
    for finish in (ana.submit, ana.close):
        await client.views_open(trigger_id=sandbox.workspace.new_trigger("U0ANA"), view=view)
        await finish()
    await ana.say("C0SUPPORT", "@signoff hello")
    await sandbox.quiet()

    sent = {delivered.kind: delivered.payload for delivered in sandbox.deliveries()}
    with gzip.open(shared(SAMPLES), "rt") as lines:
        samples = [json.loads(line) for line in lines]
    for kind, ours in sent.items():
        known = [s["payload"] for s in samples if s["kind"] in (kind, f"event:{kind}") and "token" in s["payload"]]
        always = set.intersection(*(set(payload) for payload in known)) if known else set()
        assert always - {"enterprise_id", "authed_users", "workflow_step"} <= set(ours), kind
    assert {"block_actions", "view_submission", "view_closed", "slash_command", "app_mention"} <= set(sent)


async def test_the_sandbox_does_not_listen_to_the_world() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        SandboxServer(host="0.0.0.0")


async def test_uploads_are_served_as_attachments_only(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    await client.files_upload_v2(content="<script>", filename="x.html", channel="C0SUPPORT")
    [message] = sandbox.messages("C0SUPPORT")

    async with aiohttp.ClientSession() as web, web.get(message.files[0]["url_private"]) as answer:
        assert answer.headers["content-disposition"] == "attachment"
        assert await answer.text() == "<script>"


async def test_a_response_url_cannot_change_a_message_that_is_gone(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    await client.chat_postMessage(channel="C0SUPPORT", text="A draft", blocks=CARD)
    [card] = sandbox.messages("C0SUPPORT")
    await sandbox.person("U0ANA").click("approve", on=card)
    await client.chat_delete(channel="C0SUPPORT", ts=card.ts)

    webhook = AsyncWebhookClient(sandbox.deliveries("block_actions")[0].payload["response_url"])
    told = [(await webhook.send(delete_original=True)).body, (await webhook.send(text="x", replace_original=True)).body]

    assert all("message_not_found" in body for body in told)


async def test_a_response_url_ends_after_half_an_hour_and_unknown_ones_never_were(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    await sandbox.person("U0ANA").run("/signoff", channel="C0SUPPORT")
    address = sandbox.deliveries("slash_command")[0].payload["response_url"]
    later = sandbox.workspace.clock() + timedelta(minutes=30, seconds=1)
    sandbox.workspace.hooks.clock = lambda: later

    expired = await AsyncWebhookClient(address).send(text="Late")
    unknown = await AsyncWebhookClient(f"{sandbox.url}/hooks/response/none").send(text="x")

    assert [json.loads(answer.body)["error"] for answer in (expired, unknown)] == ["expired_url"] * 2


async def test_many_posts_at_once_keep_their_order_and_reach_the_bot(
    sandbox: SandboxServer, client: AsyncWebClient, receiver: Receiver
) -> None:
    await asyncio.gather(*(client.chat_postMessage(channel="C0SUPPORT", text=f"m{n}") for n in range(40)))
    await sandbox.quiet()

    stamps = [message.ts for message in sandbox.messages("C0SUPPORT")]
    assert stamps == sorted(stamps)
    assert len(receiver.heard) == 40


async def test_a_host_can_mount_the_sandbox_instead() -> None:
    sandbox = SandboxServer(limited=False)
    async with serve(Starlette(routes=[Mount("/slack", app=sandbox.app)])) as url:
        await sandbox.attach(f"{url}/slack")
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])
        sandbox.faults.add(Fault(Trouble.DROP, method="chat.postMessage"))

        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel="C0SUPPORT", text="x")
        await client.chat_postMessage(channel="C0SUPPORT", text="y")
        await sandbox.stop()

    assert [message.text for message in sandbox.messages("C0SUPPORT")] == ["y"]
