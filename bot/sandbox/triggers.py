"""Trigger ids and response urls: short-lived permissions that an interaction hands to the bot."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox.messages import Message
from bot.sandbox.wire import Refusal

TRIGGER_LIFE = timedelta(seconds=3)
HOOK_LIFE = timedelta(minutes=30)
HOOK_USES = 5
REMEMBERED = 10_000  # so many of each; older ones are as good as unknown


@dataclass
class Trigger:
    user: str
    issued_at: datetime
    from_modal: bool
    spent: bool = False


@dataclass
class Triggers:
    """Each opens one view, within three seconds."""

    clock: Callable[[], datetime]
    issued: dict[str, Trigger] = field(default_factory=dict)

    def issue(self, trigger_id: str, user: str, *, from_modal: bool) -> str:
        self.issued[trigger_id] = Trigger(user, self.clock(), from_modal)
        if len(self.issued) > REMEMBERED:
            del self.issued[next(iter(self.issued))]
        return trigger_id

    def spend(self, trigger_id: str | None) -> Trigger:
        """Raises: Refusal `invalid_trigger_id`, `exchanged_trigger_id` or `expired_trigger_id`."""
        trigger = self.issued.get(trigger_id or "")
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.spent:
            raise Refusal("exchanged_trigger_id")
        if self.clock() - trigger.issued_at > TRIGGER_LIFE:
            raise Refusal("expired_trigger_id")
        trigger.spent = True
        return trigger


@dataclass
class Hook:
    """One response_url: where it answers to, and how often it still may."""

    user: str
    channel: str
    issued_at: datetime
    source: Message | None = None  # the message whose button was pressed
    uses: int = 0


@dataclass
class Hooks:
    clock: Callable[[], datetime]
    issued: dict[str, Hook] = field(default_factory=dict)

    def issue(self, token: str, user: str, channel: str, source: Message | None) -> str:
        self.issued[token] = Hook(user, channel, self.clock(), source)
        if len(self.issued) > REMEMBERED:
            del self.issued[next(iter(self.issued))]
        return token

    def use(self, token: str) -> Hook:
        """Raises: Refusal `expired_url` after 30 minutes, `used_url` after five posts."""
        hook = self.issued.get(token)
        if hook is None or self.clock() - hook.issued_at > HOOK_LIFE:
            raise Refusal("expired_url")
        if hook.uses >= HOOK_USES:
            raise Refusal("used_url")
        hook.uses += 1
        return hook
