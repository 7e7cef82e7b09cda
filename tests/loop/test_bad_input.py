"""Bad input at every door: a clear 4xx or a polite word, counted, and nothing is lost or begun."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.decisions import Shown
from tests.loop.running import Loop, signed

together = pytest.mark.asyncio(loop_scope="module")
GOOD: dict[str, Any] = {"conversation": "t1", "customer": {"id": "c"}, "text": "Where is my order?"}
SHAPES = {
    "not JSON": (b"{", 400),
    "not UTF-8": (b"\xff\xfe", 400),
    "a list": (b"[]", 422),
    "null": (b"null", 422),
    "nested": (b"[" * 100_000, 400),
    "NaN": (b'{"text": NaN}', 400),
    "no text": (json.dumps(GOOD | {"text": ""}).encode(), 422),
    "a number for text": (json.dumps(GOOD | {"text": 7}).encode(), 422),
    "a list for the customer": (json.dumps(GOOD | {"customer": []}).encode(), 422),
    "an unknown field": (json.dumps(GOOD | {"tetx": "x"}).encode(), 422),
    "51,000 characters": (json.dumps(GOOD | {"text": "x" * 51_000}).encode(), 413),
    "600 kB": (json.dumps(GOOD | {"text": "x" * 600_000}).encode(), 413),
    "2 MB": (b"x" * 2_000_000, 413),
}


async def nothing_happened(loop: Loop) -> None:
    await loop.settled()
    assert await loop.said() == []
    assert await loop.decisions() == []
    assert loop.cards == []


async def counted(loop: Loop, place: str, status: int) -> float:
    return await loop.metric("signoff_http_refused_total{", f'place="{place}"', f'status="{status}"')


@pytest.mark.parametrize("shape", SHAPES)
@together
async def test_a_misshapen_message_is_refused_and_counted(shared_loop: Loop, shape: str) -> None:
    body, status = SHAPES[shape]
    before = await counted(shared_loop, "/channels/shop", status)

    answer = await shared_loop.post(body, id="evt-1")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert await counted(shared_loop, "/channels/shop", status) == before + 1
    await nothing_happened(shared_loop)


@together
async def test_a_message_that_nobody_signed_rightly_is_refused_and_counted(shared_loop: Loop) -> None:
    body = json.dumps(GOOD).encode()
    old, ahead = datetime.now(UTC) - timedelta(minutes=6), datetime.now(UTC) + timedelta(minutes=6)
    right = signed(body, id="evt-1")
    wrong = [
        {},
        right | {"webhook-signature": "v1,AAAA"},
        right | {"webhook-signature": "\u00e9".encode("latin-1").decode("latin-1")},
        right | {"webhook-id": "evt-2"},
        right | {"webhook-timestamp": "now"},
        signed(body, id="evt-1", at=old),
        signed(body, id="evt-1", at=ahead),
        signed(body + b" ", id="evt-1"),
    ]
    before = await counted(shared_loop, "/channels/shop", 401)

    for headers in wrong:
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = await shared_loop.http.post("/channels/shop/messages", content=body, headers=encoded)
        assert answer.status_code == 401, headers

    assert await counted(shared_loop, "/channels/shop", 401) == before + len(wrong)
    await nothing_happened(shared_loop)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, {"id": "message-0001", "text": "x"}, 401),
        ({"authorization": "Bearer forged"}, {"id": "message-0001", "text": "x"}, 401),
        ({"origin": "https://evil.example"}, {"id": "message-0001", "text": "x"}, 403),
    ],
)
@together
async def test_the_web_chat_refuses_strangers(
    shared_loop: Loop, headers: dict[str, str], body: Any, status: int
) -> None:
    before = await counted(shared_loop, "/channels/chat", status)

    answer = await shared_loop.http.post("/channels/chat/messages", json=body, headers=headers)

    assert answer.status_code == status
    assert await counted(shared_loop, "/channels/chat", status) == before + 1
    await nothing_happened(shared_loop)


@pytest.mark.parametrize("words", [{"id": "short", "text": "x"}, {"id": "message-0001", "text": ["x"]}, [], "x", None])
@together
async def test_the_web_chat_refuses_other_shapes(shared_loop: Loop, words: Any) -> None:
    session = (await shared_loop.http.post("/channels/chat/session", json={})).json()

    answer = await shared_loop.http.post(
        "/channels/chat/messages", json=words, headers={"authorization": f"Bearer {session['token']}"}
    )

    assert answer.status_code in (400, 422)
    await nothing_happened(shared_loop)


@pytest.mark.parametrize("body", [b"", b"payload=%7B", b"payload=[]", b"\xff", b"payload=" + b"[" * 50_000])
@together
async def test_what_slack_signed_but_nobody_can_read_is_400(shared_loop: Loop, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", **shared_loop.sandbox.delivery.signed(body)}
    before = await counted(shared_loop, "/slack/events", 400)

    answer = await shared_loop.http.post("/slack/events", content=body, headers=headers)

    assert answer.status_code == 400
    assert await counted(shared_loop, "/slack/events", 400) == before + 1
    await nothing_happened(shared_loop)


@together
async def test_what_slack_did_not_sign_is_401_and_too_much_is_413(shared_loop: Loop) -> None:
    body = b'{"type": "event_callback"}'
    right = shared_loop.sandbox.delivery.signed(body)

    for headers, content, status in (
        ({}, body, 401),
        (right | {"X-Slack-Signature": "v0=00"}, body, 401),
        (right | {"X-Slack-Request-Timestamp": "1"}, body, 401),
        (right | {"X-Slack-Request-Timestamp": "soon"}, body, 401),
        (shared_loop.sandbox.delivery.signed(b"x" * 2_100_000), b"x" * 2_100_000, 413),
    ):
        answer = await shared_loop.http.post("/slack/events", content=content, headers=headers)
        assert answer.status_code == status

    await nothing_happened(shared_loop)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        "[]",
        Shown(conversation_id="cnv_nobody", sequence=1, review_id="rev_nobody").pack(),
        json.dumps(["cnv", -1, None, None, None]),
        json.dumps([None, 1, None, None, None]),
        "x" * 2000,
    ],
)
async def test_a_button_that_is_not_ours_is_answered_politely(loop: Loop, value: str) -> None:
    await loop.customer_says("Where is my order?")
    card = await loop.card()
    for block in card.blocks:
        for element in block.get("elements", []):
            if element.get("action_id") == "approve":
                element["value"] = value

    seen = await loop.ana.click("approve", on=card)

    assert seen.ok
    assert len(seen.ephemerals) == 1
    await loop.settled()
    assert await loop.decisions() == []
    assert loop.receiver.posts == []


async def test_a_form_that_was_tampered_with_sends_nothing_and_keeps_the_words(loop: Loop) -> None:
    await loop.customer_says("Where is my order?")
    await loop.ana.click("edit", on=await loop.card("edit"))
    await loop.ana.type("typed", "My careful words.")
    assert loop.ana.view is not None
    loop.ana.view.content["private_metadata"] = '["[]"]'

    seen = await loop.ana.submit()

    assert seen.view is not None
    assert "My careful words." in str(seen.view.blocks)
    await loop.settled()
    assert await loop.decisions() == []
    assert loop.receiver.posts == []
