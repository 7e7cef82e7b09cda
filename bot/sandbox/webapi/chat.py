"""chat.*: posting, editing, deleting, whispering."""

import json
from typing import TYPE_CHECKING

from bot.sandbox.blockkit import MESSAGE_CHARACTERS, characters, problems
from bot.sandbox.messages import Channel, Kind, Message
from bot.sandbox.webapi.method import Arguments, Method
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

TEXT_CUT = 40_000
MARKDOWN_TEXT = 12_000
METADATA_BYTES = 16_000
COSTUME = ("username", "icon_emoji", "icon_url")


def post(workspace: "Workspace", arguments: Arguments) -> JSON:
    channel = _destination(workspace, arguments)
    text, blocks = _content(arguments)
    message = Message(
        channel=channel.id,
        ts=workspace.new_ts(),
        user=workspace.bot_user,
        text=text,
        blocks=blocks,
        thread_ts=arguments.text("thread_ts") or None,
        broadcast=arguments.flag("reply_broadcast"),
        bot_id=workspace.bot_id,
        metadata=_metadata(arguments),
        extra={name: arguments.given[name] for name in COSTUME if arguments.given.get(name)},
    )
    workspace.post(message)
    told = workspace.message_json(message)
    return {"ok": True, "channel": channel.id, "ts": message.ts, "message": told}


def update(workspace: "Workspace", arguments: Arguments) -> JSON:
    message = workspace.message(arguments.need("channel"), arguments.need("ts"))
    if message.bot_id != workspace.bot_id:
        raise Refusal("cant_update_message")
    text, blocks = _content(arguments)
    metadata = _metadata(arguments)
    message.metadata = message.metadata if metadata is None else metadata
    workspace.edit(message, text=text, blocks=blocks, by=workspace.bot_user)
    told = workspace.message_json(message)
    return {"ok": True, "channel": message.channel, "ts": message.ts, "text": text, "message": told}


def delete(workspace: "Workspace", arguments: Arguments) -> JSON:
    message = workspace.message(arguments.need("channel"), arguments.need("ts"))
    if message.bot_id != workspace.bot_id:
        raise Refusal("cant_delete_message")
    workspace.delete(message)
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def post_ephemeral(workspace: "Workspace", arguments: Arguments) -> JSON:
    channel = _destination(workspace, arguments)
    user = arguments.need("user")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    text, blocks = _content(arguments)
    message = Message(
        channel=channel.id,
        ts=workspace.new_ts(),
        user=workspace.bot_user,
        text=text,
        blocks=blocks,
        thread_ts=arguments.text("thread_ts") or None,
        bot_id=workspace.bot_id,
        ephemeral_to=user,
    )
    workspace.whisper(message)
    return {"ok": True, "message_ts": message.ts}


def permalink(workspace: "Workspace", arguments: Arguments) -> JSON:
    message = workspace.message(arguments.need("channel"), arguments.need("message_ts"))
    link = f"https://{workspace.domain}.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
    return {"ok": True, "channel": message.channel, "permalink": link}


def checked_blocks(blocks: object) -> list[JSON]:
    """The blocks, if a message may carry them. Raises: Refusal `msg_blocks_too_long`, `invalid_blocks`."""
    if characters(blocks) > MESSAGE_CHARACTERS:
        raise Refusal("msg_blocks_too_long", f"[ERROR] at most {MESSAGE_CHARACTERS} characters [json-pointer:/blocks]")
    found = problems(blocks, "message")
    if found:
        raise Refusal("invalid_blocks", *found)
    assert isinstance(blocks, list)
    return blocks


def _destination(workspace: "Workspace", arguments: Arguments) -> Channel:
    """Where to; a user id means the direct messages. Raises: Refusal `channel_not_found`, `not_in_channel`, ..."""
    wanted = arguments.need("channel")
    if wanted in workspace.users:
        return workspace.direct(wanted)
    named = next((c.id for c in workspace.channels.values() if c.name and wanted == f"#{c.name}"), wanted)
    channel = workspace.channel(named)
    if channel.archived:
        raise Refusal("is_archived")
    public_writer = channel.kind is Kind.PUBLIC and "chat:write.public" in workspace.scopes
    if workspace.bot_user not in channel.members and not public_writer:
        raise Refusal("not_in_channel")
    return channel


def _content(arguments: Arguments) -> tuple[str, list[JSON]]:
    text = arguments.text("text") or ""
    blocks = arguments.structure("blocks", refusal="invalid_blocks_format")
    marked = arguments.text("markdown_text")
    if marked is not None:
        if text or blocks:
            raise Refusal("markdown_text_conflict")
        if len(marked) > MARKDOWN_TEXT:
            raise Refusal("msg_too_long")
        return marked, [{"type": "markdown", "text": marked}]
    if blocks:
        return text[:TEXT_CUT], checked_blocks(blocks)
    if not text.strip() and not arguments.given.get("attachments"):
        raise Refusal("no_text")
    return text[:TEXT_CUT], []


def _metadata(arguments: Arguments) -> JSON | None:
    metadata = arguments.structure("metadata", refusal="invalid_metadata_format")
    if metadata is None:
        return None
    if (
        not isinstance(metadata, dict)
        or not isinstance(metadata.get("event_type"), str)
        or not isinstance(metadata.get("event_payload"), dict)
    ):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata)) > METADATA_BYTES:
        raise Refusal("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


METHODS = (
    Method(name="chat.postMessage", run=post, scope="chat:write"),
    Method(name="chat.update", run=update, scope="chat:write", tier=3),
    Method(name="chat.delete", run=delete, scope="chat:write", tier=3),
    Method(name="chat.postEphemeral", run=post_ephemeral, scope="chat:write", tier=4),
    Method(name="chat.getPermalink", run=permalink),
)
