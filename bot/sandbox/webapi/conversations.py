"""conversations.*: channels, direct messages, and what was said in them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.sandbox.messages import Channel, Kind, Message
from bot.sandbox.webapi.method import Arguments, Method, page
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

PREFIX = {Kind.PUBLIC: "channels", Kind.PRIVATE: "groups", Kind.IM: "im"}
LISTED = {Kind.PUBLIC: "public_channel", Kind.PRIVATE: "private_channel", Kind.IM: "im"}


def open_direct(workspace: "Workspace", arguments: Arguments) -> JSON:
    channel_id = arguments.text("channel")
    if channel_id:
        channel = workspace.channel(channel_id)
    else:
        users = [user for user in arguments.need("users").split(",") if user]
        if len(users) > 1:
            raise Refusal("method_not_supported_for_channel_type")  # the sandbox has no group messages
        known = f"D{users[0][1:]}" in workspace.channels
        channel = workspace.direct(users[0])
        if known:
            return {"ok": True, "no_op": True, "already_open": True, "channel": _told(workspace, channel, arguments)}
    return {"ok": True, "channel": _told(workspace, channel, arguments)}


def info(workspace: "Workspace", arguments: Arguments) -> JSON:
    channel = _channel(workspace, arguments, "read")
    return {"ok": True, "channel": channel.json(team_id=workspace.team_id, bot_user=workspace.bot_user)}


def listing(workspace: "Workspace", arguments: Arguments) -> JSON:
    types = set((arguments.text("types") or "public_channel").split(","))
    seen = [
        channel
        for channel in workspace.channels.values()
        if LISTED[channel.kind] in types
        and (channel.kind is Kind.PUBLIC or workspace.bot_user in channel.members)
        and not (channel.archived and arguments.flag("exclude_archived"))
    ]
    for kind in {channel.kind for channel in seen}:
        _need_scope(workspace, f"{PREFIX[kind]}:read")
    cut, metadata = page(seen, arguments)
    told = [channel.json(team_id=workspace.team_id, bot_user=workspace.bot_user) for channel in cut]
    return {"ok": True, "channels": told, "response_metadata": metadata}


def members(workspace: "Workspace", arguments: Arguments) -> JSON:
    cut, metadata = page(_channel(workspace, arguments, "read").members, arguments)
    return {"ok": True, "members": cut, "response_metadata": metadata}


def join(workspace: "Workspace", arguments: Arguments) -> JSON:
    channel = workspace.channel(arguments.need("channel"))
    if channel.kind is not Kind.PUBLIC:
        raise Refusal("method_not_supported_for_channel_type")
    workspace.join(channel, workspace.bot_user)
    return {"ok": True, "channel": channel.json(team_id=workspace.team_id, bot_user=workspace.bot_user)}


def history(workspace: "Workspace", arguments: Arguments) -> JSON:
    """Newest first."""
    channel = _readable(workspace, arguments)
    found = list(_between(channel.top, arguments))[::-1]
    return _messages(workspace, found, arguments)


def replies(workspace: "Workspace", arguments: Arguments) -> JSON:
    """The parent, then its replies, oldest first."""
    channel = _readable(workspace, arguments)
    parent = channel.messages.get(arguments.need("ts"))
    if parent is not None and parent.thread_ts:
        parent = channel.messages.get(parent.thread_ts)
    if parent is None:
        raise Refusal("thread_not_found")
    return _messages(workspace, [parent, *_between(parent.replies, arguments)], arguments)


def _between(messages: Iterable[Message], arguments: Arguments) -> Iterable[Message]:
    oldest, latest = _ts(arguments.text("oldest")), _ts(arguments.text("latest"))
    inclusive = arguments.flag("inclusive")
    for message in messages:
        at = _ts(message.ts) or 0
        after = oldest is None or at > oldest or (inclusive and at == oldest)
        before = latest is None or at < latest or (inclusive and at == latest)
        if after and before:
            yield message


def _ts(text: str | None) -> int | None:
    """Microseconds; digits are never rounded by a float. Raises: Refusal `invalid_ts_oldest`."""
    if not text:
        return None
    seconds, _, micros = text.partition(".")
    if not seconds.isdigit() or (micros and not micros.isdigit()):
        raise Refusal("invalid_ts_oldest")
    return int(seconds) * 1_000_000 + int(micros[:6].ljust(6, "0"))


def _messages(workspace: "Workspace", found: list[Message], arguments: Arguments) -> JSON:
    cut, metadata = page(found, arguments, most=999)
    with_metadata = arguments.flag("include_all_metadata")
    told = [workspace.message_json(message, with_metadata=with_metadata) for message in cut]
    return {
        "ok": True,
        "messages": told,
        "has_more": bool(metadata["next_cursor"]),
        "pin_count": 0,
        "response_metadata": metadata,
    }


def _told(workspace: "Workspace", channel: Channel, arguments: Arguments) -> JSON:
    if not arguments.flag("return_im"):
        return {"id": channel.id}
    return channel.json(team_id=workspace.team_id, bot_user=workspace.bot_user)


def _readable(workspace: "Workspace", arguments: Arguments) -> Channel:
    channel = _channel(workspace, arguments, "history")
    if workspace.bot_user not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _channel(workspace: "Workspace", arguments: Arguments, right: str) -> Channel:
    channel = workspace.channel(arguments.need("channel"))
    _need_scope(workspace, f"{PREFIX[channel.kind]}:{right}")
    return channel


def _need_scope(workspace: "Workspace", scope: str) -> None:
    if scope not in workspace.scopes:
        raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(workspace.scopes)))


METHODS = (
    Method(name="conversations.open", run=open_direct, scope="im:write", tier=3),
    Method(name="conversations.info", run=info, tier=3),
    Method(name="conversations.list", run=listing, tier=2),
    Method(name="conversations.members", run=members, tier=4),
    Method(name="conversations.join", run=join, scope="channels:join", tier=3),
    Method(name="conversations.history", run=history, tier=3),
    Method(name="conversations.replies", run=replies, tier=3),
)
