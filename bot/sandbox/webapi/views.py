"""views.*: modals and App Homes."""

from typing import TYPE_CHECKING

from bot.sandbox.views import View, checked
from bot.sandbox.webapi.method import Arguments, Method
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace


def open_view(workspace: "Workspace", arguments: Arguments) -> JSON:
    """A modal opened from a message covers whatever was open; one opened from a modal lies on top of it."""
    content = checked(arguments.structure("view"), "modal")
    trigger = workspace.triggers.spend(arguments.text("trigger_id"))
    if not trigger.from_modal:
        workspace.views.stack(trigger.user).clear()
    return _push(workspace, content, trigger.user)


def push_view(workspace: "Workspace", arguments: Arguments) -> JSON:
    content = checked(arguments.structure("view"), "modal")
    trigger = workspace.triggers.spend(arguments.text("trigger_id"))
    if not workspace.views.stack(trigger.user):
        raise Refusal("not_found")
    return _push(workspace, content, trigger.user)


def update_view(workspace: "Workspace", arguments: Arguments) -> JSON:
    content = arguments.structure("view")
    view_id, external_id = arguments.text("view_id"), arguments.text("external_id")
    if not view_id and not external_id:
        raise Refusal("invalid_arguments", "[ERROR] missing required field: view_id or external_id")
    kind = str(content.get("type")) if isinstance(content, dict) else ""
    content = checked(content, kind)
    view = workspace.views.find(view_id, external_id)
    if view is None:
        raise Refusal("not_found")
    _same_hash(view, arguments)
    if view.content["type"] != kind:
        raise Refusal("invalid_arguments", "[ERROR] a view keeps its type [json-pointer:/view/type]")
    workspace.views.claim_external_id(content, keeper=view)
    workspace.update_view(view, content)
    return _told(workspace, view)


def publish_view(workspace: "Workspace", arguments: Arguments) -> JSON:
    content = checked(arguments.structure("view"), "home")
    user = arguments.need("user_id")
    if user not in workspace.users:
        raise Refusal("user_not_found")
    home = workspace.views.homes.get(user)
    workspace.views.claim_external_id(content, keeper=home)
    if home is None:
        home = workspace.new_view(content, user)
        workspace.views.homes[user] = home
        workspace.changed()
    else:
        _same_hash(home, arguments)
        workspace.update_view(home, content)
    return _told(workspace, home)


def _push(workspace: "Workspace", content: JSON, user: str) -> JSON:
    workspace.views.claim_external_id(content)
    view = workspace.new_view(content, user)
    workspace.views.push(view)
    workspace.changed()
    return _told(workspace, view)


def _same_hash(view: View, arguments: Arguments) -> None:
    expected = arguments.text("hash")
    if expected and expected != view.hash:
        raise Refusal("hash_conflict")


def _told(workspace: "Workspace", view: View) -> JSON:
    return {"ok": True, "view": workspace.view_json(view)}


METHODS = (
    Method(name="views.open", run=open_view, tier=4),
    Method(name="views.push", run=push_view, tier=4),
    Method(name="views.update", run=update_view, tier=4),
    Method(name="views.publish", run=publish_view, tier=4),
)
