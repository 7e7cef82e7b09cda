"""What a POST to `/sandbox/<action>` makes a person do, and the SEEN it answers. Shapes: see `control`."""

from collections.abc import Awaitable, Callable

from bot.sandbox.drawn import drawn_seen
from bot.sandbox.hands import Person, Seen
from bot.sandbox.messages import Message
from bot.sandbox.views import View
from bot.sandbox.wire import JSON
from bot.sandbox.workspace import Workspace

Action = Callable[[Workspace, Person, JSON], Awaitable[JSON]]


async def _message(workspace: Workspace, person: Person, body: JSON) -> JSON:
    posted = await person.say(
        str(body["channel"]),
        str(body["text"]),
        thread_ts=body.get("thread_ts") or None,
        broadcast=bool(body.get("broadcast")),
    )
    return _seen(workspace, person, Seen(view=person.view, message=posted))


async def _click(workspace: Workspace, person: Person, body: JSON) -> JSON:
    on = _place(workspace, person, body)
    return _seen(workspace, person, await person.click(str(body["action_id"]), on=on, block_id=body.get("block_id")))


async def _choose(workspace: Workspace, person: Person, body: JSON) -> JSON:
    on, values = _place(workspace, person, body), list(body["values"])
    seen = await person.choose(str(body["action_id"]), *values, on=on, block_id=body.get("block_id"))
    return _seen(workspace, person, seen)


async def _type(workspace: Workspace, person: Person, body: JSON) -> JSON:
    on = _place(workspace, person, body)
    if isinstance(on, Message):
        raise LookupError("messages have no text inputs")
    seen = await person.type(str(body["action_id"]), str(body["text"]), on=on, block_id=body.get("block_id"))
    return _seen(workspace, person, seen)


async def _suggest(workspace: Workspace, person: Person, body: JSON) -> JSON:
    found = await person.suggest(str(body["action_id"]), str(body["query"]), on=_place(workspace, person, body))
    return {"ok": True, "options": found}


async def _submit(workspace: Workspace, person: Person, body: JSON) -> JSON:
    for block_id, actions in (body.get("values") or {}).items():
        for action_id, value in actions.items():
            if isinstance(value, list):
                await person.choose(action_id, *value, block_id=block_id)
            else:
                await person.type(action_id, str(value), block_id=block_id)
    return _seen(workspace, person, await person.submit())


async def _close(workspace: Workspace, person: Person, _: JSON) -> JSON:
    return _seen(workspace, person, await person.close())


async def _home(workspace: Workspace, person: Person, _: JSON) -> JSON:
    await person.open_home()
    return _seen(workspace, person, Seen(view=person.view))


async def _command(workspace: Workspace, person: Person, body: JSON) -> JSON:
    seen = await person.run(str(body["command"]), str(body.get("text") or ""), channel=str(body["channel"]))
    return _seen(workspace, person, seen)


async def _shortcut(workspace: Workspace, person: Person, body: JSON) -> JSON:
    on = _pointed(workspace, person, body) if body.get("ts") else None
    return _seen(workspace, person, await person.shortcut(str(body["callback_id"]), on=on))


async def _react(workspace: Workspace, person: Person, body: JSON) -> JSON:
    await person.react(_pointed(workspace, person, body), str(body["name"]))
    return _seen(workspace, person, Seen(view=person.view))


async def _dismiss(workspace: Workspace, person: Person, body: JSON) -> JSON:
    await person.dismiss(_pointed(workspace, person, body))
    return _seen(workspace, person, Seen(view=person.view))


ACTIONS: dict[str, Action] = {
    "message": _message,
    "click": _click,
    "choose": _choose,
    "type": _type,
    "suggest": _suggest,
    "submit": _submit,
    "close": _close,
    "home": _home,
    "command": _command,
    "shortcut": _shortcut,
    "react": _react,
    "dismiss": _dismiss,
}


def _place(workspace: Workspace, person: Person, body: JSON) -> Message | View | None:
    """Where the body points to. Raises: LookupError."""
    if body.get("home"):
        if person.home is None:
            raise LookupError("no home published")
        return person.home
    return _pointed(workspace, person, body) if body.get("ts") else None


def _pointed(workspace: Workspace, person: Person, body: JSON) -> Message:
    channel, ts = body.get("channel"), body.get("ts")
    for whispered in person.ephemerals:
        if (whispered.channel, whispered.ts) == (channel, ts):
            return whispered
    return workspace.channels[str(channel)].messages[str(ts)]


def _seen(workspace: Workspace, person: Person, seen: Seen) -> JSON:
    return drawn_seen(workspace, person.user, seen)
