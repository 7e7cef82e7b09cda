"""The workspace's channels as a file, so that a demo that is started again finds its cards where it left them."""

import json
from dataclasses import asdict
from pathlib import Path

from bot.sandbox.messages import Channel, Kind, Message
from bot.sandbox.wire import JSON
from bot.sandbox.workspace import Workspace


def kept(workspace: Workspace) -> JSON:
    """Channels and their messages. What was only on somebody's screen (modals, ephemeral messages) is not kept."""
    return {
        "channels": [
            {
                "id": channel.id,
                "name": channel.name,
                "kind": channel.kind.value,
                "members": channel.members,
                "topic": channel.topic,
                "messages": [asdict(message) | {"replies": []} for message in channel.messages.values()],
            }
            for channel in workspace.channels.values()
        ]
    }


def restore(workspace: Workspace, told: JSON) -> None:
    """Put back what `kept` told, replies under their parents.

    Raises: KeyError, TypeError or ValueError where the file was written by another version.
    """
    channels = [_channel(each) for each in told["channels"]]
    workspace.channels.update({channel.id: channel for channel in channels})
    workspace.changed()


def write(path: Path, told: JSON) -> None:
    """Whole or not at all: a demo that is killed while it writes keeps what it had."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(told), encoding="utf-8")
    fresh.replace(path)


def _channel(told: JSON) -> Channel:
    messages = [Message(**each) for each in told["messages"]]
    channel = Channel(told["id"], told["name"], Kind(told["kind"]), told["members"], told["topic"])
    channel.messages = {message.ts: message for message in messages}
    for message in messages:
        if message.thread_ts in channel.messages:
            channel.messages[message.thread_ts].replies.append(message)
    return channel
