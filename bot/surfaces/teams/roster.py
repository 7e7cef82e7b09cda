"""Who may press: the members of the team, in the roles that signoff.toml gives them."""

from collections.abc import Sequence
from typing import Any, Final

from bot.core.policy import TeamsPolicy
from bot.core.texts import one_line
from bot.surfaces.base import Member
from bot.surfaces.teams.wire import Client
from storage.tables import Role

_OUTSIDERS: Final = ("guest", "anonymous")  # members by somebody's invitation: they press only where they are named


class Roster:
    """`tenant` is in lower case."""

    def __init__(self, client: Client, policy: TeamsPolicy, tenant: str) -> None:
        self._client, self._policy, self._tenant = client, policy, tenant
        self._agents, self._supervisors, self._admins = (
            frozenset(name.casefold() for name in named) for named in (policy.agents, policy.supervisors, policy.admins)
        )

    async def read(self) -> Sequence[Member]:
        """Everyone who may press, in the highest role each has. People of another tenant are left out."""
        people = await self._client.members(self._policy.team, service_url=self._policy.service_url)
        return [member for person in people if (member := self._member(person)) is not None]

    def _member(self, person: dict[str, Any]) -> Member | None:
        aad = _text(person, "aadObjectId") or _text(person, "objectId")
        tenant = _text(person, "tenantId") or self._tenant
        if not aad or tenant.casefold() != self._tenant:
            return None
        email = _text(person, "email").lower()
        role = self._role({aad.casefold(), email} - {""}, outsider=_text(person, "userRole") in _OUTSIDERS)
        if role is None:
            return None
        name = next(filter(str.strip, (_text(person, "name"), email, aad)))
        # As payloads.Person says it of somebody who presses.
        return Member(
            external_id=f"{self._tenant}/{aad.lower()}", name=one_line(name, 80), email=email or None, role=role
        )

    def _role(self, known_as: set[str], *, outsider: bool) -> Role | None:
        """None: nobody who may press."""
        if known_as & self._admins:
            return Role.ADMIN
        if known_as & self._supervisors:
            return Role.SUPERVISOR
        everybody = not self._agents and not outsider
        return Role.AGENT if everybody or known_as & self._agents else None


def _text(person: dict[str, Any], key: str) -> str:
    value = person.get(key)
    return value if isinstance(value, str) else ""
