"""Users and user groups of the workspace, and how Slack tells of them."""

from dataclasses import dataclass, field

from bot.sandbox.wire import JSON

COLORS = ("4a154b", "0b6e4f", "1264a3", "b3541e", "8d3d7a", "5a6b00", "2f5d8a", "a3293d")


@dataclass
class User:
    """One member. `name` is the handle; `id` is U…."""

    id: str
    name: str
    real_name: str
    email: str = ""
    title: str = ""
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False

    @property
    def initials(self) -> str:
        words = self.real_name.split() or [self.name]
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()

    @property
    def color(self) -> str:
        return COLORS[sum(map(ord, self.id)) % len(COLORS)]

    def json(self, *, team_id: str, base_url: str, with_email: bool) -> JSON:
        """As `users.info` answers; the e-mail needs a scope of its own."""
        picture = f"{base_url}/sandbox/avatar/{self.id}.svg"
        profile: JSON = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.real_name.split()[0] if self.real_name else self.name,
            "display_name_normalized": self.real_name.split()[0] if self.real_name else self.name,
            "title": self.title,
            "status_text": "",
            "status_emoji": "",
            "team": team_id,
            "image_24": picture,
            "image_48": picture,
            "image_72": picture,
            "image_192": picture,
        }
        if with_email and self.email:
            profile["email"] = self.email
        return {
            "id": self.id,
            "team_id": team_id,
            "name": self.name,
            "deleted": self.deleted,
            "color": self.color,
            "real_name": self.real_name,
            "tz": "Etc/UTC",
            "tz_label": "UTC",
            "tz_offset": 0,
            "profile": profile,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 0,
        }

    def avatar(self) -> str:
        """A square with the initials, as SVG. Initials are escaped: names are hostile input."""
        shown = self.initials.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72">'
            f'<rect width="72" height="72" rx="8" fill="#{self.color}"/>'
            '<text x="36" y="47" font-family="sans-serif" font-size="30" fill="#fff" text-anchor="middle">'
            f"{shown}</text></svg>"
        )


@dataclass
class UserGroup:
    """A group that can be mentioned and routed to. `id` is S…."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False

    def json(self, *, team_id: str, with_users: bool) -> JSON:
        told: JSON = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": 0,
            "date_update": 0,
            "date_delete": 1 if self.disabled else 0,
            "user_count": len(self.users),
        }
        if with_users:
            told["users"] = list(self.users)
        return told
