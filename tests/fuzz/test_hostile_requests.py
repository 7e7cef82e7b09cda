"""Broken and hostile requests at every door: never a 5xx, a hang or a leak, and afterwards the bot works as before.

`make fuzz ARGS="--fuzz-rounds 50 --fuzz-seed 7"` sends many more, and others.
"""

import base64
import hashlib
import hmac
import json
import time
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from tests.fuzz import shapes
from tests.fuzz.conftest import works_still
from tests.fuzz.mutating import BYTES, NAUGHTY, as_json, mutated
from tests.fuzz.wire import Wire
from tests.loop.running import SECRET, Loop

KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "\xff")


def inert(log: str, canaries: tuple[str, ...]) -> None:
    """Promise 8, and no secret: what the log must not hold."""
    assert shapes.WORDS not in log
    assert not [canary[:6] for canary in canaries if canary in log]


async def to_slack(wire: Wire, loop: Loop, payload: Any, chance: Random) -> None:
    """In the form that Slack gives it, most often signed rightly; now and then broken on the way."""
    kind, body = "application/x-www-form-urlencoded", b"payload=" + quote(json.dumps(payload)).encode()
    if not isinstance(payload, dict):
        body = as_json(payload)
    elif "command" in payload:
        body = "&".join(f"{quote(str(key))}={quote(_text(value))}" for key, value in payload.items()).encode()
    elif "event" in payload or "challenge" in payload:
        kind, body = "application/json", as_json(payload)
    if chance.random() < 0.15:
        body = chance.choice(BYTES)(body, chance)
    if chance.random() < 0.1:
        kind = chance.choice(KINDS)
    headers = {**loop.sandbox.delivery.signed(body), "content-type": kind}
    if chance.random() < 0.1:
        name = chance.choice([*headers, "X-Slack-Retry-Num", "content-encoding", "authorization"])
        headers[name] = chance.choice(("", "0", "-1", "9" * 400, "v0=zz", "gzip", "\xff\xfe", "Bearer x"))
    length = chance.choice((0, len(body) + 7)) if chance.random() < 0.03 else None
    await wire.send("POST", "/slack/events", body, headers, length=length)


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace").decode()


async def test_slack_sends_what_it_likes(
    loop: Loop, wire: Wire, canaries: tuple[str, ...], chance: Random, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    for payload in shapes.slack(loop.sandbox.url) * (4 * rounds):
        await to_slack(wire, loop, mutated(payload, chance), chance)

    assert {200, 400, 401} <= wire.statuses("/slack/events")
    await works_still(loop)
    inert(caplog.text, canaries)
    print(wire.report())


async def test_slack_sends_payloads_of_other_apps(
    loop: Loop, wire: Wire, canaries: tuple[str, ...], chance: Random, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    for payload in shapes.slack_of_others(loop.sandbox.url) * rounds:
        await to_slack(wire, loop, payload, chance)
        await to_slack(wire, loop, mutated(payload, chance), chance)

    await works_still(loop)
    inert(caplog.text, canaries)
    print(wire.report())


async def to_webhook(wire: Wire, payload: Any, chance: Random) -> None:
    body = as_json(payload)
    if chance.random() < 0.2:
        body = chance.choice(BYTES)(body, chance)
    headers = _signed(body, id=f"evt-{chance.getrandbits(64)}")
    if chance.random() < 0.1:
        headers[chance.choice([*headers, "content-encoding"])] = chance.choice(("", "gzip", "v1,", "9" * 400, "\xff"))
    length = chance.choice((0, len(body) + 7)) if chance.random() < 0.03 else None
    await wire.send("POST", "/channels/shop/messages", body, headers, length=length)


def _signed(body: bytes, *, id: str) -> dict[str, str]:
    """Over exactly these bytes, also where they are no text."""
    at = str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    kind = {"content-type": "application/json"}
    return kind | {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": f"v1,{made}"}


async def test_a_product_posts_what_it_likes(
    loop: Loop, wire: Wire, canaries: tuple[str, ...], chance: Random, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(120 * rounds):
        await to_webhook(wire, mutated(shapes.MESSAGE, chance), chance)

    assert {202, 400, 413, 422} <= wire.statuses("/channels/shop/messages")
    await works_still(loop)
    inert(caplog.text, canaries)
    print(wire.report())


async def test_a_product_posts_what_other_services_post(
    loop: Loop, wire: Wire, canaries: tuple[str, ...], chance: Random, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    for payload in chance.sample(shapes.webhooks_of_others(), 120):
        for _ in range(rounds):
            await to_webhook(wire, payload, chance)
            await to_webhook(wire, mutated(payload, chance), chance)

    await works_still(loop)
    inert(caplog.text, canaries)
    print(wire.report())


async def test_a_visitor_sends_what_they_like(
    loop: Loop, wire: Wire, canaries: tuple[str, ...], chance: Random, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    token = (await loop.http.post("/channels/chat/session", json={})).json()["token"]
    for _ in range(60 * rounds):
        right = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        headers = right if chance.random() < 0.8 else {"authorization": f"Bearer {token[chance.randrange(9) :]}\xff"}
        if chance.random() < 0.1:
            headers = {**headers, "origin": chance.choice(("null", "https://evil.example", "\xff", "http://[", ""))}
        path, good = chance.choice((("messages", shapes.CHAT), ("session", shapes.SESSION)))
        body = as_json(mutated(good, chance))
        if chance.random() < 0.2:
            body = chance.choice(BYTES)(body, chance)
        await wire.send("POST", f"/channels/chat/{path}", body, headers)
        query = chance.choice(("conversation", "after", "x"))
        value = quote(_text(chance.choice(NAUGHTY))[:3000])
        await wire.send("GET", f"/channels/chat/messages?{query}={value}", headers=headers)

    await works_still(loop)
    inert(caplog.text, canaries)
    print(wire.report())


async def test_strangers_try_every_address(
    loop: Loop, wire: Wire, canaries: tuple[str, ...], chance: Random, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [
        "/", "/docs", "/openapi.json", "/metrics", "/healthz", "/readyz", "/slack/events", "/api/messages",
        "/channels/shop/messages", "/channels/chat/", "/channels/chat/widget.js", "/channels/chat/stream",
        "/channels/nobody/messages", "/channels/chat/..%2f..%2fsettings", "/%00", "/%ff%fe", "//evil.example/",
    ]  # fmt: skip
    for path in paths * rounds:
        for method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"):
            headers = {
                "authorization": chance.choice(("", "Bearer", "Bearer \xff", "Basic eDp4", "Bearer " + "x" * 9000))
            }
            body = chance.choice((b"", b"{}", b"\xff", b"x" * 5000))
            await wire.send(method, path, body, headers | {"content-type": chance.choice(KINDS)})

    await works_still(loop)
    inert(caplog.text, canaries)
    print(wire.report())
