"""What customers and agents of the benchmark send: signed messages, and signed presses as Slack makes them."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote

from bench import wire

SLACK_PATH = "/slack/events"
SHOP = "shop"
SHOP_PATH = f"/channels/{SHOP}/messages"
AGENTS = ("U0ANA", "U0BO", "U0CY")
# Each is answered by an article of the demo's company, so that the offline drafter has something to say.
QUESTIONS = (
    "How long does delivery take to Portugal, and can I track my parcel?",
    "The zip of my tent broke on the second day. Is that covered by the warranty?",
    "I would like to return a jacket that does not fit. How do I send it back?",
    "Can you send me the invoice for order 48213 with our VAT number on it?",
    "I typed the wrong address for my order. Can you still change it?",
    "My parcel says delivered but it never arrived. What happens now?",
    "Which size of boots should I take if I am between two sizes?",
    "How do I reset my password? I cannot sign in any more.",
)


def question(number: int) -> str:
    return QUESTIONS[number % len(QUESTIONS)]


def message(secret: bytes, thread: str, text: str) -> bytes:
    """A new customer's first message, signed per Standard Webhooks."""
    body = json.dumps(
        {
            "conversation": thread,
            "customer": {"id": f"customer-{thread}", "name": "Mina Okafor", "email": "mina@larkspur.example"},
            "text": text,
        }
    ).encode()
    at, message_id = int(time.time()), f"msg_{thread}"
    signed = hmac.new(secret, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
    return wire.request(SHOP_PATH, headers, body)


def press(secret: str, card: dict[str, Any], action: dict[str, Any], number: int) -> bytes:
    """An agent's press of a card's button, signed as Slack does; the card comes back in it, as it does from Slack."""
    user = AGENTS[number % len(AGENTS)]
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": "T0LARKSPUR"},
        "api_app_id": "A0SIGNOFF",
        "token": "verification-token",
        "container": {
            "type": "message",
            "message_ts": card["ts"],
            "channel_id": card["channel"],
            "is_ephemeral": False,
        },
        "trigger_id": f"{time.time_ns()}.{number}",
        "team": {"id": "T0LARKSPUR", "domain": "larkspur"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": card["channel"], "name": "support"},
        "message": card,
        "state": {"values": {}},
        "response_url": "http://127.0.0.1:9/actions/T0LARKSPUR/1/none",
        "actions": [{**action, "action_ts": card["ts"]}],
    }
    body = f"payload={quote(json.dumps(payload), safe='')}".encode()
    at = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": at,
        "x-slack-signature": f"v0={signature}",
    }
    return wire.request(SLACK_PATH, headers, body)


def approve_of(blocks: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The Approve button of a card as a press of it names it; None where there is none."""
    for block in blocks:
        for element in block.get("elements", ()) if block.get("type") == "actions" else ():
            if element.get("action_id") == "approve":
                named = {key: element[key] for key in ("action_id", "text", "value", "type")}
                return {**named, "block_id": block["block_id"]}
    return None
