"""Channels and the messages, threads and reactions in them, and how Slack tells of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.sandbox.wire import JSON

MENTION = re.compile(r"<(?:@([UWB][A-Z0-9]+)|!subteam\^(S[A-Z0-9]+)|!(channel|here|everyone))(?:\|[^>]*)?>")


class Kind(StrEnum):
    PUBLIC = "channel"
    PRIVATE = "group"
    IM = "im"


@dataclass
class Message:
    """One message, a reply included. `ts` names it within its channel."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[JSON] = field(default_factory=list)
    thread_ts: str | None = None  # of the parent; None outside threads
    broadcast: bool = False  # a reply that is shown in the channel as well
    bot_id: str | None = None
    subtype: str | None = None
    metadata: JSON | None = None
    edited: JSON | None = None
    ephemeral_to: str | None = None  # the only user who sees it
    client_msg_id: str | None = None
    files: list[JSON] = field(default_factory=list)
    extra: JSON = field(default_factory=dict)  # username, icon_emoji, icon_url as posted
    reactions: dict[str, list[str]] = field(default_factory=dict)
    replies: list["Message"] = field(default_factory=list)
    values: dict[str, JSON] = field(default_factory=dict)  # per user: state.values of its menus

    @property
    def pings(self) -> list[str]:
        """Whom this message notifies: user ids, group ids, `channel`, `here`, `everyone`."""
        return sorted(set(_mentions_in_text(self.text)) | set(_mentions_in_blocks(self.blocks)))

    def json(self, *, team_id: str, app_id: str, with_metadata: bool = True) -> JSON:
        told: JSON = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, "team": team_id}
        if self.bot_id:
            told |= {"bot_id": self.bot_id, "app_id": app_id}
        optional: JSON = {
            "subtype": self.subtype,
            "client_msg_id": self.client_msg_id,
            "edited": self.edited,
            "metadata": self.metadata if with_metadata else None,
            "files": self.files or None,
            "blocks": self.blocks or None,
            "thread_ts": self.thread_ts,
            **self.extra,
        }
        told |= {key: value for key, value in optional.items() if value is not None}
        if self.reactions:
            told["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        if self.replies:
            told |= {
                "thread_ts": self.ts,
                "reply_count": len(self.replies),
                "reply_users": list(dict.fromkeys(reply.user for reply in self.replies)),
                "reply_users_count": len({reply.user for reply in self.replies}),
                "latest_reply": self.replies[-1].ts,
                "is_locked": False,
            }
        return told


@dataclass
class Channel:
    """A channel, private channel or direct message. Messages are in order of ts; replies are among them."""

    id: str
    name: str
    kind: Kind = Kind.PUBLIC
    members: list[str] = field(default_factory=list)
    topic: str = ""
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)

    @property
    def top(self) -> Iterator[Message]:
        """What the channel itself shows: parents, single messages, broadcast replies."""
        return (message for message in self.messages.values() if message.thread_ts is None or message.broadcast)

    def json(self, *, team_id: str, bot_user: str) -> JSON:
        told: JSON = {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind is Kind.PUBLIC,
            "is_group": self.kind is Kind.PRIVATE,
            "is_im": self.kind is Kind.IM,
            "is_mpim": False,
            "is_private": self.kind is not Kind.PUBLIC,
            "created": 0,
            "is_archived": self.archived,
            "is_general": False,
            "is_shared": False,
            "is_org_shared": False,
            "is_ext_shared": False,
            "context_team_id": team_id,
            "updated": 0,
            "is_member": bot_user in self.members,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }
        if self.kind is Kind.IM:
            del told["name"], told["name_normalized"]
            told["user"] = next((user for user in self.members if user != bot_user), bot_user)
            told["is_open"] = True
        return told


def _mentions_in_text(text: str) -> Iterator[str]:
    for match in MENTION.finditer(text):
        yield match[1] or match[2] or match[3]


def _mentions_in_blocks(value: Any) -> Iterator[str]:
    """In mrkdwn and markdown text, and in rich text's own runs; plain text notifies nobody."""
    if isinstance(value, list):
        for part in value:
            yield from _mentions_in_blocks(part)
    elif isinstance(value, dict):
        match value.get("type"):
            case "mrkdwn" | "markdown":
                yield from _mentions_in_text(str(value.get("text") or ""))
            case "user":
                yield str(value.get("user_id"))
            case "usergroup":
                yield str(value.get("usergroup_id"))
            case "broadcast":
                yield str(value.get("range"))
            case _:
                for part in value.values():
                    if isinstance(part, dict | list):
                        yield from _mentions_in_blocks(part)
