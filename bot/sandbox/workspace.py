"""The workspace itself, in memory: who is there, what was said, what is open. It tells the bot through `tell`."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.sandbox import events
from bot.sandbox.inputs import elements, initial_values
from bot.sandbox.journal import Call, Delivered, Journal
from bot.sandbox.messages import Channel, Kind, Message
from bot.sandbox.people import User, UserGroup
from bot.sandbox.triggers import Hooks, Triggers
from bot.sandbox.views import View, Views
from bot.sandbox.wire import JSON, Refusal

EPHEMERALS = 1000  # kept, the newest
SCOPES = frozenset(
    [
        "chat:write",
        "commands",
        "app_mentions:read",
        "channels:history",
        "groups:history",
        "im:history",
        "channels:read",
        "groups:read",
        "channels:join",
        "im:read",
        "im:write",
        "users:read",
        "users:read.email",
        "usergroups:read",
        "files:write",
        "reactions:write",
    ]
)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Workspace:
    """All state. Whoever changes it calls `changed`, so that pages and tests that wait look again."""

    clock: Callable[[], datetime] = utc_now
    team_id: str = "T0SANDBOX"
    team_name: str = "Sandbox"
    domain: str = "sandbox"
    app_id: str = "A0SIGNOFF"
    bot_id: str = "B0SIGNOFF"
    bot_user: str = "U0SIGNOFF"
    scopes: frozenset[str] = SCOPES
    subscriptions: frozenset[str] = events.SUBSCRIPTIONS
    base_url: str = ""  # where the sandbox itself is reached; set when it listens
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    ephemerals: list[Message] = field(default_factory=list)
    notices: dict[str, list[str]] = field(default_factory=dict)  # per user: errors their Slack client showed
    files: dict[str, JSON] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    views: Views = field(default_factory=Views)
    journal: Journal = field(default_factory=Journal)
    tell: Callable[[JSON], None] = lambda event: None  # hands an event to delivery
    version: int = 0

    def __post_init__(self) -> None:
        self.triggers = Triggers(self.clock)
        self.hooks = Hooks(self.clock)
        self.tickets: set[str] = set()  # of Socket Mode connections that were promised and not yet made
        self._numbers = itertools.count(1)
        self._last_ts = 0
        self._change = asyncio.Event()
        self.users.setdefault(self.bot_user, User(self.bot_user, "signoff", "Signoff", is_bot=True))

    # -- identity and time ---------------------------------------------------------------------------------------

    def number(self) -> int:
        return next(self._numbers)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{self.number():08X}"

    def new_ticket(self) -> str:
        ticket = self.new_id("L")
        self.tickets.add(ticket)
        return ticket

    def new_trigger(self, user: str, *, from_modal: bool = False) -> str:
        number = self.number()
        return self.triggers.issue(f"{number}.{number}.{number:032x}", user, from_modal=from_modal)

    def new_response_url(self, user: str, channel: str, source: Message | None = None) -> str:
        token = self.hooks.issue(secrets.token_urlsafe(18), user, channel, source)
        return f"{self.base_url}/hooks/response/{token}"

    def new_ts(self) -> str:
        """Microseconds, unique and growing over the whole workspace even when the clock stands still."""
        self._last_ts = max(int(self.clock().timestamp() * 1_000_000), self._last_ts + 1)
        return self.latest_ts

    @property
    def latest_ts(self) -> str:
        """The newest timestamp given out; timestamps compare as text."""
        return f"{self._last_ts // 1_000_000:010d}.{self._last_ts % 1_000_000:06d}"

    # -- watching ------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        self.version += 1
        self._change.set()
        self._change = asyncio.Event()

    async def next_change(self, after: int) -> int:
        """The version, once it is newer than `after`."""
        while self.version <= after:
            await self._change.wait()
        return self.version

    async def until(self, look: Callable[[], Any], *, timeout_seconds: float = 60) -> Any:
        """What `look` returns as soon as that is true. Raises: TimeoutError."""
        async with asyncio.timeout(timeout_seconds):
            while not (seen := look()):
                await self.next_change(self.version)
            return seen

    def calls(self, method: str | None = None) -> list[Call]:
        return [call for call in self.journal.calls if method in (None, call.method)]

    def deliveries(self, kind: str | None = None) -> list[Delivered]:
        return [delivered for delivered in self.journal.deliveries if kind in (None, delivered.kind)]

    # -- channels ------------------------------------------------------------------------------------------------

    def direct(self, user: str) -> Channel:
        """The direct messages between the bot and that user, made when first needed."""
        if user not in self.users:
            raise Refusal("user_not_found")
        channel_id = f"D{user[1:]}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(channel_id, "", Kind.IM, [user, self.bot_user])
        return self.channels[channel_id]

    def channel(self, channel_id: str | None) -> Channel:
        """As the bot sees it. Raises: Refusal `channel_not_found`, also for private ones it is not in."""
        channel = self.channels.get(channel_id or "")
        if channel is None or (channel.kind is not Kind.PUBLIC and self.bot_user not in channel.members):
            raise Refusal("channel_not_found")
        return channel

    def message(self, channel_id: str | None, ts: str | None) -> Message:
        message = self.channel(channel_id).messages.get(ts or "")
        if message is None:
            raise Refusal("message_not_found")
        return message

    def join(self, channel: Channel, user: str) -> None:
        if user not in channel.members:
            channel.members.append(user)
            self.tell(events.member_joined(self, channel, user))
            self.changed()

    # -- messages ------------------------------------------------------------------------------------------------

    def post(self, message: Message) -> Message:
        """Store, link to its thread, tell the bot. Raises: Refusal `thread_not_found`, `cannot_reply_to_message`."""
        channel = self.channels[message.channel]
        self.name_blocks(message.blocks)
        if message.thread_ts:
            parent = channel.messages.get(message.thread_ts)
            if parent is None:
                raise Refusal("thread_not_found")
            if parent.thread_ts is not None:
                raise Refusal("cannot_reply_to_message")
            parent.replies.append(message)
        channel.messages[message.ts] = message
        for event in events.posted(self, channel, message):
            self.tell(event)
        self.changed()
        return message

    def whisper(self, message: Message) -> Message:
        """Show a message to one user only; it is never in the history."""
        self.name_blocks(message.blocks)
        self.ephemerals.append(message)
        del self.ephemerals[:-EPHEMERALS]
        self.changed()
        return message

    def edit(self, message: Message, *, text: str, blocks: list[JSON], by: str) -> None:
        before = message.json(team_id=self.team_id, app_id=self.app_id)
        self.name_blocks(blocks)
        if not blocks:  # with blocks Slack shows no "edited" mark
            message.edited = {"user": by, "ts": f"{int(self.clock().timestamp())}.000000"}
        message.text, message.blocks = text, blocks
        message.values = {user: initial_values(blocks, kept) for user, kept in message.values.items()}
        if message.ephemeral_to is None:
            self.tell(events.changed(self, self.channels[message.channel], message, before))
        self.changed()

    def shows(self, message: Message) -> bool:
        """Whether it is still there."""
        if message.ephemeral_to is not None:
            return message in self.ephemerals
        return self.channels[message.channel].messages.get(message.ts) is message

    def delete(self, message: Message) -> None:
        if message.ephemeral_to is not None:
            self.ephemerals.remove(message)
        else:
            channel = self.channels[message.channel]
            del channel.messages[message.ts]
            if message.thread_ts and message.thread_ts in channel.messages:
                channel.messages[message.thread_ts].replies.remove(message)
            self.tell(events.deleted(self, channel, message))
        self.changed()

    def react(self, message: Message, name: str, user: str) -> None:
        """Raises: Refusal `already_reacted`."""
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise Refusal("already_reacted")
        users.append(user)
        self.tell(events.reaction(self, message, name, user, "reaction_added"))
        self.changed()

    def unreact(self, message: Message, name: str, user: str) -> None:
        """Raises: Refusal `no_reaction`."""
        if user not in message.reactions.get(name, []):
            raise Refusal("no_reaction")
        message.reactions[name].remove(user)
        if not message.reactions[name]:
            del message.reactions[name]
        self.tell(events.reaction(self, message, name, user, "reaction_removed"))
        self.changed()

    def name_blocks(self, blocks: list[JSON]) -> None:
        """Give block ids and action ids to those that came without, as Slack does."""
        for block in blocks:
            if not block.get("block_id"):
                block["block_id"] = f"b{self.number():04x}"
            for part in [block.get("accessory"), block.get("element"), *_listed(block)]:
                if isinstance(part, dict) and part.get("type") not in _INERT and not part.get("action_id"):
                    part["action_id"] = f"a{self.number():04x}"

    # -- people --------------------------------------------------------------------------------------------------

    def regroup(self, group_id: str, users: list[str]) -> None:
        """Change who is in a user group."""
        group = self.groups[group_id]
        before, group.users = group.users, list(users)
        self.tell(events.members_changed(self, group, before))
        self.changed()

    def complain(self, user: str, text: str) -> str:
        """What the user's Slack client shows when the bot did not answer."""
        self.notices.setdefault(user, []).append(text)
        self.changed()
        return text

    # -- views ---------------------------------------------------------------------------------------------------

    def new_view(self, content: JSON, user: str) -> View:
        self.name_blocks(content["blocks"])
        view_id = self.new_id("V")
        view = View(view_id, user, content, self.new_hash(), root_view_id=view_id)
        view.values = initial_values(view.blocks)
        return view

    def update_view(self, view: View, content: JSON) -> None:
        self.name_blocks(content["blocks"])
        self.views.replace(view, content, new_hash=self.new_hash())
        self.changed()

    def new_hash(self) -> str:
        return f"{int(self.clock().timestamp())}.{self.number():08x}"

    def view_json(self, view: View) -> JSON:
        return view.json(team_id=self.team_id, app_id=self.app_id, bot_id=self.bot_id)

    def message_json(self, message: Message, *, with_metadata: bool = True) -> JSON:
        return message.json(team_id=self.team_id, app_id=self.app_id, with_metadata=with_metadata)

    def user_json(self, user: User, *, with_email: bool) -> JSON:
        return user.json(team_id=self.team_id, base_url=self.base_url, with_email=with_email)

    def message_values(self, message: Message, user: str) -> JSON:
        """`state.values` of a message's menus, which each user fills for themselves."""
        if user not in message.values and any(True for _ in elements(message.blocks)):
            message.values[user] = initial_values(message.blocks)
        return message.values.get(user, {})


_INERT = frozenset(
    {
        "image",
        "plain_text",
        "mrkdwn",
        "rich_text_section",
        "rich_text_quote",
        "rich_text_list",
        "rich_text_preformatted",
        "card",
    }
)


def _listed(block: JSON) -> list[Any]:
    return list(block.get("elements") or []) + list(block.get("actions") or [])
