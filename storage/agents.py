"""Who may press: the roster as last read from the surfaces, and the pauses agents set."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, exists, select, update

from storage.database import Tx, table_of
from storage.rows import get
from storage.tables import Agent, AgentIdentity, Pause

_AGENT: Final = table_of(Agent)
_IDENTITY: Final = table_of(AgentIdentity)
_PAUSE: Final = table_of(Pause)

_WHO: Final = (
    select(_AGENT)
    .join(_IDENTITY, _IDENTITY.c.agent_id == _AGENT.c.id)
    .where(
        _IDENTITY.c.surface == bindparam("surface"),
        _IDENTITY.c.external_id == bindparam("external_id"),
        _AGENT.c.active.is_(True),
    )
)
_ALL: Final = (
    select(_AGENT, _IDENTITY.c.external_id)
    .join(_IDENTITY, _IDENTITY.c.agent_id == _AGENT.c.id)
    .where(_IDENTITY.c.surface == bindparam("surface"))
)
_BY_EMAIL: Final = (
    select(_AGENT)
    .where(
        _AGENT.c.email == bindparam("email"),
        ~exists().where(_IDENTITY.c.agent_id == _AGENT.c.id, _IDENTITY.c.surface == bindparam("not_on")),
    )
    .order_by(_AGENT.c.id)
    .limit(1)
)
_PAUSES: Final = (
    select(_PAUSE).where(_PAUSE.c.ended_at.is_(None), _PAUSE.c.until > bindparam("now")).order_by(_PAUSE.c.created_at)
)
_END: Final = (
    update(_PAUSE)
    .where(_PAUSE.c.ended_at.is_(None), _PAUSE.c.until > bindparam("now"))
    .values(ended_at=bindparam("now"))
    .returning(_PAUSE.c.id)
)


def agent_for(tx: Tx, surface: str, external_id: str) -> Agent | None:
    """The active agent behind a surface's user id; None: nobody who may press."""
    return tx.first(Agent, _WHO, surface=surface, external_id=external_id)


def roster(tx: Tx, surface: str) -> dict[str, Agent]:
    """Everyone ever seen on a surface, active or not, by the surface's id."""
    found = {}
    for row in tx.run(_ALL, surface=surface):
        values = dict(row._mapping)
        external_id = str(values.pop("external_id"))
        found[external_id] = Agent(**values)
    return found


def by_email(tx: Tx, email: str, *, not_on: str) -> Agent | None:
    """The agent with that address whom a surface does not know yet: two of its members are never one person."""
    return tx.first(Agent, _BY_EMAIL, email=email, not_on=not_on)


def pauses(tx: Tx, now: datetime) -> list[Pause]:
    """The pauses in force."""
    return tx.all(Pause, _PAUSES, now=now)


def pause_on(tx: Tx, category: str, now: datetime) -> Pause | None:
    """The pause that rests this category now, if one does: its own, or everyone's."""
    found = [pause for pause in pauses(tx, now) if pause.category in (None, category)]
    return found[-1] if found else None


def end_pauses(tx: Tx, category: str | None, now: datetime) -> int:
    """End the pauses of a category, or all (None). How many there were."""
    statement = _END if category is None else _END.where(_PAUSE.c.category == category)
    return len(tx.run(statement, now=now))


def name_of(tx: Tx, agent_id: str) -> str:
    agent = get(tx, Agent, agent_id)
    return agent.name if agent else "somebody who is gone"
