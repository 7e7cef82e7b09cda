"""The webhook channel, over real HTTP in both directions."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import standardwebhooks
from fastapi import FastAPI, Request, Response

from adapters.base import Automatic, PermanentFailure, TemporaryFailure
from adapters.refusals import Refusal
from adapters.webhook import Webhook
from adapters.webhook.adapter import retry_after_seconds
from adapters.webhook.signatures import Signatures
from tests.adapters.contract import AdapterContract, FailingChannel, FarEndContract, Inbox, refusals
from tests.clock import NOON, Clock
from tests.data import shared
from tests.patience import PATIENCE_SECONDS
from tests.serving import app_of, serve

SECRET = "whsec_bGFya3NwdXIgc3VwcGx5IHRlc3Qga2V5IG9uZQ=="
RETIRED = "whsec_bGFya3NwdXIgc3VwcGx5IHRlc3Qga2V5IHR3bw=="
STRANGE = "whsec_c29tZWJvZHkgZWxzZSdzIGtleSwgbm90IG91cnM="


class Shop:
    """The product at the far end: takes replies and drops those it has already."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.app.add_api_route("/replies", self._take, methods=["POST"])
        self.app.add_api_route("/elsewhere", self._take, methods=["POST"])
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.replies: dict[str, dict[str, Any]] = {}
        self.answers: list[Response] = []  # instead of 204, in this order; the last one stays

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append((dict(request.headers), body))
        if self.answers:
            return self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        self.replies.setdefault(request.headers["webhook-id"], json.loads(body))
        return Response(status_code=204)


class OverWebhook(FailingChannel):
    def __init__(self, adapter: Webhook, inbox: Inbox, clock: Clock, shop: Shop, http: httpx2.AsyncClient) -> None:
        self.adapter = adapter
        self.inbox = inbox
        self.clock = clock
        self.shop = shop
        self.http = http

    def body(self, text: str, **more: Any) -> dict[str, Any]:
        customer = {"id": "c-1009", "name": more.get("name"), "email": more.get("email")}
        body: dict[str, Any] = {"conversation": "ticket-4711", "customer": customer, "text": text}
        body["id"] = more.get("external_id") or uuid.uuid4().hex
        body["attachments"] = more.get("attachments", [])
        return body

    def signed(self, body: bytes, *, webhook_id: str = "msg_1", secret: str = SECRET, age: float = 0) -> dict[str, str]:
        at = datetime.fromtimestamp(int(self.clock().timestamp() - age), UTC)
        # Signed by hand for bytes that are no text: the specification's library signs text only.
        text = body.decode("utf-8", "surrogateescape")
        if not text.isprintable() and "\udcff" in text:
            signature = "v1,"
        else:
            signature = standardwebhooks.Webhook(secret).sign(webhook_id, at, text)
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }

    async def post(self, body: bytes) -> httpx2.Response:
        return await self.http.post("/channels/shop/messages", content=body, headers=self.signed(body))

    async def post_with(self, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        return await self.http.post("/channels/shop/messages", content=body, headers=headers)

    async def post_unauthorised(self, body: bytes) -> list[httpx2.Response]:
        good = self.signed(body)
        wrong: list[dict[str, str]] = [
            {},
            {**good, "webhook-signature": ""},
            {**good, "webhook-signature": "v1"},
            {**good, "webhook-signature": "v1,!!!"},
            {**good, "webhook-signature": "v1,a,b,c"},
            {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")},
            {**good, "webhook-signature": "v1,YQ== " * 50 + good["webhook-signature"]},
            {**good, "webhook-signature": "v1,ÿ"},
            {**good, "webhook-id": "msg_2"},
            {**good, "webhook-id": "msg.1"},
            {**good, "webhook-id": "x" * 201},
            {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)},
            {**good, "webhook-timestamp": "soon"},
            {**good, "webhook-timestamp": "nan"},
            {**good, "webhook-timestamp": "1e9"},
            {**good, "webhook-timestamp": "9" * 40},
            {**good, "webhook-timestamp": "-1"},
            self.signed(body + b" "),
            self.signed(body, secret=STRANGE),
            self.signed(body, age=301),
            self.signed(body, age=-301),
        ]
        return [
            await self.post_with(body, {key: value.encode("latin-1") for key, value in each.items()})  # type: ignore[misc]
            for each in wrong
        ]

    async def say_as_vip(self, text: str) -> httpx2.Response:
        body = self.body(text)
        body["customer"]["tier"] = "vip"
        return await self.post(json.dumps(body).encode())

    async def heard(self) -> list[str]:
        return [reply["text"] for reply in self.shop.replies.values()]

    def fail(self, status: int) -> None:
        self.shop.answers = [Response(status_code=status, headers={"location": "/elsewhere"})]


@pytest.fixture
async def channel() -> AsyncIterator[OverWebhook]:
    inbox, clock, shop = Inbox(), Clock(), Shop()
    async with AsyncExitStack() as stack:
        far_end = await stack.enter_async_context(serve(shop.app))
        adapter = Webhook(
            name="shop",
            title="Larkspur shop",
            receive=inbox.receive,
            url=f"{far_end}/replies",
            secrets=[SECRET, RETIRED],
            clock=clock,
            timeout_seconds=PATIENCE_SECONDS,
        )
        stack.push_async_callback(adapter.close)
        here = await stack.enter_async_context(serve(app_of(adapter)))
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=here, timeout=PATIENCE_SECONDS))
        yield OverWebhook(adapter, inbox, clock, shop, http)


class TestTheContract(AdapterContract, FarEndContract):
    pass


async def test_without_an_id_the_webhook_id_names_the_message(channel: OverWebhook) -> None:
    body = channel.body("Hello")
    del body["id"]
    raw = json.dumps(body).encode()

    answer = await channel.post_with(raw, channel.signed(raw, webhook_id="msg_77"))

    assert answer.json()["message_id"] == "msg_msg_77"
    assert channel.inbox.received[0].external_id == "msg_77"


async def test_thread_customer_and_automatic_messages_keep_their_names(channel: OverWebhook) -> None:
    raw = json.dumps({**channel.body("I am away"), "automatic": "auto_reply"}).encode()

    await channel.post(raw)

    (inbound,) = channel.inbox.received
    assert (inbound.thread, inbound.sender.external_id) == ("ticket-4711", "c-1009")
    assert inbound.automatic is Automatic.AUTO_REPLY


async def test_a_retired_secret_still_opens_during_a_rotation(channel: OverWebhook) -> None:
    raw = json.dumps(channel.body("Hello")).encode()

    answer = await channel.post_with(raw, channel.signed(raw, secret=RETIRED))

    assert answer.status_code == 202


async def test_one_right_signature_among_several_is_enough(channel: OverWebhook) -> None:
    raw = json.dumps(channel.body("Hello")).encode()
    headers = channel.signed(raw)
    headers["webhook-signature"] = "v1a,bm90IG91cnM= v1,bm90IG91cnM= " + headers["webhook-signature"]

    assert (await channel.post_with(raw, headers)).status_code == 202


@pytest.mark.parametrize("age", [299, -299])
async def test_a_signature_of_almost_five_minutes_is_taken(channel: OverWebhook, age: float) -> None:
    raw = json.dumps(channel.body("Hello")).encode()

    assert (await channel.post_with(raw, channel.signed(raw, age=age))).status_code == 202


async def test_a_stale_request_is_told_to_be_signed_anew(channel: OverWebhook) -> None:
    raw = json.dumps(channel.body("Hello")).encode()

    answer = await channel.post_with(raw, channel.signed(raw, age=4_000))

    assert answer.json()["code"] == "stale"
    assert "sign each attempt anew" in answer.json()["detail"]


def test_the_published_vector_is_signed_and_checked() -> None:
    vectors = json.loads(shared("standard_webhooks/vectors.json").read_text())
    (vector,) = [each for each in vectors if each["scheme"] == "standard-webhooks-v1"]
    signed_at = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    signatures = Signatures([vector["secret"]], clock=lambda: signed_at)

    headers = signatures.headers(vector["id"], vector["body"])

    assert headers["webhook-signature"] == vector["signature"]
    assert headers["webhook-timestamp"] == vector["timestamp"]
    assert signatures.check(headers, vector["body"].encode()) == vector["id"]
    with pytest.raises(Refusal):
        signatures.check(headers, vector["body"].encode() + b" ")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all!", "whsec_" + "A" * 400])
def test_a_weak_or_broken_secret_is_refused_at_start_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refused:
        Signatures([secret], clock=lambda: NOON)

    assert "c2hvcnQ" not in str(refused.value)


async def test_a_body_that_lies_about_its_length_is_cut_off(channel: OverWebhook) -> None:
    before = refusals(channel.adapter)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 10_000

    answer = await channel.http.post("/channels/shop/messages", content=endless(), headers={"webhook-id": "a"})

    assert answer.status_code == 413
    assert refusals(channel.adapter) == before + 1


async def test_a_reply_says_all_its_receiver_needs_and_is_signed_with_every_secret(channel: OverWebhook) -> None:
    await channel.say("Where is my order?", external_id="m-1")
    reply = channel.reply("It ships today.")

    assert await channel.adapter.send(reply) == reply.key

    ((headers, body),) = channel.shop.requests
    assert json.loads(body) == {
        "type": "reply",
        "id": reply.key,
        "conversation": "ticket-4711",
        "customer": {"id": "customer"},
        "text": "It ships today.",
        "author": "Bo Lindqvist",
        "in_reply_to": None,
        "sequence": 2,
        "timestamp": "2026-11-22T12:00:00Z",
    }
    assert headers["webhook-id"] == reply.key
    assert headers["content-type"] == "application/json"
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, RETIRED):
        assert Signatures([secret], clock=channel.clock).check(headers, body) == reply.key


async def test_each_attempt_is_signed_at_its_own_time_under_the_same_id(channel: OverWebhook) -> None:
    await channel.say("Where is my order?")
    reply = channel.reply("It ships today.")

    await channel.adapter.send(reply)
    channel.clock.now += timedelta(hours=1)
    await channel.adapter.send(reply)

    (first, body), (second, body_again) = channel.shop.requests
    assert first["webhook-id"] == second["webhook-id"]
    assert body == body_again
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3600


@pytest.mark.parametrize(
    ("answer", "noted"),
    [
        (b'{"id": "shop-1"}', "shop-1"),
        (b'{"id": 7}', None),
        (b'{"id": ""}', None),
        (b'{"id": "a\\u0000b"}', None),
        (b"[]", None),
        (b"<html>", None),
        (b"\xff", None),
        (b"[" * 50_000, None),
        (b'{"id": "shop-1"}' + b" " * 1_000_000, None),
    ],
)
async def test_the_receivers_own_id_is_noted_where_it_gives_one(
    channel: OverWebhook, answer: bytes, noted: str | None
) -> None:
    await channel.say("Where is my order?")
    channel.shop.answers = [Response(answer, 200, media_type="application/json")]
    reply = channel.reply("It ships today.")

    assert await channel.adapter.send(reply) == (noted or reply.key)


async def test_redirects_are_not_followed(channel: OverWebhook) -> None:
    await channel.say("Where is my order?")
    channel.fail(307)

    with pytest.raises(TemporaryFailure, match="HTTP 307"):
        await channel.adapter.send(channel.reply("It ships today."))

    assert len(channel.shop.requests) == 1


async def test_the_wait_the_receiver_asks_for_is_passed_on(channel: OverWebhook) -> None:
    await channel.say("Where is my order?")
    channel.shop.answers = [Response(status_code=429, headers={"retry-after": "120"})]

    with pytest.raises(TemporaryFailure) as failure:
        await channel.adapter.send(channel.reply("It ships today."))

    assert failure.value.retry_after_seconds == 120


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("0", 0),
        ("90", 90),
        ("99999999999", 86_400),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Wed, 22 Nov 2028 11:00:00 GMT", 86_400),
        ("Wed, 99 Nov 2028 11:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=NOON) == seconds


async def test_a_receiver_that_is_not_there_is_a_temporary_failure_without_secrets_in_it() -> None:
    async with serve(FastAPI()) as address:
        pass  # a port on which nobody listens any more
    adapter = Webhook(
        name="gone",
        title="Gone",
        receive=Inbox().receive,
        url=address.replace("http://", "http://user:hunter22@"),
        secrets=[SECRET],
        clock=Clock(),
    )

    with pytest.raises(TemporaryFailure) as failure:
        await adapter.send(Inbox().answer("t", "It ships today."))
    await adapter.close()

    assert "hunter22" not in str(failure.value)
    assert "hunter22" not in str(failure.value.__cause__)


async def test_a_receiver_that_does_not_answer_in_time_is_a_temporary_failure() -> None:
    never = asyncio.Event()
    app = FastAPI()

    @app.post("/")
    async def wait() -> None:
        await never.wait()

    async with serve(app) as address:
        adapter = Webhook(
            name="slow",
            title="Slow",
            receive=Inbox().receive,
            url=address,
            secrets=[SECRET],
            clock=Clock(),
            timeout_seconds=0.2,
        )
        with pytest.raises(TemporaryFailure, match=r"no answer within 0\.2 s"):
            await adapter.send(Inbox().answer("t", "It ships today."))
        never.set()
        await adapter.close()


async def test_without_a_url_the_channel_only_listens() -> None:
    adapter = Webhook(name="in", title="In", receive=Inbox().receive, url=None, secrets=[SECRET], clock=Clock())

    with pytest.raises(PermanentFailure, match="no reply URL configured"):
        await adapter.send(Inbox().answer("t", "It ships today."))


@pytest.mark.parametrize("url", ["shop.example/replies", "ftp://shop.example", "http://", "javascript:1"])
def test_a_reply_url_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValueError, match="http or https"):
        Webhook(name="x", title="X", receive=Inbox().receive, url=url, secrets=[SECRET], clock=Clock())


async def test_the_documentation_shows_headers_shape_example_and_the_reply(channel: OverWebhook) -> None:
    document = (await channel.http.get("/openapi.json")).json()

    operation = document["paths"]["/channels/shop/messages"]["post"]
    assert [each["name"] for each in operation["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    assert all(each["required"] for each in operation["parameters"])
    shown = operation["requestBody"]["content"]["application/json"]
    assert set(shown["schema"]["properties"]) >= {"conversation", "customer", "text", "attachments", "automatic"}
    assert shown["schema"]["properties"]["customer"]["properties"]["tier"]
    assert "$ref" not in json.dumps(shown)
    assert set(operation["responses"]) >= {"202", "400", "401", "413", "422"}
    assert document["components"]["securitySchemes"]["Standard Webhooks"]
    (outgoing,) = operation["callbacks"].values()
    assert "PostedReply" in json.dumps(outgoing)

    posted = await channel.post(json.dumps(shown["example"]).encode())
    assert posted.status_code == 202
    assert (await channel.http.get("/docs")).status_code == 200
