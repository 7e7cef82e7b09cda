"""What a button of ours says when it is pressed: its verb, and what it was bound to. Written and read back here."""

from dataclasses import dataclass
from typing import Any, Final

from bot.core.cards import Action
from bot.core.decisions import Shown
from bot.core.forms import AT_ONCE, FORMS, Field

DATA_VERSION: Final = 1  # of the data below: buttons of another release are refused, not guessed
PAGES_MOST: Final = 40
SHOW: Final = "show"
QUEUE: Final = "queue"
_OPEN: Final = "open:"


@dataclass(frozen=True)
class Decide:
    """A decision by itself, or a form sent off."""

    action: Action


@dataclass(frozen=True)
class Open:
    """A form is asked for: it had no room in the card."""

    action: Action


@dataclass(frozen=True)
class Read:
    """A page of everything, counted from 1."""

    page: int


@dataclass(frozen=True)
class Show:
    """The card as it stands, in place of a form or a page."""


@dataclass(frozen=True)
class ShowQueue:
    """The presser's queue as it stands. Bound to nothing."""


Verb = Decide | Open | Read | Show


class UnknownVerb(ValueError):
    """No button of ours says this."""


class Tampered(ValueError):
    """A verb of ours, with data that no button of ours carries."""


def written(verb: Verb, on: Shown) -> dict[str, Any]:
    """`verb` and `data` of an Action.Execute."""
    data: dict[str, Any] = {"v": DATA_VERSION, "on": on.pack()}
    match verb:
        case Decide(action):
            return {"verb": str(action), "data": data}
        case Open(action):
            return {"verb": f"{_OPEN}{action}", "data": data}
        case Read(page):
            return {"verb": str(Action.READ_ALL), "data": {**data, "page": page}}
        case Show():
            return {"verb": SHOW, "data": data}


def queue_asked() -> dict[str, Any]:
    return {"verb": QUEUE, "data": {"v": DATA_VERSION}}


def read(verb: object, data: object) -> tuple[Verb, Shown] | ShowQueue:
    """What was pressed. Raises UnknownVerb or Tampered."""
    asked = _verb(verb)
    if not isinstance(data, dict) or type(data.get("v")) is not int or data["v"] != DATA_VERSION:
        raise Tampered("data of another version")
    if isinstance(asked, ShowQueue):
        return asked
    if isinstance(asked, Read):
        asked = Read(_page(data.get("page")))
    return asked, _shown(data.get("on"))


def field_id(action: Action, field: Field) -> str:
    """The id of an input: no two inputs of a card may share one, and forms stand side by side."""
    return f"{action}_{field}"


def _verb(verb: object) -> Verb | ShowQueue:
    if verb == QUEUE:
        return ShowQueue()
    if verb == SHOW:
        return Show()
    if verb == str(Action.READ_ALL):
        return Read(1)
    if not isinstance(verb, str):
        raise UnknownVerb("no verb")
    try:
        action = Action(verb.removeprefix(_OPEN))
    except ValueError as error:
        raise UnknownVerb("not a verb of ours") from error
    if verb.startswith(_OPEN):
        if action not in FORMS or action is Action.READ_ALL:
            raise UnknownVerb("not a form of ours")
        return Open(action)
    if action not in AT_ONCE and action not in FORMS:
        raise UnknownVerb("decides nothing")
    return Decide(action)


def _page(page: object) -> int:
    if type(page) is not int or not 1 <= page <= PAGES_MOST:
        raise Tampered("no such page")
    return page


def _shown(on: object) -> Shown:
    if not isinstance(on, str):
        raise Tampered("bound to nothing")
    try:
        return Shown.unpack(on)
    except ValueError as error:
        raise Tampered(str(error)) from error
