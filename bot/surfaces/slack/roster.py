"""Who may press: the members of the configured user groups, and the people named in signoff.toml."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bot.core.policy import SlackPolicy
from bot.core.texts import one_line
from bot.surfaces.base import Member, SurfaceRefused
from bot.surfaces.slack.wire import Client
from storage.tables import Role

log = logging.getLogger(__name__)

FRESH_FOR: Final = timedelta(minutes=30)  # a person's name and address; membership is read every time
REMEMBERED: Final = 2000
AT_ONCE: Final = 5
_GONE: Final = ("user_not_found", "user_not_visible", "users_not_found")


class Roster:
    def __init__(self, client: Client, policy: SlackPolicy, clock: Callable[[], datetime]) -> None:
        self._client, self._policy, self._clock = client, policy, clock
        self._known: OrderedDict[str, tuple[datetime, dict[str, Any] | None]] = OrderedDict()

    async def read(self) -> Sequence[Member]:
        """Everyone, the highest role each has. People without an account, the deactivated and bots are left out."""
        roles: dict[str, Role] = {}
        for user in [*self._policy.agents, *await self._group(self._policy.agents_group)]:
            roles[user] = Role.AGENT
        for user in [*self._policy.supervisors, *await self._group(self._policy.supervisors_group)]:
            roles[user] = Role.SUPERVISOR
        for user in self._policy.admins:
            roles[user] = Role.ADMIN
        people = await self._people(roles)
        return [_member(user, people[user], roles[user]) for user in roles if user in people]

    async def _group(self, group: str | None) -> list[str]:
        if group is None:
            return []
        answer = await self._client.call("usergroups.users.list", get=True, usergroup=group)
        users = answer.get("users")
        return [user for user in users if isinstance(user, str)] if isinstance(users, list) else []

    async def _people(self, users: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What Slack knows of them. Those learnt stay known when a later one is refused by a rate limit."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def learn(user: str) -> tuple[str, dict[str, Any] | None]:
            async with gate:
                return user, await self._person(user)

        found = await asyncio.gather(*map(learn, users))
        return {user: person for user, person in found if person is not None}

    async def _person(self, user: str) -> dict[str, Any] | None:
        """None: nobody who could press."""
        at, person = self._known.get(user, (None, None))
        if at is not None and timedelta(0) <= self._clock() - at < FRESH_FOR:
            return person
        try:
            answer = await self._client.call("users.info", get=True, user=user)
        except SurfaceRefused as refusal:
            if not any(code in str(refusal) for code in _GONE):
                raise
            log.warning("an agent named in signoff.toml has no Slack account", extra={"user": user})
            answer = {}
        person = answer.get("user")
        usable = isinstance(person, dict) and not person.get("deleted") and not person.get("is_bot")
        self._remember(user, person if usable else None)
        return person if usable else None

    def _remember(self, user: str, person: dict[str, Any] | None) -> None:
        self._known.pop(user, None)
        self._known[user] = (self._clock(), person)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _member(user: str, person: dict[str, Any], role: Role) -> Member:
    profile = person.get("profile") or {}
    names = (profile.get("real_name"), person.get("real_name"), profile.get("display_name"), person.get("name"), user)
    name = next(name for name in names if isinstance(name, str) and name.strip())
    email = profile.get("email")
    return Member(external_id=user, name=one_line(name, 80), email=email if isinstance(email, str) else None, role=role)
