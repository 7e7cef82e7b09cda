"""users.* and usergroups.*: who is there."""

from typing import TYPE_CHECKING

from bot.sandbox.people import User
from bot.sandbox.webapi.method import Arguments, Method, page
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace

EMAIL_SCOPE = "users:read.email"


def info(workspace: "Workspace", arguments: Arguments) -> JSON:
    user = workspace.users.get(arguments.need("user"))
    if user is None:
        raise Refusal("user_not_found")
    return {"ok": True, "user": _told(workspace, user)}


def listing(workspace: "Workspace", arguments: Arguments) -> JSON:
    users, metadata = page(list(workspace.users.values()), arguments, default=1000)
    return {
        "ok": True,
        "members": [_told(workspace, user) for user in users],
        "cache_ts": 0,
        "response_metadata": metadata,
    }


def lookup(workspace: "Workspace", arguments: Arguments) -> JSON:
    email = arguments.need("email").lower()
    for user in workspace.users.values():
        if user.email.lower() == email and not user.deleted:
            return {"ok": True, "user": _told(workspace, user)}
    raise Refusal("users_not_found")


def groups(workspace: "Workspace", arguments: Arguments) -> JSON:
    with_users, disabled = arguments.flag("include_users"), arguments.flag("include_disabled")
    listed = [group for group in workspace.groups.values() if disabled or not group.disabled]
    told = [group.json(team_id=workspace.team_id, with_users=with_users) for group in listed]
    return {"ok": True, "usergroups": told}


def group_users(workspace: "Workspace", arguments: Arguments) -> JSON:
    group = workspace.groups.get(arguments.need("usergroup"))
    if group is None:
        raise Refusal("no_such_subteam")
    if group.disabled and not arguments.flag("include_disabled"):
        raise Refusal("subteam_disabled")
    return {"ok": True, "users": list(group.users)}


def _told(workspace: "Workspace", user: User) -> JSON:
    return workspace.user_json(user, with_email=EMAIL_SCOPE in workspace.scopes)


METHODS = (
    Method(name="users.info", run=info, scope="users:read", tier=4),
    Method(name="users.list", run=listing, scope="users:read", tier=2),
    Method(name="users.lookupByEmail", run=lookup, scope=EMAIL_SCOPE, tier=3),
    Method(name="usergroups.list", run=groups, scope="usergroups:read", tier=2),
    Method(name="usergroups.users.list", run=group_users, scope="usergroups:read", tier=2),
)
