"""What Slack sends when somebody presses, submits, closes, runs or opens: the payloads, shaped like real ones."""

from typing import TYPE_CHECKING

from bot.sandbox.messages import Message
from bot.sandbox.views import View
from bot.sandbox.wire import JSON

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

VERIFICATION_TOKEN = "sandbox-verification-token"


def envelope(workspace: "Workspace", event: JSON) -> JSON:
    """The Events API's callback around an event."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.new_id("Ev"),
        "event_time": int(workspace.clock().timestamp()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": workspace.bot_user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{workspace.number()}",
    }


def pressed(workspace: "Workspace", user: str, action: JSON, place: Message | View) -> JSON:
    """block_actions, from a message (ephemeral or not), a modal or a home."""
    payload = _base(workspace, user, "block_actions")
    payload["actions"] = [action]
    if isinstance(place, View):
        modal = place.content["type"] == "modal"
        return payload | {
            "container": {"type": "view", "view_id": place.id},
            "trigger_id": workspace.new_trigger(user, from_modal=modal),
            "view": workspace.view_json(place),
        }
    container: JSON = {
        "type": "message",
        "message_ts": place.ts,
        "channel_id": place.channel,
        "is_ephemeral": place.ephemeral_to is not None,
    }
    if place.thread_ts:
        container["thread_ts"] = place.thread_ts
    payload |= {
        "container": container,
        "trigger_id": workspace.new_trigger(user),
        "channel": _channel(workspace, place.channel),
        "state": {"values": workspace.message_values(place, user)},
        "response_url": workspace.new_response_url(user, place.channel, place),
    }
    if place.ephemeral_to is None:
        payload["message"] = workspace.message_json(place)
    return payload


def submitted(workspace: "Workspace", user: str, view: View) -> JSON:
    return _base(workspace, user, "view_submission") | {
        "trigger_id": workspace.new_trigger(user, from_modal=True),
        "view": workspace.view_json(view),
        "response_urls": [],
    }


def closed(workspace: "Workspace", user: str, view: View, *, is_cleared: bool) -> JSON:
    return _base(workspace, user, "view_closed") | {"view": workspace.view_json(view), "is_cleared": is_cleared}


def suggestion(
    workspace: "Workspace", user: str, block: JSON, element: JSON, query: str, place: Message | View
) -> JSON:
    payload = _base(workspace, user, "block_suggestion") | {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": query,
    }
    if isinstance(place, View):
        return payload | {"container": {"type": "view", "view_id": place.id}, "view": workspace.view_json(place)}
    return payload | {
        "container": {"type": "message", "message_ts": place.ts, "channel_id": place.channel, "is_ephemeral": False},
        "channel": _channel(workspace, place.channel),
        "message": workspace.message_json(place),
    }


def shortcut(workspace: "Workspace", user: str, callback_id: str, message: Message | None) -> JSON:
    """A global shortcut, or with a message that message's."""
    payload = _base(workspace, user, "shortcut" if message is None else "message_action") | {
        "callback_id": callback_id,
        "action_ts": workspace.new_ts(),
        "trigger_id": workspace.new_trigger(user),
    }
    if message is None:
        return payload
    return payload | {
        "channel": _channel(workspace, message.channel),
        "message_ts": message.ts,
        "message": workspace.message_json(message),
        "response_url": workspace.new_response_url(user, message.channel, None),
    }


def command(workspace: "Workspace", user: str, name: str, text: str, channel_id: str) -> dict[str, str]:
    """The form fields of a slash command."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "channel_id": channel_id,
        "channel_name": workspace.channels[channel_id].name or "directmessage",
        "user_id": user,
        "user_name": workspace.users[user].name,
        "command": name,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": workspace.new_response_url(user, channel_id),
        "trigger_id": workspace.new_trigger(user),
    }


def _base(workspace: "Workspace", user: str, kind: str) -> JSON:
    name = workspace.users[user].name
    return {
        "type": kind,
        "user": {"id": user, "username": name, "name": name, "team_id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "token": VERIFICATION_TOKEN,
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _channel(workspace: "Workspace", channel_id: str) -> JSON:
    return {"id": channel_id, "name": workspace.channels[channel_id].name or "directmessage"}
