"""Good payloads to begin with: some of our own, and those of ../shared/data where it is."""

import gzip
import json
from pathlib import Path
from typing import Any

from tests.data import shared

WORDS = "quartz marigold 7741"  # a customer's: must never be logged
MESSAGE: dict[str, Any] = {
    "id": "m-1",
    "conversation": "t1",
    "customer": {"id": "c1", "name": "Mina Okafor", "email": "mina@larkspur.example", "tier": "vip"},
    "text": f"Where is my parcel? {WORDS}",
    "attachments": [{"name": "door.jpg", "url": "https://files.larkspur.example/door.jpg"}],
    "automatic": None,
}
CHAT: dict[str, Any] = {"id": "message-0001", "conversation": 1, "text": WORDS, "name": "Ada", "attachments": []}
SESSION: dict[str, Any] = {"identity": None, "conversation": 1}
_USER = {"id": "U0ANA", "username": "ana", "team_id": "T0LOCAL"}
_PACKED = '["cnv_1",1,"rev_1","d","msg_1"]'
_PRESS: dict[str, Any] = {
    "type": "block_actions",
    "user": _USER,
    "team": {"id": "T0LOCAL", "domain": "larkspur"},
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0SUPPORT"},
    "channel": {"id": "C0SUPPORT", "name": "support"},
    "message": {"ts": "1.2", "blocks": [], "metadata": {"event_type": "x", "event_payload": {}}},
    "trigger_id": "1.2.3",
    "response_url": "",
    "actions": [{"action_id": "approve", "block_id": "b", "type": "button", "value": _PACKED, "action_ts": "1.3"}],
}
_FORM: dict[str, Any] = {
    "type": "view_submission",
    "user": _USER,
    "team": {"id": "T0LOCAL"},
    "view": {
        "id": "V1",
        "hash": "1.a",
        "callback_id": "edit",
        "private_metadata": _PACKED,
        "state": {"values": {"text": {"typed": {"type": "plain_text_input", "value": WORDS}}}},
    },
}
_EVENT: dict[str, Any] = {
    "type": "event_callback",
    "team_id": "T0LOCAL",
    "api_app_id": "A1",
    "event_id": "Ev1",
    "event_time": 1,
    "event": {"type": "app_mention", "user": "U0ANA", "text": f"<@B0> {WORDS}", "ts": "1.4", "channel": "C0SUPPORT"},
    "authorizations": [{"team_id": "T0LOCAL", "user_id": "B0", "is_bot": True}],
}
_COMMAND: dict[str, Any] = {
    "command": "/signoff",
    "text": "queue",
    "user_id": "U0ANA",
    "team_id": "T0LOCAL",
    "channel_id": "C0SUPPORT",
    "trigger_id": "1.2.3",
    "response_url": "",
}
_BUTTONS = ("approve", "edit", "take_over", "undo", "retry", "reply", "hand_back", "resolve", "draft", "more")
_FORMS = ("edit", "write", "reply", "redraft", "dismiss", "recategorise", "read_all")
_EVENTS = ("app_mention", "app_home_opened", "message", "subteam_members_changed", "subteam_updated", "user_change")


def slack(url: str) -> list[dict[str, Any]]:
    """Requests as Slack makes them; nothing in them leads away from this machine."""
    own = [
        *({**_PRESS, "actions": [{**_PRESS["actions"][0], "action_id": name}]} for name in _BUTTONS),
        *({**_FORM, "view": {**_FORM["view"], "callback_id": name}} for name in _FORMS),
        *({**_FORM, "type": "view_closed", "view": {**_FORM["view"], "callback_id": name}} for name in _FORMS[:2]),
        *({**_EVENT, "event": {**_EVENT["event"], "type": name}} for name in _EVENTS),
        *({**_COMMAND, "text": text} for text in ("queue", "status", "pause billing 30m", "resume", "help", WORDS)),
        {"type": "url_verification", "challenge": "c"},
    ]
    return [json.loads(json.dumps(one).replace("https://hooks.slack.com", url)) for one in own]


def slack_of_others(url: str) -> list[dict[str, Any]]:
    """Raises pytest's skip where the data is absent."""
    return [
        json.loads(json.dumps(row["payload"]).replace("https://hooks.slack.com", url))
        for row in _rows(shared("slack/sdk_test_payloads.jsonl.gz"))
        if isinstance(row["payload"], dict)
    ]


def webhooks_of_others() -> list[Any]:
    return [row["payload"] for row in _rows(shared("webhooks/payloads.jsonl.gz"))]


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
