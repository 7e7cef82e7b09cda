"""Who gets in at /slack/events: every pitfall of signatures, sizes and shapes."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_bolt.async_app import AsyncApp

from bot.surfaces.slack.door import BODY_BYTES, Door, _only_payload
from tests.patience import PATIENCE_SECONDS
from tests.surfaces.cards import AT, waiting
from tests.surfaces.recording import Office

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def signed(office: Office, body: bytes, *, at: int | None = None) -> dict[str, str]:
    stamp = str(at if at is not None else int(time.time()))
    secret = office.sandbox.signing_secret.encode()
    signature = hmac.new(secret, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}


async def knock(office: Office, body: bytes, kind: str = JSON, **headers: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        given = {"Content-Type": kind, **signed(office, body), **headers}
        raw = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in given.items()]
        return await client.post(office.url, content=body, headers=raw)


def event(kind: str, **fields: Any) -> bytes:
    told = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": {"type": kind, **fields}}
    return json.dumps(told).encode()


def press(packed: str = "", **fields: Any) -> bytes:
    action = {"type": "button", "action_id": "approve", "block_id": "b", "value": packed or waiting().shown.pack()}
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ANA", "team_id": "T1"},
        "team": {"id": "T1"},
        "channel": {"id": "C0SUPPORT"},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0SUPPORT"},
        "trigger_id": "1.2.3",
        "actions": [action],
        **fields,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


async def test_slack_checks_the_address(office: Office) -> None:
    response = await knock(office, json.dumps({"type": "url_verification", "challenge": "abc"}).encode())

    assert (response.status_code, response.json()) == (200, {"challenge": "abc"})


async def test_a_signed_press_is_a_press(office: Office) -> None:
    response = await knock(office, press(), FORM)

    assert (response.status_code, len(office.desk.presses)) == (200, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=\xe9".encode("latin-1")},
        {"X-Slack-Signature": "v0=€".encode()},
        {"X-Slack-Signature": "v1=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Request-Timestamp": "١٢٣".encode()},
    ],
)
async def test_whoever_is_not_slack_is_turned_away(office: Office, headers: dict[str, Any]) -> None:
    response = await knock(office, press(), FORM, **headers)

    assert response.status_code == 401
    assert office.desk.presses == []


@pytest.mark.parametrize("seconds", [-301, 420, -86_400])  # 300 would do; a slow machine takes some of what is ahead
async def test_an_old_or_future_request_is_turned_away(office: Office, seconds: int) -> None:
    body = press()

    response = await knock(office, body, FORM, **signed(office, body, at=int(time.time()) + seconds))

    assert response.status_code == 401


async def test_no_signature_at_all_is_turned_away(office: Office) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        response = await client.post(office.url, content=press(), headers={"Content-Type": FORM})

    assert response.status_code == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", JSON),
        (b"{", JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b"[" * 100_000, JSON),
        (b"\xff\xfe", JSON),
        (b'{"type": "event_callback", "event": "text"}', JSON),
        (b'{"type": "event_callback", "event": []}', JSON),
        (b"", FORM),
        (b"payload=%7B", FORM),
        (b"payload=[1]", FORM),
        (b"payload=%ff", FORM),
        (b"a=1&" * 200, FORM),
        (urlencode({"payload": '{"type": "block_actions", "actions": "x"}'}).encode(), FORM),
        (urlencode({"payload": '{"type": "block_actions", "actions": [1]}'}).encode(), FORM),
        (urlencode({"payload": '{"type": "block_actions", "actions": [{"action_id": "approve"}]}'}).encode(), FORM),
        (urlencode({"payload": '{"type": "view_submission", "view": {"callback_id": "edit"}}'}).encode(), FORM),
        (urlencode({"command": "/signoff"}).encode(), FORM),
    ],
)
async def test_what_cannot_be_read_is_a_bad_request(office: Office, body: bytes, kind: str) -> None:
    response = await knock(office, body, kind)

    assert response.status_code == 400
    assert office.desk.presses == []


async def test_an_oversized_body_is_refused_before_it_is_read(office: Office) -> None:
    response = await knock(office, b"x" * (BODY_BYTES + 1))

    assert response.status_code == 413


async def test_a_body_that_never_ends_gives_its_connection_back() -> None:
    door = Door(AsyncApp(token="xoxb-1"), signing_secret="secret", clock=lambda: AT, read_seconds=0.02)
    pieces = iter([{"type": "http.request", "body": b"pay", "more_body": True}])
    answers: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(pieces, None) or await asyncio.Future()

    async def send(message: MutableMapping[str, Any]) -> None:
        answers.append(message)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await door({"type": "http", "headers": []}, receive, send)

    assert answers[0]["status"] == 408


async def test_an_oversized_body_without_its_length_is_refused(office: Office) -> None:
    async def drip() -> Any:
        for _ in range(BODY_BYTES // 100_000 + 2):
            yield b"x" * 100_000

    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        response = await client.post(office.url, content=drip(), headers=signed(office, b""))

    assert response.status_code == 413


@pytest.mark.parametrize(
    "kind", ["message", "reaction_added", "channel_created", "from_the_future", "member_joined_channel"]
)
async def test_events_nobody_asked_about_are_acknowledged(office: Office, kind: str) -> None:
    response = await knock(office, event(kind, user="U1", channel="C1", text="hello"))

    assert response.status_code == 200


@pytest.mark.parametrize(
    "kind", ["block_suggestion", "shortcut", "message_action", "interactive_message", "view_closed_x"]
)
async def test_interactions_nobody_asked_about_are_acknowledged(office: Office, kind: str) -> None:
    payload = {
        "type": kind,
        "callback_id": "x",
        "actions": [{"name": "x", "type": "button"}],
        "action_id": "x",
        "block_id": "b",
        "user": {"id": "U1"},
        "team": {"id": "T"},
    }

    response = await knock(office, urlencode({"payload": json.dumps(payload)}).encode(), FORM)

    assert response.status_code == 200


async def test_being_told_of_a_rate_limit_is_acknowledged(office: Office) -> None:
    told = {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1518467820, "api_app_id": "A1"}

    assert (await knock(office, json.dumps(told).encode())).status_code == 200


async def test_an_uninstalled_app_says_so(office: Office) -> None:
    await knock(office, event("tokens_revoked", tokens={"bot": ["U0SIGNOFF"]}))

    assert "install it again" in (office.slack.identity.trouble or "")


async def test_only_posts_are_taken(office: Office) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        assert (await client.get(office.url)).status_code == 405


async def test_no_word_of_a_payload_is_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="bot")

    await knock(office, event("message", text="a secret about tents"))
    await knock(office, event("message", text="a secret about tents"), **{"X-Slack-Signature": "v0=1"})
    await knock(office, event("app_mention", text="a secret about tents"))
    await knock(office, press("a secret about tents"), FORM)

    assert "secret" not in caplog.text
    assert office.sandbox.bot_token not in caplog.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
NAMES = """type user team channel view container message actions event trigger_id response_urls enterprise event_id
    authorizations is_enterprise_install callback_id action_id command api_app_id bot_access_token function_data"""
KINDS = "block_actions view_submission view_closed event_callback shortcut block_suggestion url_verification"


async def test_no_signed_nonsense_is_an_error_of_ours(office: Office) -> None:
    """Only Slack can sign; still, what it may send some day must not be able to break the door."""
    bodies: list[dict[str, Any]] = []
    door = office.slack.routes[0].app
    assert isinstance(door, Door)

    @settings(max_examples=300, database=None)
    @given(st.dictionaries(st.sampled_from(NAMES.split()), anything, max_size=8), st.sampled_from(KINDS.split()))
    def collect(fields: dict[str, Any], kind: str) -> None:
        bodies.append({**fields, "type": kind})

    collect()
    statuses = {(await door.dispatch(body)).status for body in bodies}

    assert statuses <= {200, 400}


@settings(max_examples=300, database=None)
@given(st.dictionaries(st.text(max_size=5), st.text(), max_size=4))
def test_presses_are_decoded_as_urllib_decodes_them(payload: dict[str, str]) -> None:
    body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}, errors="replace").encode()

    decoded = _only_payload(body)

    assert decoded is not None
    assert decoded.decode() == parse_qs(body.decode())["payload"][0]


@pytest.mark.parametrize(
    "body", [b"", b"payload", b"a=1", b"payload=1&a=2", b"payload=a=b", b"payload=%%", b"payload=1\n"]
)
def test_any_other_form_is_read_as_forms_are(body: bytes) -> None:
    assert _only_payload(body) in (None, b"")
