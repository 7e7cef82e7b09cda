"""What the app asks of Slack, and why: manifest.yml as a table. A test holds the two together.

Sources: https://docs.slack.dev/reference/scopes and https://docs.slack.dev/reference/events.
"""

from collections.abc import Iterable, Mapping
from typing import Final

SCOPES: Final[Mapping[str, str]] = {
    "app_mentions:read": "hears redrafts asked for by a mention",
    "channels:history": "finds a card again after a lost answer, in public channels",
    "channels:read": "lets signoff doctor look whether the app is in its channels",
    "chat:write": "posts and redraws cards",
    "commands": "hears /signoff",
    "groups:history": "finds a card again after a lost answer, in private channels",
    "groups:read": "lets signoff doctor look into private channels",
    "usergroups:read": "knows who is an agent",
    "users:read": "knows agents' names",
    "users:read.email": "knows agents' addresses",
}

EVENTS: Final[Mapping[str, str | None]] = {  # and the scope that Slack asks for each
    "app_home_opened": None,
    "app_mention": "app_mentions:read",
    "app_uninstalled": None,
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
    "tokens_revoked": None,
}

METHODS: Final[Mapping[str, frozenset[str]]] = {  # every method called, and the scopes of which one is needed
    "auth.test": frozenset(),
    "chat.postEphemeral": frozenset({"chat:write"}),
    "chat.postMessage": frozenset({"chat:write"}),
    "chat.update": frozenset({"chat:write"}),
    "conversations.history": frozenset({"channels:history", "groups:history"}),
    "conversations.info": frozenset({"channels:read", "groups:read"}),
    "conversations.replies": frozenset({"channels:history", "groups:history"}),
    "usergroups.users.list": frozenset({"usergroups:read"}),
    "users.info": frozenset({"users:read"}),
    "views.open": frozenset(),
    "views.publish": frozenset(),
    "views.update": frozenset(),
}


def missing_scopes(granted: Iterable[str]) -> dict[str, str]:
    """The scopes an installation lacks, each with what does not work without it."""
    has = set(granted)
    return {scope: why for scope, why in SCOPES.items() if scope not in has}
