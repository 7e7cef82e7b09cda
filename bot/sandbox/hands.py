"""A person at their Slack client: says, presses, chooses, types, submits, closes, and sees what comes back."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import events, payloads
from bot.sandbox.delivery import Answer, Delivery
from bot.sandbox.inputs import TYPED, entered, find, options, refused
from bot.sandbox.messages import Message
from bot.sandbox.replies import answered_command, answered_submission
from bot.sandbox.views import View
from bot.sandbox.wire import JSON, Refusal
from bot.sandbox.workspace import Workspace

NO_ANSWER = "This app didn’t respond in time. Try again?"
NO_OPTIONS = "Options could not be loaded."
BARE_MENTION = re.compile(r"@([\w.-]+(?: [A-Z][\w-]+)?)|#([\w-]+)")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the person sees after what they did. `error` is their client's complaint, `errors` are the modal's."""

    error: str | None = None
    errors: dict[str, str] = field(default_factory=dict)  # by block id
    view: View | None = None  # the modal on top now
    ephemerals: list[Message] = field(default_factory=list)  # that are new
    message: Message | None = None  # what they posted

    @property
    def ok(self) -> bool:
        return self.error is None and not self.errors


class Person:
    """One user. Where a place is asked for: a message, a view, or None for the modal on top."""

    def __init__(self, workspace: Workspace, delivery: Delivery, user: str) -> None:
        if user not in workspace.users:
            raise LookupError(f"no user {user}")
        self.user = user
        self._workspace = workspace
        self._delivery = delivery

    @property
    def view(self) -> View | None:
        return self._workspace.views.top(self.user)

    @property
    def home(self) -> View | None:
        return self._workspace.views.homes.get(self.user)

    @property
    def ephemerals(self) -> list[Message]:
        return [message for message in self._workspace.ephemerals if message.ephemeral_to == self.user]

    @property
    def notices(self) -> list[str]:
        return self._workspace.notices.get(self.user, [])

    # -- talking -------------------------------------------------------------------------------------------------

    async def say(self, channel: str, text: str, *, thread_ts: str | None = None, broadcast: bool = False) -> Message:
        """Post as this user. `@Name`, `@handle`, `@group-handle` and `#channel` become mentions."""
        channel_id = self._workspace.direct(self.user).id if channel == self._workspace.bot_user else channel
        if self.user not in self._workspace.channels[channel_id].members:
            raise LookupError(f"{self.user} is not in {channel}")
        written = self._mentions(html.escape(text, quote=False))
        return self._workspace.post(
            Message(
                channel=channel_id,
                ts=self._workspace.new_ts(),
                user=self.user,
                text=written,
                thread_ts=thread_ts,
                broadcast=broadcast,
                client_msg_id=self._workspace.new_id("cm-"),
            )
        )

    async def join(self, channel: str) -> None:
        """Join a channel; the bot is told."""
        self._workspace.join(self._workspace.channels[channel], self.user)

    async def react(self, message: Message, name: str) -> None:
        self._workspace.react(message, name, self.user)

    async def dismiss(self, message: Message) -> None:
        """Hide an ephemeral message."""
        if message.ephemeral_to != self.user:
            raise LookupError("not a message only this user sees")
        self._workspace.delete(message)

    # -- pressing and choosing -----------------------------------------------------------------------------------

    async def click(self, action_id: str, *, on: Message | View | None = None, block_id: str | None = None) -> Seen:
        """Press a button. Raises: LookupError if there is none to press."""
        place, block, element = self._find(action_id, on, block_id)
        return await self._press(place, block, element, _button(element))

    async def choose(
        self, action_id: str, *values: Any, on: Message | View | None = None, block_id: str | None = None
    ) -> Seen:
        """Choose from a menu, tick boxes, pick a date: options by their value. None of them: take the choice back.

        Raises: LookupError if there is no such element, ValueError if it offers no such option.
        """
        place, block, element = self._find(action_id, on, block_id)
        if element["type"] in ("overflow", "feedback_buttons"):
            return await self._press(place, block, element, _menu(element, str(values[0])))
        return await self._enter(place, block, element, values, tells=block["type"] != "input")

    async def type(self, action_id: str, text: str, *, on: View | None = None, block_id: str | None = None) -> Seen:
        """Type into an input, replacing what was there. Raises: LookupError if there is none."""
        place, block, element = self._find(action_id, on, block_id)
        if element["type"] not in TYPED:
            raise LookupError(f"{action_id} is a {element['type']}: choose instead")
        return await self._enter(place, block, element, [text], tells=False)

    async def suggest(self, action_id: str, query: str, *, on: Message | View | None = None) -> list[JSON]:
        """The options an external menu offers for what was typed."""
        place, block, element = self._find(action_id, on, None)
        payload = payloads.suggestion(self._workspace, self.user, block, element, query, place)
        answer = await self._delivery.interact(payload)
        if answer.reason is not None or not isinstance(answer.body, dict):
            self._workspace.complain(self.user, NO_OPTIONS)
            return []
        return options(answer.body)

    # -- modals and home -----------------------------------------------------------------------------------------

    async def submit(self) -> Seen:
        """Press the modal's submit button. What the client itself refuses never reaches the bot."""
        view = self._top()
        before = self._workspace.latest_ts
        view.errors = refused(view.blocks, view.values)
        if view.errors:
            self._workspace.changed()
            return self._seen(before)
        answer = await self._delivery.interact(payloads.submitted(self._workspace, self.user, view))
        try:
            answered_submission(self._workspace, view, answer)
        except (Refusal, ValueError):
            return self._seen(before, error=self._workspace.complain(self.user, NO_ANSWER))
        self._workspace.changed()
        return self._seen(before)

    async def close(self) -> Seen:
        """Close the modal on top, or with `clear_on_close` all of them."""
        view, before = self._top(), self._workspace.latest_ts
        stack = self._workspace.views.stack(self.user)
        gone = list(stack) if view.content.get("clear_on_close") else [view]
        del stack[len(stack) - len(gone) :]
        self._workspace.changed()
        for closed in reversed(gone):
            if closed.content.get("notify_on_close"):
                payload = payloads.closed(self._workspace, self.user, closed, is_cleared=len(gone) > 1)
                await self._delivery.interact(payload)
        return self._seen(before)

    async def open_home(self) -> View | None:
        """Open the app's Home tab; what it shows until the bot publishes is what it showed before."""
        self._workspace.tell(events.home_opened(self._workspace, self.user))
        self._workspace.changed()
        return self.home

    # -- commands and shortcuts ----------------------------------------------------------------------------------

    async def run(self, name: str, text: str = "", *, channel: str) -> Seen:
        """Run a slash command in a channel. What the bot answers is in `ephemerals`."""
        before = self._workspace.latest_ts
        answer = await self._delivery.run(payloads.command(self._workspace, self.user, name, text, channel))
        if answer.reason is not None:
            said = "operation_timeout" if answer.status == 0 else "dispatch_failed"
            error = self._workspace.complain(self.user, f"{name} failed with the error “{said}”")
            return self._seen(before, error=error)
        try:
            answered_command(self._workspace, self.user, channel, answer)
        except Refusal as refusal:
            error = self._workspace.complain(self.user, f"{name} failed with the error “{refusal.code}”")
            return self._seen(before, error=error)
        return self._seen(before)

    async def shortcut(self, callback_id: str, *, on: Message | None = None) -> Seen:
        """A global shortcut, or with a message one from its menu."""
        before = self._workspace.latest_ts
        answer = await self._delivery.interact(payloads.shortcut(self._workspace, self.user, callback_id, on))
        return self._seen(before, error=self._failure(answer))

    # -- parts ---------------------------------------------------------------------------------------------------

    async def _press(self, place: Message | View, block: JSON, element: JSON, pressed: JSON) -> Seen:
        before = self._workspace.latest_ts
        action = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            **pressed,
            "action_ts": self._workspace.new_ts(),
        }
        payload = payloads.pressed(self._workspace, self.user, action, place)
        answer = await self._delivery.interact(payload)
        return self._seen(before, error=self._failure(answer))

    async def _enter(
        self, place: Message | View, block: JSON, element: JSON, given: Sequence[Any], *, tells: bool
    ) -> Seen:
        state = entered(element, given)
        if isinstance(place, View):
            values = place.values
        else:
            self._workspace.message_values(place, self.user)
            values = place.values.setdefault(self.user, {})
        values.setdefault(block["block_id"], {})[element["action_id"]] = state
        self._workspace.changed()
        if tells or block.get("dispatch_action"):
            told = {key: value for key, value in state.items() if key != "type"}
            return await self._press(place, block, element, told)
        return self._seen(self._workspace.latest_ts)

    def _find(
        self, action_id: str, on: Message | View | None, block_id: str | None
    ) -> tuple[Message | View, JSON, JSON]:
        place = on if on is not None else self._top()
        found = find(place.blocks, action_id, block_id)
        if found is None:
            raise LookupError(f"nothing with action_id {action_id} there")
        visible_to = found[1].get("visible_to_user_ids")
        if visible_to and self.user not in visible_to:
            raise LookupError(f"{action_id} is not shown to {self.user}")
        return place, *found

    def _top(self) -> View:
        view = self.view
        if view is None:
            raise LookupError(f"{self.user} has no modal open")
        return view

    def _failure(self, answer: Answer) -> str | None:
        return None if answer.reason is None else self._workspace.complain(self.user, NO_ANSWER)

    def _seen(self, before: str, *, error: str | None = None) -> Seen:
        new = [message for message in self.ephemerals if message.ts > before]
        view = self.view
        return Seen(error=error, errors=dict(view.errors) if view else {}, view=view, ephemerals=new)

    def _mentions(self, text: str) -> str:
        return BARE_MENTION.sub(lambda match: self._mention(match[0], match[1], match[2]), text)

    def _mention(self, written: str, name: str | None, channel: str | None) -> str:
        if channel:
            for known in self._workspace.channels.values():
                if known.name == channel:
                    return f"<#{known.id}|{known.name}>"
            return written
        assert name is not None
        first, _, rest = name.partition(" ")
        if first in ("channel", "here", "everyone"):
            return f"<!{first}>{' ' + rest if rest else ''}"
        for user in self._workspace.users.values():
            if name in (user.real_name, user.name):
                return f"<@{user.id}>"
        for user in self._workspace.users.values():
            if first.lower() in (user.name.lower(), user.real_name.lower()):
                return f"<@{user.id}>{' ' + rest if rest else ''}"
        for group in self._workspace.groups.values():
            if first == group.handle:
                return f"<!subteam^{group.id}|@{group.handle}>{' ' + rest if rest else ''}"
        return written


def _button(element: JSON) -> JSON:
    """What pressing it tells, besides its ids. Raises: LookupError if it is no button."""
    kind = element["type"]
    if kind not in ("button", "workflow_button", "icon_button"):
        raise LookupError(f"{element['action_id']} is a {kind}: choose instead")
    return {key: element[key] for key in ("text", "value", "style", "url") if key in element}


def _menu(element: JSON, value: str) -> JSON:
    if element["type"] == "overflow":
        for option in element["options"]:
            if option["value"] == value:
                return {"selected_option": option}
    else:
        for side in ("positive_button", "negative_button"):
            if element[side]["value"] == value:
                return {"text": element[side]["text"], "value": value}
    raise ValueError(f"{element['action_id']} offers no option {value!r}")
