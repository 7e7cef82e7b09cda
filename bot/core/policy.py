"""signoff.toml as values: the desk's rules and wiring. bot.policy_file reads the file."""

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from storage.tables import Priority

DEFAULT_CATEGORY: Final = "general"
TEAMS_SERVICE_URL: Final = "https://smba.trafficmanager.net/teams/"
_OBJECT_ID: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""A name that may stand in an address: lower case, digits, - and _."""
SlackChannel = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,}$")]
"""A Slack channel's id (C… or G…), never its #name: names change."""
TeamsChannel = Annotated[str, Field(pattern=r"^19:[A-Za-z0-9_-]{1,100}@thread\.(tacv2|skype)$")]
"""A Teams channel's id, as in the link to it; a team's is that of its General channel."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeskPolicy(_Section):
    """How the desk works as a whole."""

    name: str = Field(default="Support", min_length=1, max_length=80)  # the company, as drafts sign for it
    hold_seconds: float = Field(default=10, ge=0, le=600)  # between Approve and sending: the time for Undo
    quiet_seconds: float = Field(default=4, ge=0, le=120)  # a burst of messages makes one draft
    quiet_most_seconds: float = Field(default=20, ge=0, le=600)  # …but drafting never waits longer than this
    draft_deadline_seconds: float = Field(default=25, gt=0, le=300)  # then the card comes without a draft
    knowledge: str | None = None  # a folder of Markdown articles, imported at start when it changed
    voice: str = Field(default="", max_length=4000)  # the company's tone and rules, for the drafter
    languages: tuple[str, ...] = ("en",)  # ISO 639-1, the ones agents can read

    @property
    def hold(self) -> timedelta:
        return timedelta(seconds=self.hold_seconds)


class CategoryPolicy(_Section):
    """One kind of question: how it is recognised and where its cards go."""

    name: Name
    title: str = Field(default="", max_length=75)  # on cards; made from the name if empty
    keywords: tuple[str, ...] = ()  # whole words or phrases, ignoring case
    patterns: tuple[str, ...] = ()  # regular expressions, ignoring case
    channel: SlackChannel | None = None  # where its cards go; None: [slack] channel
    teams_channel: TeamsChannel | None = None  # likewise in Teams; None: [teams] channel
    priority: Priority = Priority.NORMAL
    draft: bool = True  # False: agents write these themselves
    model: str | None = None  # None: [models] draft
    about: str = Field(default="", max_length=500)  # one sentence for the model's triage

    @field_validator("patterns")
    @classmethod
    def _compiles(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern, re.IGNORECASE)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return patterns


class TierPolicy(_Section):
    """What a customer's tier means."""

    title: str = ""
    priority: Priority = Priority.NORMAL
    channel: SlackChannel | None = None  # where cards of this tier go, before the category's
    teams_channel: TeamsChannel | None = None  # likewise in Teams


class SlackPolicy(_Section):
    """Where cards go, and who may press."""

    channel: SlackChannel
    agents_group: str | None = Field(default=None, pattern=r"^S[A-Z0-9]+$")  # a user group's id
    agents: tuple[str, ...] = ()  # user ids, besides the group
    supervisors_group: str | None = Field(default=None, pattern=r"^S[A-Z0-9]+$")
    supervisors: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    roster_seconds: float = Field(default=60, ge=1, le=3600)  # how often membership is read again
    posts_per_second: float = Field(default=1, gt=0, le=1000)  # per channel; Slack allows about one
    updates_per_minute: float = Field(default=50, gt=0, le=100_000)  # per workspace; Slack's tier 3

    @model_validator(mode="after")
    def _somebody_may_press(self) -> "SlackPolicy":
        if not (self.agents_group or self.agents or self.supervisors_group or self.supervisors or self.admins):
            raise ValueError("nobody may press: set agents_group or agents")
        return self


class TeamsPolicy(_Section):
    """Where cards go in Teams, and who may press: people by their object id in Entra or their e-mail address."""

    team: TeamsChannel
    channel: TeamsChannel
    group: str | None = Field(default=None, pattern=_OBJECT_ID)  # the team's, in Entra: to look whether a card arrived
    agents: tuple[str, ...] = ()  # empty: every member of the team, without its guests
    supervisors: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    service_url: str = Field(default=TEAMS_SERVICE_URL, pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$")


class ModelsPolicy(_Section):
    """Which model does what. `signoff doctor` checks that they exist."""

    triage: str = "claude-haiku-5-5"
    draft: str = "claude-sonnet-5-5"
    effort: Literal["low", "medium", "high"] = "low"
    max_tokens: int = Field(default=2000, ge=256, le=16_000)
    triage_deadline_seconds: float = Field(default=8, gt=0, le=60)
    drafts_per_hour: int = Field(default=2000, ge=0)  # of everybody: what drafting may cost has an end
    drafts_per_customer_per_hour: int = Field(default=40, ge=0)  # of one customer


class WebChatPolicy(_Section):
    kind: Literal["webchat"]
    title: str = "Web chat"
    allowed_origins: tuple[str, ...] = ()  # sites that may embed the widget, as https://shop.example


class WebhookPolicy(_Section):
    kind: Literal["webhook"]
    title: str = "Webhook"
    url: str | None = Field(default=None, pattern=r"^https?://")  # where approved replies go; None: inbound only
    secret_env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")  # the variable(s) holding whsec_… (space-separated to rotate)
    timeout_seconds: float = Field(default=10, gt=0, le=60)


ChannelPolicy = Annotated[WebChatPolicy | WebhookPolicy, Field(discriminator="kind")]


class Policy(_Section):
    """The whole file."""

    desk: DeskPolicy = DeskPolicy()
    slack: SlackPolicy
    teams: TeamsPolicy | None = None  # None: cards go to Slack alone
    models: ModelsPolicy = ModelsPolicy()
    categories: tuple[CategoryPolicy, ...] = ()
    tiers: dict[str, TierPolicy] = {}
    channels: dict[Name, ChannelPolicy] = {}

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Policy":
        names = [category.name for category in self.categories]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two categories are named {name}")
        return self

    def category(self, name: str) -> CategoryPolicy:
        """The category of that name; an unknown or removed one is drafted for under its own name."""
        for category in self.categories:
            if category.name == name:
                return category
        return CategoryPolicy.model_construct(name=name)

    def category_title(self, name: str) -> str:
        return self.category(name).title or name.replace("_", " ").replace("-", " ").capitalize()

    @property
    def category_names(self) -> tuple[str, ...]:
        """Every category an agent may choose, the default one last."""
        named = tuple(category.name for category in self.categories)
        return named if DEFAULT_CATEGORY in named else (*named, DEFAULT_CATEGORY)

    def tier(self, name: str) -> TierPolicy:
        return self.tiers.get(name, TierPolicy())

    def place(self, surface: str, category: str, tier: str) -> str:
        """A surface's channel for a card: the tier's own, else the category's, else the default."""
        rank, kind = self.tier(tier), self.category(category)
        if surface == "teams" and self.teams is not None:
            return rank.teams_channel or kind.teams_channel or self.teams.channel
        return rank.channel or kind.channel or self.slack.channel
