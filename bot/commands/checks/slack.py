"""Slack: the token, its scopes, the channels cards go to, and the people who may press."""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.checks import Finding, fine, wrong
from bot.core.policy import Policy
from bot.settings import Settings
from bot.surfaces.slack.scopes import missing_scopes
from bot.surfaces.slack.wire import ADVICE, Client

_REINSTALL: Final = "Update the app from manifest.yml at api.slack.com/apps, and install it again."
_UNREACHABLE: Final = "unreachable"
_FAILURES: Final = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)


class _Refused(Exception):
    """Slack said no, or nothing. `code` is Slack's own."""

    def __init__(self, code: str, *, needed: str = "") -> None:
        super().__init__(code)
        self.code, self.needed = code, needed

    def finding(self, subject: str) -> Finding:
        if self.code == _UNREACHABLE:
            return wrong(subject, "Slack cannot be reached", fix="Let this machine reach SLACK_API_URL.")
        if self.code == "missing_scope":
            return wrong(subject, f"the app lacks {self.needed or 'a scope'}", fix=_REINSTALL)
        advice = ADVICE.get(self.code, "look the code up at docs.slack.dev")
        return wrong(subject, f"Slack says {self.code}", fix=f"{advice[:1].upper()}{advice[1:]}.")


async def check_slack(settings: Settings, policy: Policy) -> list[Finding]:
    """Everything Slack can tell; with a token it refuses, only that."""
    client = Client(token=settings.slack_bot_token.get_secret_value(), api_url=settings.slack_api_url)
    await client.start()
    try:
        try:
            answer = await client.web.auth_test()
        except _FAILURES as error:
            return [_refused(error).finding("SLACK_BOT_TOKEN")]
        findings = [fine("SLACK_BOT_TOKEN", f"{answer['user']} in {answer['team']}"), judged_scopes(answer.headers)]
        if settings.slack_app_token is not None:
            findings.append(await _socket_mode(client.web, settings.slack_app_token.get_secret_value()))
        findings += [await _channel(client.web, place, users) for place, users in _places(policy).items()]
        findings += [await _group(client.web, key, group) for key, group in _groups(policy).items()]
        findings += [await _person(client.web, key, person) for person, key in _people(policy).items()]
        return findings
    finally:
        await client.stop()


def judged_scopes(headers: Mapping[str, Any]) -> Finding:
    """What auth.test's X-OAuth-Scopes header means, beside what manifest.yml asks for."""
    told = {name.lower(): str(value) for name, value in headers.items()}.get("x-oauth-scopes")
    if told is None:
        return fine("scopes", "not told by this server")
    missing = missing_scopes(each.strip() for each in told.split(","))
    if missing:
        lacking = "; ".join(f"{scope} ({why})" for scope, why in missing.items())
        return wrong("scopes", f"missing: {lacking}", fix=_REINSTALL)
    return fine("scopes", "all that manifest.yml asks for")


async def _socket_mode(web: AsyncWebClient, token: str) -> Finding:
    try:
        await web.apps_connections_open(app_token=token)
    except _FAILURES as error:
        refused = _refused(error)
        if refused.code in ("invalid_auth", "not_authed", "not_allowed_token_type"):
            fix = "Make an app-level token with connections:write at api.slack.com/apps, and turn on Socket Mode."
            return wrong("SLACK_APP_TOKEN", f"Slack says {refused.code}", fix=fix)
        return refused.finding("SLACK_APP_TOKEN")
    return fine("SLACK_APP_TOKEN", "Socket Mode is open to it")


async def _channel(web: AsyncWebClient, channel: str, users: str) -> Finding:
    try:
        found = (await web.conversations_info(channel=channel))["channel"]
    except _FAILURES as error:
        return _refused(error).finding(f"channel {channel} ({users})")
    subject = f"#{found.get('name', channel)} ({users})"
    if found.get("is_archived"):
        return wrong(subject, "is archived", fix=f"Unarchive it, or name another channel for {users}.")
    if not found.get("is_member"):
        return wrong(subject, "the bot is not in it", fix=f"In #{found.get('name', channel)}, write: /invite @Signoff")
    return fine(subject, "the bot is in it")


async def _group(web: AsyncWebClient, key: str, group: str) -> Finding:
    subject = f"{key} {group}"
    try:
        members = (await web.usergroups_users_list(usergroup=group))["users"]
    except _FAILURES as error:
        return _refused(error).finding(subject)
    if not members:
        return wrong(subject, "has no members", fix="Add people to the user group in Slack.")
    return fine(subject, f"{len(members)} members")


async def _person(web: AsyncWebClient, key: str, person: str) -> Finding:
    subject = f"{key} {person}"
    try:
        user = (await web.users_info(user=person))["user"]
    except _FAILURES as error:
        return _refused(error).finding(subject)
    if user.get("deleted") or user.get("is_bot"):
        what = "was deactivated" if user.get("deleted") else "is a bot"
        return wrong(subject, what, fix=f"Take {person} out of {key} in signoff.toml.")
    return fine(subject, str(user.get("real_name") or user.get("name") or person))


def _refused(error: Exception) -> _Refused:
    if isinstance(error, SlackApiError) and isinstance(error.response.data, dict):
        return _Refused(str(error.response.data.get("error")), needed=str(error.response.data.get("needed", "")))
    return _Refused(_UNREACHABLE)


def _places(policy: Policy) -> dict[str, str]:
    """Every configured channel, with the keys that name it."""
    named = [("slack.channel", policy.slack.channel)]
    named += [(f"category {each.name}", each.channel) for each in policy.categories if each.channel]
    named += [(f"tiers.{name}", tier.channel) for name, tier in policy.tiers.items() if tier.channel]
    return {place: ", ".join(key for key, other in named if other == place) for _, place in named}


def _groups(policy: Policy) -> dict[str, str]:
    named = {"agents_group": policy.slack.agents_group, "supervisors_group": policy.slack.supervisors_group}
    return {key: group for key, group in named.items() if group is not None}


def _people(policy: Policy) -> dict[str, str]:
    """Every configured person once, with the key of their highest role."""
    slack = policy.slack
    named = {"agents": slack.agents, "supervisors": slack.supervisors, "admins": slack.admins}
    return {person: key for key, people in named.items() for person in people}
