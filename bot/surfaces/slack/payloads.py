"""Slack's payloads as frozen values. Whatever is not shaped as documented is Malformed, whoever signed it."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.core.texts import digest, storable
from bot.surfaces.slack.modals.filled import Filled
from bot.surfaces.slack.modals.forms import CHOICE, NOTE, TEXT

JSON = Mapping[str, Any]

PARTS_MOST: Final = 100
_ENTITY: Final = re.compile(r"<([@#!][^<>|]*|[a-z]+:[^<>|]*)(?:\|([^<>]*))?>")  # Slack escapes < and > within


class Malformed(ValueError):
    """Not shaped as Slack documents it."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to whisper to somebody."""

    user: str
    channel: str | None
    thread_ts: str | None


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A button, or an entry of a menu (`chosen`)."""

    who: Place
    action_id: str
    chosen: str | None
    packed: str  # what the button says it was bound to
    trigger_id: str

    @property
    def event(self) -> str | None:
        """The same when Slack hands over the same press again; another click has another trigger."""
        return f"press:{self.trigger_id[:200]}" if self.trigger_id else None

    @classmethod
    def of(cls, body: JSON) -> "Pressed":
        actions = body.get("actions")
        if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
            raise Malformed("block_actions without actions")
        action = actions[0]
        option = action.get("selected_option")
        chosen = _optional(option, "value") if isinstance(option, dict) else None
        return cls(
            who=_place_of_press(body),
            action_id=_optional(action, "action_id") or "",  # old attachments have none
            chosen=chosen,
            packed=(_optional(action, "block_id") if chosen is not None else _optional(action, "value")) or "",
            trigger_id=_optional(body, "trigger_id") or "",
        )


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """A form sent off."""

    user: str
    view_id: str
    callback_id: str
    metadata: str
    filled: Filled  # without its joins: those are in the metadata

    @property
    def event(self) -> str:
        """The same for the same form with the same contents: a double click, or a delivery repeated by Slack."""
        parts = (self.view_id, self.metadata, *self.filled.texts, self.filled.choice or "", self.filled.note)
        return f"form:{digest(chr(0).join(parts))}"

    @classmethod
    def of(cls, body: JSON) -> "Submitted":
        view = _dict(body, "view")
        return cls(
            user=_text(_dict(body, "user"), "id"),
            view_id=_text(view, "id"),
            callback_id=_optional(view, "callback_id") or "",
            metadata=_optional(view, "private_metadata") or "",
            filled=_filled(_dict(_dict(view, "state"), "values") if view.get("state") else {}),
        )


@dataclass(frozen=True, kw_only=True)
class Mentioned:
    """Words said to the bot in a channel; `text` is without the mention that begins it."""

    who: Place
    root_ts: str | None  # of the thread it was said in
    text: str
    event_id: str

    @classmethod
    def of(cls, body: JSON) -> "Mentioned | None":
        """None: said by a bot, or an edit: nothing to answer."""
        event = _dict(body, "event")
        user = _optional(event, "user")
        if user is None or event.get("bot_id") or event.get("edited"):
            return None
        root = _optional(event, "thread_ts")
        return cls(
            who=Place(user=user, channel=_text(event, "channel"), thread_ts=root),
            root_ts=root,
            text=_words(_optional(event, "text") or ""),
            event_id=_text(body, "event_id"),
        )


@dataclass(frozen=True, kw_only=True)
class Commanded:
    """A slash command."""

    who: Place
    words: tuple[str, ...]

    @classmethod
    def of(cls, body: JSON) -> "Commanded":
        who = Place(user=_text(body, "user_id"), channel=_optional(body, "channel_id"), thread_ts=None)
        return cls(who=who, words=tuple(storable(_optional(body, "text") or "").lower().split()[:10]))


def home_opened_by(body: JSON) -> str | None:
    """Who opened the Home tab; None for the Messages tab."""
    event = _dict(body, "event")
    return _text(event, "user") if event.get("tab") in (None, "home") else None


def closed_view(body: JSON) -> str:
    return _text(_dict(body, "view"), "id")


def _place_of_press(body: JSON) -> Place:
    """A reply shown in the channel too is whispered about in the channel: the presser may not have its thread open."""
    container = body.get("container")
    message = body.get("message")
    thread = _optional(container, "thread_ts") if isinstance(container, dict) else None
    channel = body.get("channel")
    broadcast = isinstance(message, dict) and message.get("subtype") == "thread_broadcast"
    return Place(
        user=_text(_dict(body, "user"), "id"),
        channel=_optional(channel, "id") if isinstance(channel, dict) else None,
        thread_ts=None if broadcast else thread,
    )


def _filled(values: JSON) -> Filled:
    """What was typed and chosen, by our block_ids."""
    texts: list[str] = []
    while len(texts) < PARTS_MOST and f"{TEXT}-{len(texts)}" in values:
        texts.append(_value(values[f"{TEXT}-{len(texts)}"]) or "")
    return Filled(
        texts=tuple(texts) or ("",), choice=_value(values.get(CHOICE)) or None, note=_value(values.get(NOTE)) or ""
    )


def _value(block: object) -> str | None:
    """The one input of a block: its text, or the option chosen."""
    if not isinstance(block, dict) or not block:
        return None
    state = next(iter(block.values()))
    if not isinstance(state, dict):
        raise Malformed("an input without state")
    option = state.get("selected_option")
    return storable((_optional(option, "value") if isinstance(option, dict) else _optional(state, "value")) or "")


def _words(text: str) -> str:
    """What a person typed, without Slack's markup and without the mention it begins with."""
    without = re.sub(r"^\s*<@[UW][A-Z0-9]+(?:\|[^>]*)?>[:,]?\s*", "", text)
    named = _ENTITY.sub(lambda found: found[2] or found[1].lstrip("!"), without)
    return storable(html.unescape(named)).strip()


def _text(where: JSON, key: str) -> str:
    value = where.get(key)
    if not isinstance(value, str) or not value:
        raise Malformed(f"no {key}")
    return value


def _optional(where: object, key: str) -> str | None:
    value = where.get(key) if isinstance(where, dict) else None
    return value if isinstance(value, str) and value else None


def _dict(where: JSON, key: str) -> dict[str, Any]:
    value = where.get(key)
    if not isinstance(value, dict):
        raise Malformed(f"no {key}")
    return value
