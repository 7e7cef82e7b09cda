"""The workspace as one person sees it, as JSON for the page. The shapes are written down in `control`."""

from itertools import islice
from typing import assert_never

from bot.sandbox.hands import Seen
from bot.sandbox.journal import Call, Delivered
from bot.sandbox.messages import Channel, Kind, Message
from bot.sandbox.people import User
from bot.sandbox.views import View
from bot.sandbox.wire import JSON
from bot.sandbox.workspace import Workspace

SHOWN = 200  # messages of a channel, the newest


def drawn_state(workspace: Workspace, user: str, *, connected: bool) -> JSON:
    bot = workspace.users[workspace.bot_user]
    stack = workspace.views.stack(user)
    home = workspace.views.homes.get(user)
    seen = [c for c in workspace.channels.values() if c.kind is Kind.PUBLIC or user in c.members]
    return {
        "version": workspace.version,
        "team": {"id": workspace.team_id, "name": workspace.team_name, "domain": workspace.domain},
        "me": drawn_user(workspace.users[user]),
        "users": [drawn_user(known) for known in workspace.users.values()],
        "bot": {"user_id": bot.id, "bot_id": workspace.bot_id, "name": bot.real_name, "connected": connected},
        "usergroups": [
            {"id": group.id, "handle": group.handle, "name": group.name, "users": list(group.users)}
            for group in workspace.groups.values()
        ],
        "channels": [drawn_channel(workspace, channel, user) for channel in seen],
        "ephemerals": [drawn_message(workspace, m, user) for m in workspace.ephemerals if m.ephemeral_to == user],
        "views": [drawn_view(workspace, view) for view in stack],
        "home": drawn_view(workspace, home) if home else None,
        "notices": list(workspace.notices.get(user, [])),
    }


def drawn_user(user: User) -> JSON:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "title": user.title,
        "initials": user.initials,
        "color": user.color,
        "avatar": f"/sandbox/avatar/{user.id}.svg",
        "is_bot": user.is_bot,
        "is_admin": user.is_admin,
        "deleted": user.deleted,
    }


def drawn_channel(workspace: Workspace, channel: Channel, user: str) -> JSON:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind.value,
        "topic": channel.topic,
        "members": list(channel.members),
        "with": next((m for m in channel.members if m != user), None) if channel.kind is Kind.IM else None,
        "messages": [drawn_message(workspace, message, user) for message in _newest(channel)],
    }


def _newest(channel: Channel) -> list[Message]:
    backwards = (m for m in reversed(channel.messages.values()) if m.thread_ts is None or m.broadcast)
    return list(islice(backwards, SHOWN))[::-1]


def drawn_message(workspace: Workspace, message: Message, user: str) -> JSON:
    drawn = workspace.message_json(message) | {
        "channel": message.channel,
        "ephemeral": message.ephemeral_to is not None,
        "broadcast": message.broadcast,
        "pings": message.pings,
        "values": workspace.message_values(message, user),
    }
    if message.replies:
        drawn["replies"] = [drawn_message(workspace, reply, user) for reply in message.replies]
    return drawn


def drawn_view(workspace: Workspace, view: View) -> JSON:
    return workspace.view_json(view) | {"values": view.values, "errors": view.errors}


def drawn_seen(workspace: Workspace, user: str, seen: Seen) -> JSON:
    return {
        "ok": seen.ok,
        "error": seen.error,
        "errors": seen.errors,
        "view": drawn_view(workspace, seen.view) if seen.view else None,
        "ephemerals": [drawn_message(workspace, message, user) for message in seen.ephemerals],
        "message": drawn_message(workspace, seen.message, user) if seen.message else None,
    }


def drawn_wire(workspace: Workspace, most: int) -> list[JSON]:
    """The last requests between bot and Slack, both ways, in their order."""
    return [{"number": number} | _drawn_entry(entry) for number, entry in list(workspace.journal.both)[-most:]]


def _drawn_entry(entry: Call | Delivered) -> JSON:
    match entry:
        case Call():
            answer = entry.answer or {}
            refused = "" if answer.get("ok", True) else str(answer.get("error", ""))
            return {
                "to": "slack",
                "what": entry.method,
                "status": entry.status,
                "ok": entry.answer is not None and entry.status < 400 and not refused,
                "note": entry.fault or refused,
                "told": entry.arguments,
                "answer": entry.answer,
            }
        case Delivered():
            again = f"attempt {entry.attempt + 1}" if entry.attempt else ""
            return {
                "to": "bot",
                "what": entry.kind,
                "status": entry.status,
                "ok": entry.reason is None,
                "note": ", ".join(filter(None, (again, entry.reason or ""))),
                "told": entry.payload,
                "answer": None,
            }
        case _:
            assert_never(entry)
