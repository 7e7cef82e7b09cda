"""What Teams tells us, as frozen values. Whatever is not shaped as documented is Malformed, whoever signed it.

https://github.com/microsoft/botframework-sdk/blob/main/specs/botframework-activity/botframework-activity.md
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.core.cards import Action
from bot.core.decisions import Shown
from bot.core.forms import Field
from bot.core.texts import digest, storable
from bot.surfaces.teams import verbs
from bot.surfaces.teams.cards.elements import restored
from bot.surfaces.teams.cards.inputs import Filled
from bot.surfaces.teams.verbs import Decide, ShowQueue, Verb, field_id

JSON = Mapping[str, Any]

TEXT_CHARS: Final = 100_000  # of one input or message; more than Teams lets through
ID_CHARS: Final = 500
_EXECUTE: Final = "adaptiveCard/action"
_PERSONAL: Final = "personal"
_TAG: Final = re.compile(r"</?at\b[^<>]*>", re.IGNORECASE)


class Malformed(ValueError):
    """Not shaped as Microsoft documents it, or not a button of ours: counted by `reason`, and refused."""

    def __init__(self, words: str, *, reason: str = "malformed") -> None:
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who did it. What they may do is the roster's to say."""

    aad_object_id: str  # the same for all bots, unlike `id`
    tenant: str
    id: str  # 29:…, as mentions need it

    @property
    def external_id(self) -> str:
        """Under which the roster knows them: object ids are unique within a tenant only."""
        return f"{self.tenant}/{self.aad_object_id}"


@dataclass(frozen=True, kw_only=True)
class Where:
    """The conversation it happened in, and the message it was about."""

    conversation: str  # 19:…;messageid=… in the thread of a channel
    tenant: str
    service_url: str
    personal: bool
    reply_to: str | None = None  # the activity that holds the pressed button


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A button of a card. `filled` is empty but where a form was sent off."""

    who: Person
    where: Where
    verb: Verb
    on: Shown
    filled: Filled
    event: str | None  # the same when Teams hands over the same press again


@dataclass(frozen=True, kw_only=True)
class QueueAsked:
    """The button under a queue."""

    who: Person
    where: Where


@dataclass(frozen=True, kw_only=True)
class Told:
    """Words said to the bot, without the mention of it."""

    who: Person
    where: Where
    text: str
    event: str | None

    @property
    def words(self) -> tuple[str, ...]:
        """As a command."""
        return tuple(self.text.lower().split()[:10])


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The app was added to a team, or to somebody's chat (`team` None)."""

    where: Where
    team: str | None
    channel: str | None


@dataclass(frozen=True, kw_only=True)
class Removed:
    where: Where
    team: str | None


@dataclass(frozen=True, kw_only=True)
class TeamChanged:
    """Members came or went, or channels did. `event_type` is Teams' own word, or empty."""

    where: Where
    team: str | None
    event_type: str


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Nothing for us. An invoke is answered all the same (`invoke`: its name), or Teams shows an error."""

    kind: str
    invoke: str | None = None


Heard = Pressed | QueueAsked | Told | Installed | Removed | TeamChanged | Ignored


def heard(body: JSON, *, tenant: str, service_url: str) -> Heard:
    """What an activity says. `tenant` and `service_url` are those that the guard let in.

    Raises Malformed, and nothing else.
    """
    kind = _text(body, "type")
    where = _where(body, tenant, service_url)
    match kind:
        case "invoke":
            return _invoked(body, where)
        case "message":
            return _told(body, where)
        case "installationUpdate":
            return _installation(body, where)
        case "conversationUpdate":
            return TeamChanged(where=where, team=_team(body), event_type=_channel_text(body, "eventType") or "")
        case _:
            return Ignored(kind=kind[:50])


def _invoked(body: JSON, where: Where) -> Pressed | QueueAsked | Ignored:
    if body.get("name") != _EXECUTE:
        return Ignored(kind="invoke", invoke=(_optional(body, "name") or "")[:50])
    action = _dict(_dict(body, "value"), "action")
    who, data = _person(body, where.tenant), action.get("data")
    try:
        said = verbs.read(action.get("verb"), data)
    except verbs.UnknownVerb as error:
        raise Malformed(str(error), reason="unknown_action") from error
    except verbs.Tampered as error:
        raise Malformed(str(error), reason="tampered") from error
    if isinstance(said, ShowQueue):
        return QueueAsked(who=who, where=where)
    verb, on = said
    filled = _filled(verb.action, data) if isinstance(verb, Decide) and isinstance(data, dict) else Filled()
    return Pressed(who=who, where=where, verb=verb, on=on, filled=filled, event=_event("press", body, where))


def _filled(action: Action, data: JSON) -> Filled:
    """What was typed and chosen. Teams merges the inputs into the button's data; empty ones may be left out."""
    return Filled(
        text=_typed(data, field_id(action, Field.TEXT)),
        choice=_typed(data, field_id(action, Field.CHOICE)) or None,
        note=_typed(data, field_id(action, Field.NOTE)),
    )


def _typed(data: JSON, key: str) -> str:
    """As it was typed: line ends are \\n, whatever the client's system."""
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > TEXT_CHARS:
        raise Malformed("an input without text", reason="tampered")
    return restored(storable(value).replace("\r\n", "\n").replace("\r", "\n"))


def _told(body: JSON, where: Where) -> Told | Ignored:
    """Cards that submit (we have none) come as messages too, with a value and no words."""
    if body.get("value") is not None or not isinstance(body.get("text"), str):
        return Ignored(kind="message")
    text = _without_mention(body, body["text"][:TEXT_CHARS])
    return Told(who=_person(body, where.tenant), where=where, text=text, event=_event("said", body, where))


def _without_mention(body: JSON, text: str) -> str:
    """What a person typed: the first mention of the bot goes, those of others become their names."""
    recipient = body.get("recipient")
    bot = _optional(recipient, "id")
    entities = body.get("entities")
    for entity in entities if isinstance(entities, list) else ():
        mentioned = entity.get("mentioned") if isinstance(entity, dict) else None
        shown = _optional(entity, "text")
        if bot is not None and shown is not None and _optional(mentioned, "id") == bot:
            text = text.replace(shown, "", 1)
            break
    return storable(html.unescape(_TAG.sub("", text))).replace("\xa0", " ").strip()


def _installation(body: JSON, where: Where) -> Installed | Removed | Ignored:
    team = _team(body)
    match body.get("action"):
        case "add" | "add-upgrade":
            return Installed(where=where, team=team, channel=_id_in_channel_data(body, "channel"))
        case "remove" | "remove-upgrade":
            return Removed(where=where, team=team)
        case _:
            return Ignored(kind="installationUpdate")


def _person(body: JSON, tenant: str) -> Person:
    sender = _dict(body, "from")
    return Person(aad_object_id=_text(sender, "aadObjectId").lower(), tenant=tenant, id=_text(sender, "id"))


def _where(body: JSON, tenant: str, service_url: str) -> Where:
    conversation = _dict(body, "conversation")
    return Where(
        conversation=_text(conversation, "id"),
        tenant=tenant,
        service_url=service_url,
        personal=conversation.get("conversationType") == _PERSONAL,
        reply_to=_optional(body, "replyToId"),
    )


def _event(kind: str, body: JSON, where: Where) -> str | None:
    """Activity ids are unique within a conversation."""
    found = _optional(body, "id")
    return f"{kind}:{digest(chr(0).join((where.tenant, where.conversation, found)))}" if found else None


def _team(body: JSON) -> str | None:
    return _id_in_channel_data(body, "team")


def _id_in_channel_data(body: JSON, key: str) -> str | None:
    data = body.get("channelData")
    return _optional(data.get(key), "id") if isinstance(data, dict) else None


def _channel_text(body: JSON, key: str) -> str | None:
    return _optional(body.get("channelData"), key)


def _text(where: JSON, key: str) -> str:
    value = _optional(where, key)
    if value is None:
        raise Malformed(f"no {key}")
    return value


def _optional(where: object, key: str) -> str | None:
    """An id or a name: short, and without what no database takes."""
    value = where.get(key) if isinstance(where, dict) else None
    return value if isinstance(value, str) and 0 < len(value) <= ID_CHARS and value.isprintable() else None


def _dict(where: JSON, key: str) -> dict[str, Any]:
    value = where.get(key)
    if not isinstance(value, dict):
        raise Malformed(f"no {key}")
    return value
