"""The inner events the workspace tells the bot of, shaped like Slack's, and which of them it subscribed to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.sandbox.messages import Channel, Message
from bot.sandbox.people import UserGroup
from bot.sandbox.wire import JSON

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

SUBSCRIPTIONS = frozenset(
    [
        "message.channels",
        "message.groups",
        "message.im",
        "app_mention",
        "app_home_opened",
        "member_joined_channel",
        "reaction_added",
        "reaction_removed",
        "subteam_members_changed",
        "subteam_updated",
        "app_uninstalled",
        "tokens_revoked",
    ]
)
MESSAGE = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


def subscribed(event: JSON, subscriptions: frozenset[str]) -> bool:
    kind = str(event["type"])
    return (MESSAGE[event["channel_type"]] if kind == "message" else kind) in subscriptions


def posted(workspace: "Workspace", channel: Channel, message: Message) -> Iterator[JSON]:
    """The message itself, the bot's own included; and the mention, if it mentions the bot."""
    if workspace.bot_user not in channel.members:
        return
    event = workspace.message_json(message)
    event |= {"channel": channel.id, "event_ts": message.ts, "channel_type": channel.kind.value}
    if message.thread_ts:
        parent = channel.messages[message.thread_ts]
        event["parent_user_id"] = parent.user
        if message.broadcast:
            event |= {"subtype": "thread_broadcast", "root": workspace.message_json(parent)}
    if message.bot_id:
        event["bot_profile"] = {
            "id": workspace.bot_id,
            "deleted": False,
            "name": workspace.users[workspace.bot_user].name,
            "updated": 0,
            "app_id": workspace.app_id,
            "icons": {},
            "team_id": workspace.team_id,
        }
    yield event
    if f"<@{workspace.bot_user}>" in message.text and channel.kind.value != "im" and not message.bot_id:
        mention = {key: value for key, value in event.items() if key not in ("channel_type", "subtype", "root")}
        yield mention | {"type": "app_mention"}


def changed(workspace: "Workspace", channel: Channel, message: Message, before: JSON) -> JSON:
    ts = workspace.new_ts()
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": workspace.message_json(message),
        "previous_message": before,
        "channel": channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.kind.value,
    }


def deleted(workspace: "Workspace", channel: Channel, message: Message) -> JSON:
    ts = workspace.new_ts()
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": workspace.message_json(message),
        "channel": channel.id,
        "hidden": True,
        "deleted_ts": message.ts,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.kind.value,
    }


def reaction(workspace: "Workspace", message: Message, name: str, user: str, kind: str) -> JSON:
    return {
        "type": kind,
        "user": user,
        "reaction": name,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "item_user": message.user,
        "event_ts": workspace.new_ts(),
    }


def member_joined(workspace: "Workspace", channel: Channel, user: str) -> JSON:
    return {
        "type": "member_joined_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "C" if channel.kind.value == "channel" else "G",
        "team": workspace.team_id,
        "event_ts": workspace.new_ts(),
    }


def members_changed(workspace: "Workspace", group: UserGroup, before: list[str]) -> JSON:
    added = [user for user in group.users if user not in before]
    removed = [user for user in before if user not in group.users]
    return {
        "type": "subteam_members_changed",
        "subteam_id": group.id,
        "team_id": workspace.team_id,
        "date_previous_update": 0,
        "date_update": int(workspace.clock().timestamp()),
        "added_users": added,
        "added_users_count": len(added),
        "removed_users": removed,
        "removed_users_count": len(removed),
        "event_ts": workspace.new_ts(),
    }


def home_opened(workspace: "Workspace", user: str) -> JSON:
    event: JSON = {
        "type": "app_home_opened",
        "user": user,
        "channel": workspace.direct(user).id,
        "tab": "home",
        "event_ts": workspace.new_ts(),
    }
    home = workspace.views.homes.get(user)
    if home is not None:
        event["view"] = workspace.view_json(home)
    return event
