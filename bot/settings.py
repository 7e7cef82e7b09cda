"""Every knob, read once at start-up: the environment (and `.env`) and signoff.toml, with every problem told at once."""

import base64
import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.core.policy import Policy, TeamsPolicy
from bot.policy_file import read_policy
from bot.problems import Misconfigured, Problem, sentence

S = TypeVar("S", bound="StoreSettings")

DOTENV: Final = Path(".env")
_DRIVERS: Final = ("sqlite", "sqlite+aiosqlite", "postgresql+psycopg")
_GUID: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12,13}$"  # 13: a local Teams' own tenant
_SECRET_BYTES: Final = range(24, 65)  # what the Standard Webhooks specification allows
_LOCAL: Final = "`signoff run --insecure-local`, with SIGNOFF_HOST and [teams] service_url on this machine."
_MAKE_SECRET: Final = (
    'Make one with: python3 -c "import base64, secrets;'
    " print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)


class StoreSettings(BaseSettings):
    """What commands need that only look at the database: migrate, kb, export."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, case_sensitive=True
    )

    database_url: str = Field(
        default="sqlite+aiosqlite:///signoff.db",
        alias="DATABASE_URL",
        repr=False,  # it may hold a password
        description="The database: sqlite+aiosqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
    )
    log: Literal["auto", "json", "console"] = Field(
        default="auto",
        alias="SIGNOFF_LOG",
        description="How log lines look: json, console, or auto (console in a terminal, json elsewhere).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        alias="SIGNOFF_LOG_LEVEL",
        description="The least important lines logged: debug, info, warning or error.",
    )

    @field_validator("log", "log_level", mode="before")
    @classmethod
    def _ignoring_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise PydanticCustomError("database", "is not a database's address") from None
        if url.drivername not in _DRIVERS:
            raise PydanticCustomError("database", "names a driver Signoff does not work with")
        if url.drivername.startswith("sqlite") and url.database in (None, "", ":memory:"):
            raise PydanticCustomError("database", "names no file: what is promised would be lost at the next restart")
        return value

    def secrets(self) -> tuple[str, ...]:
        """Every secret value there is, so that logs can be kept free of them."""
        held = [getattr(self, name) for name in type(self).model_fields]
        secrets = [value.get_secret_value() for value in held if isinstance(value, SecretStr)]
        password = make_url(self.database_url).password
        return (*secrets, password) if password else tuple(secrets)


class Settings(StoreSettings):
    """The whole environment. `.env.example` lists every variable, and a test keeps it so."""

    config: Path = Field(
        default=Path("signoff.toml"),
        alias="SIGNOFF_CONFIG",
        description="The policy file: rules, channels and wiring of this installation.",
    )
    secret: SecretStr = Field(
        alias="SIGNOFF_SECRET",
        description="Signs web chat visitors' tokens; 32 characters or more, the same on every replica. "
        'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
    )
    host: str = Field(
        default="127.0.0.1",
        alias="SIGNOFF_HOST",
        description="The address to listen on; leave it local behind a reverse proxy.",
    )
    port: int = Field(default=8000, ge=0, le=65_535, alias="SIGNOFF_PORT", description="The port to listen on.")
    metrics_token: SecretStr | None = Field(
        default=None,
        alias="SIGNOFF_METRICS_TOKEN",
        description="If set, /metrics answers only requests with `Authorization: Bearer` and this token.",
    )
    slack_bot_token: SecretStr = Field(
        alias="SLACK_BOT_TOKEN",
        description="The app's bot token, xoxb-…: at api.slack.com/apps, under OAuth & Permissions, once installed.",
    )
    slack_app_token: SecretStr | None = Field(
        default=None,
        alias="SLACK_APP_TOKEN",
        description="Socket Mode's token, xapp-…, for an installation Slack cannot reach by HTTPS.",
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None,
        validate_default=True,
        alias="SLACK_SIGNING_SECRET",
        description="Proves that requests come from Slack: at api.slack.com/apps, under Basic Information.",
    )
    slack_api_url: str = Field(
        default="https://slack.com/api/",
        alias="SLACK_API_URL",
        pattern=r"^https?://.+",
        description="Slack's Web API; another address only for a local workspace.",
    )
    microsoft_app_id: str | None = Field(
        default=None,
        alias="MICROSOFT_APP_ID",
        pattern=_GUID,
        description="The bot's app id, for [teams]: at portal.azure.com, in the Azure Bot's Configuration.",
    )
    microsoft_app_password: SecretStr | None = Field(
        default=None,
        alias="MICROSOFT_APP_PASSWORD",
        description="The client secret's value, not its id: at entra.microsoft.com, the app's Certificates & secrets.",
    )
    microsoft_app_tenant_id: str | None = Field(
        default=None,
        alias="MICROSOFT_APP_TENANT_ID",
        pattern=_GUID,
        description="The tenant that the app and the team are in: at entra.microsoft.com, under Overview.",
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        alias="ANTHROPIC_API_KEY",
        description="The drafter's key, sk-ant-…; without one the offline drafter is used and every card says so.",
    )
    anthropic_base_url: str | None = Field(
        default=None,
        alias="ANTHROPIC_BASE_URL",
        pattern=r"^https?://.+",
        description="Another address for Claude's API, for a gateway.",
    )
    _channel_secrets: dict[str, tuple[SecretStr, ...]] = PrivateAttr(default_factory=dict)

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise PydanticCustomError("secret", "is shorter than 32 characters")
        return value

    @field_validator("slack_bot_token", "slack_app_token")
    @classmethod
    def _is_that_token(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        begins = "xoxb-" if info.field_name == "slack_bot_token" else "xapp-"
        if value is not None and not value.get_secret_value().startswith(begins):
            raise PydanticCustomError("token", "does not begin with {begins}", {"begins": begins})
        return value

    @field_validator("slack_signing_secret")
    @classmethod
    def _slack_can_reach_us(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("slack_app_token", "wrong, and told so") is None:
            raise PydanticCustomError("slack", "is not set, and neither is SLACK_APP_TOKEN (Socket Mode)")
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _ends_with_a_slash(cls, value: str) -> str:
        return value if value.endswith("/") else f"{value}/"

    def secret_of(self, variable: str) -> tuple[str, ...]:
        """The channel secrets a variable named by `secret_env` holds: the one to sign with first, then older ones."""
        return tuple(secret.get_secret_value() for secret in self._channel_secrets[variable])

    def secrets(self) -> tuple[str, ...]:
        channels = (secret.get_secret_value() for each in self._channel_secrets.values() for secret in each)
        return (*super().secrets(), *channels)


def load(dotenv: Path = DOTENV, *, insecure_local: bool = False) -> tuple[Settings, Policy]:
    """Settings and policy, both checked whole. `insecure_local`: Teams may be a local one, which signs nothing.

    Raises:
        Misconfigured: with every problem of the environment and of the policy file together.
    """
    environment = _environment(dotenv)
    settings, problems = _read_settings(Settings, environment, dotenv)
    path = Path(environment.get("SIGNOFF_CONFIG") or Settings.model_fields["config"].default)
    file = read_policy(path)
    secrets, more = _channel_secrets(file.secret_variables, environment)
    problems += [*file.problems, *more]
    if settings is not None and file.policy is not None and file.policy.teams is not None:
        problems += _teams_problems(settings, file.policy.teams, insecure_local)
    if problems or settings is None or file.policy is None:
        raise Misconfigured(problems)
    settings._channel_secrets.update(secrets)
    return settings, file.policy


def load_store(dotenv: Path = DOTENV) -> StoreSettings:
    """The few settings of a command that only needs the database.

    Raises:
        Misconfigured: see `load`.
    """
    settings, problems = _read_settings(StoreSettings, _environment(dotenv), dotenv)
    if settings is None:
        raise Misconfigured(problems)
    return settings


def _environment(dotenv: Path) -> dict[str, str]:
    """`.env` with the environment over it, as pydantic-settings reads them."""
    held = {**dotenv_values(dotenv), **os.environ}
    return {name: value for name, value in held.items() if value}


def _read_settings(kind: type[S], environment: Mapping[str, str], dotenv: Path) -> tuple[S | None, list[Problem]]:
    try:
        return kind(_env_file=dotenv), []  # type: ignore[call-arg]  # pydantic-settings' own argument
    except ValidationError as error:
        return None, [_settings_problem(kind, each, environment) for each in error.errors(include_input=False)]


def _settings_problem(kind: type[StoreSettings], error: ErrorDetails, environment: Mapping[str, str]) -> Problem:
    key = str(error["loc"][0])  # the variable; a default that fails goes by the field's name
    variable = (kind.model_fields[key].alias or key) if key in kind.model_fields else key
    described = {field.alias or name: field.description or "" for name, field in kind.model_fields.items()}
    remedy = described[variable]
    if error["type"] != "missing":
        return Problem(where=variable, what=sentence(error), remedy=remedy)
    slips = difflib.get_close_matches(variable, environment.keys() - described.keys(), n=1, cutoff=0.8)
    hint = f"({slips[0]} is set: is that a slip?) " if slips else ""
    return Problem(where=variable, what="is not set", remedy=f"{hint}Set it in the environment or .env. {remedy}")


def _teams_problems(settings: Settings, teams: TeamsPolicy, insecure_local: bool) -> list[Problem]:
    """What the environment lacks for [teams]: without an app id anybody could say that they are Teams."""
    local = insecure_local and is_local(settings.host) and is_local(urlsplit(teams.service_url).hostname)
    wanted = ["microsoft_app_tenant_id", *([] if local else ["microsoft_app_id", "microsoft_app_password"])]
    remedies = {name: Settings.model_fields[name] for name in wanted if getattr(settings, name) is None}
    return [
        Problem(
            where=field.alias or name,
            what="is not set, and signoff.toml has [teams]",
            remedy=f"Set it in the environment or .env. {field.description} Only a local Teams needs none: {_LOCAL}",
        )
        for name, field in remedies.items()
    ]


def is_local(host: str | None) -> bool:
    """Whether only this machine reaches it."""
    return host in ("127.0.0.1", "::1", "localhost")


def _channel_secrets(
    variables: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[dict[str, tuple[SecretStr, ...]], list[Problem]]:
    """The secrets by variable, and what is wrong with them; `variables` says which channel names which."""
    secrets: dict[str, tuple[SecretStr, ...]] = {}
    problems = []
    for channel, variable in variables.items():
        remedy = (
            f"It holds the secrets of channels.{channel}, separated by spaces, the signing one first. {_MAKE_SECRET}"
        )
        held = environment.get(variable, "").split()
        if not held:
            problems.append(Problem(where=variable, what="is not set", remedy=remedy))
        elif not all(map(_is_webhook_secret, held)):
            what = "is not whsec_ and 24 to 64 bytes in base64"
            problems.append(Problem(where=variable, what=what, remedy=remedy))
        secrets[variable] = tuple(map(SecretStr, held))
    return secrets, problems


def _is_webhook_secret(value: str) -> bool:
    prefix, marker, key = value.partition("whsec_")
    try:
        return not prefix and bool(marker) and len(base64.b64decode(key, validate=True)) in _SECRET_BYTES
    except ValueError:
        return False
