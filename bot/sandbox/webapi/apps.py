"""auth.test, apps.connections.open, blocks.validate, api.test: about the app itself."""

from typing import TYPE_CHECKING

from bot.sandbox.blockkit import problems, view_problems
from bot.sandbox.webapi.method import Arguments, Method
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace


def auth_test(workspace: "Workspace", _: Arguments) -> JSON:
    return {
        "ok": True,
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.team_name,
        "user": workspace.users[workspace.bot_user].name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def connections_open(workspace: "Workspace", _: Arguments) -> JSON:
    link = workspace.base_url.replace("http://", "ws://", 1)
    return {"ok": True, "url": f"{link}/link?ticket={workspace.new_ticket()}"}


def blocks_validate(_: "Workspace", arguments: Arguments) -> JSON:
    view, message, blocks = (arguments.structure(name) for name in ("view", "message", "blocks"))
    if view is not None:
        found = view_problems(view)
    else:
        carried = message.get("blocks") if isinstance(message, dict) else blocks
        found = problems(carried, "message")
    if found:
        raise Refusal("invalid_blocks", *found)
    return {"ok": True}


def api_test(_: "Workspace", arguments: Arguments) -> JSON:
    return {"ok": True, "args": {key: value for key, value in arguments.given.items() if key != "token"}}


METHODS = (
    Method(name="auth.test", run=auth_test),
    Method(name="apps.connections.open", run=connections_open, token="app", tier=3),
    Method(name="blocks.validate", run=blocks_validate, token=None, tier=4),
    Method(name="api.test", run=api_test, token=None, tier=4),
)
