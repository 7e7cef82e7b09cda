"""reactions.*"""

from typing import TYPE_CHECKING

from bot.sandbox.webapi.method import Arguments, Method
from bot.sandbox.wire import JSON

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace


def add(workspace: "Workspace", arguments: Arguments) -> JSON:
    message = workspace.message(arguments.need("channel"), arguments.need("timestamp"))
    workspace.react(message, arguments.need("name").strip(":"), workspace.bot_user)
    return {"ok": True}


def remove(workspace: "Workspace", arguments: Arguments) -> JSON:
    message = workspace.message(arguments.need("channel"), arguments.need("timestamp"))
    workspace.unreact(message, arguments.need("name").strip(":"), workspace.bot_user)
    return {"ok": True}


METHODS = (
    Method(name="reactions.add", run=add, scope="reactions:write", tier=3),
    Method(name="reactions.remove", run=remove, scope="reactions:write", tier=2),
)
