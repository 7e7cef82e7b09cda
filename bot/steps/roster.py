"""Surfaces' membership -> agents: who may press, read again by clock, on a hint, and when a stranger presses."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bot.core.texts import one_line
from bot.steps.workshop import Workshop
from bot.surfaces.base import Member, Surface, SurfaceRefused, SurfaceUnavailable
from storage import agents, ids
from storage.database import Tx
from storage.jobs import Claimed
from storage.rows import put
from storage.tables import Agent, AgentIdentity, Role

log = logging.getLogger(__name__)

_STRANGER: Final = timedelta(seconds=10)  # a stranger's press makes us look again, at most this often
_RANKS: Final = tuple(Role)  # the lowest first
_AFTER_FAILURE: Final = timedelta(seconds=1)  # and this often while the surface does not say


@dataclass
class Roster:
    shop: Workshop
    surfaces: Mapping[str, Surface]
    _read_at: dict[str, datetime] = field(default_factory=dict)
    _said: dict[str, dict[str, Member]] = field(default_factory=dict)  # by surface and its id, as it was last read

    async def __call__(self, job: Claimed) -> None:
        """Promised by the clock. A surface that is away keeps the roster it had, until the next tick."""
        if job.subject in self.surfaces:
            await self.read(job.subject)

    async def read_all(self) -> None:
        """For the start."""
        for name in self.surfaces:
            await self.read(name)

    async def read_for_stranger(self, surface: str) -> bool:
        """Look again, unless we just did. False: nothing new can be known."""
        read_at = self._read_at.get(surface)
        if surface not in self.surfaces or (read_at is not None and self._just(read_at)):
            return False
        return await self.read(surface)

    def _just(self, read_at: datetime) -> bool:
        """A moment still to come is one of a clock that was set back since."""
        return timedelta(0) <= self.shop.clock() - read_at < _STRANGER

    async def read(self, surface: str) -> bool:
        """False: the surface did not say."""
        self._read_at[surface] = self.shop.clock()
        try:
            members = await self.surfaces[surface].members()
        except (SurfaceUnavailable, SurfaceRefused) as failure:
            log.warning("roster could not be read", extra={"surface": surface, "error": str(failure)})
            self._read_at[surface] = self.shop.clock() - _STRANGER + _AFTER_FAILURE
            return False
        if not members:
            log.error("roster is empty: nobody may press", extra={"surface": surface})
        self._said[surface] = {member.external_id: member for member in members}
        known, elsewhere = await self.shop.db.read(
            lambda tx: (agents.roster(tx, surface), self._elsewhere(tx, surface))
        )
        if _differs(known, members, elsewhere):
            await self.shop.db.write(lambda tx: self._keep(tx, surface, members))
            log.info("roster changed", extra={"surface": surface, "members": len(members)})
        return True

    def _elsewhere(self, tx: Tx, surface: str) -> "Elsewhere":
        found: dict[str, Member] = {}
        names = [name for name in self.surfaces if name != surface and name in self._said]
        for name in names:
            for external_id, agent in agents.roster(tx, name).items():
                if (member := self._said[name].get(external_id)) is not None:
                    before = found.get(agent.id, member)
                    found[agent.id] = replace(before, role=_higher(before.role, member.role))
        return Elsewhere(first=surface == next(iter(self.surfaces)), members=found)

    def _keep(self, tx: Tx, surface: str, members: Sequence[Member]) -> None:
        known, elsewhere = agents.roster(tx, surface), self._elsewhere(tx, surface)
        now = self.shop.clock()
        for member in members:
            self._keep_member(tx, surface, member, known.get(member.external_id), elsewhere, now)
        here = {member.external_id for member in members}
        for external_id, agent in known.items():
            if external_id not in here and agent.active and agent.id not in elsewhere.members:
                put(tx, Agent, agent.id, {"active": False, "updated_at": now})

    def _keep_member(
        self, tx: Tx, surface: str, member: Member, agent: Agent | None, elsewhere: "Elsewhere", now: datetime
    ) -> None:
        """A person known by e-mail from another surface is the same agent."""
        if agent is None and member.email:
            agent = agents.by_email(tx, member.email, not_on=surface)
            if agent is not None:
                tx.add(AgentIdentity(surface=surface, external_id=member.external_id, agent_id=agent.id))
        member = elsewhere.one(member, agent)
        name = one_line(member.name, 80) or member.external_id
        if agent is None:
            agent = Agent(
                id=ids.new("agt"), name=name, email=member.email, role=member.role, active=True, updated_at=now
            )
            tx.add(agent)
            tx.add(AgentIdentity(surface=surface, external_id=member.external_id, agent_id=agent.id))
            return
        news = {"name": name, "email": member.email, "role": member.role, "active": True}
        if any(getattr(agent, key) != value for key, value in news.items()):
            put(tx, Agent, agent.id, news | {"updated_at": now})


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Agents who are members of other surfaces, by the agent's id: what they may do in one they may do in all."""

    first: bool  # whether the surface that is read says how its people are called
    members: Mapping[str, Member]  # in the highest role of those surfaces

    def one(self, member: Member, agent: Agent | None) -> Member:
        """The member as all surfaces together say, so that reading one after the other changes nothing."""
        other = self.members.get(agent.id) if agent is not None else None
        if other is None:
            return member
        role = _higher(member.role, other.role)
        named = member if self.first else other
        return replace(member, name=named.name, email=named.email, role=role)


def _higher(one: Role, other: Role) -> Role:
    return max(one, other, key=_RANKS.index)


def _differs(known: Mapping[str, Agent], members: Sequence[Member], elsewhere: Elsewhere) -> bool:
    ones = [elsewhere.one(member, known.get(member.external_id)) for member in members]
    now = {member.external_id: (one_line(member.name, 80), member.email, member.role) for member in ones}
    had = {
        key: (agent.name, agent.email, agent.role)
        for key, agent in known.items()
        if agent.active and (key in now or agent.id not in elsewhere.members)
    }
    return now != had
