"""The workspace of Larkspur Supply, the outdoor shop of the demo. Ids are fixed: others build on them."""

from collections.abc import Callable
from datetime import datetime

from bot.sandbox.messages import Channel
from bot.sandbox.people import User, UserGroup
from bot.sandbox.workspace import Workspace, utc_now

AGENTS = ["U0ANA", "U0BO", "U0CY"]
LEADS = ["U0DEE", "U0ELI"]


def larkspur(clock: Callable[[], datetime] = utc_now) -> Workspace:
    """Three agents, a supervisor, an admin, an outsider, three channels, two user groups, and the bot."""
    workspace = Workspace(clock=clock, team_id="T0LARKSPUR", team_name="Larkspur Supply", domain="larkspur")
    for user_id, name, real_name, title in (
        ("U0ANA", "ana", "Ana Ruiz", "Support"),
        ("U0BO", "bo", "Bo Lindqvist", "Support"),
        ("U0CY", "cy", "Cy Okafor", "Support"),
        ("U0DEE", "dee", "Dee Marsh", "Support lead"),
        ("U0ELI", "eli", "Eli Novak", "Operations"),
        ("U0FAY", "fay", "Fay Holt", "Warehouse"),
    ):
        workspace.users[user_id] = User(
            user_id, name, real_name, f"{name}@larkspur.example", title, is_admin=user_id == "U0ELI"
        )
    everyone = list(workspace.users)
    for channel_id, name, topic in (
        ("C0SUPPORT", "support", "Customer messages, waiting for a person to sign off"),
        ("C0BILLING", "billing", "Refunds and invoices"),
        ("C0VIP", "vip-desk", "Our best customers"),
    ):
        workspace.channels[channel_id] = Channel(channel_id, name, members=list(everyone), topic=topic)
    workspace.groups["S0AGENTS"] = UserGroup("S0AGENTS", "support-agents", "Support agents", [*AGENTS, *LEADS])
    workspace.groups["S0LEADS"] = UserGroup("S0LEADS", "support-supervisors", "Support supervisors", list(LEADS))
    return workspace
