"""What a press meets: who presses, and what about."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, bindparam, select

from storage.database import Tx, table_of
from storage.joins.joined import Joined
from storage.tables import Agent, AgentIdentity, Draft, Review, Seen

_AGENT: Final = table_of(Agent)
_IDENTITY: Final = table_of(AgentIdentity)
_REVIEW: Final = table_of(Review)
_DRAFT: Final = table_of(Draft)
_SEEN: Final = table_of(Seen)

_ROWS: Final = Joined(Agent, Review, Draft, Seen)
_MET: Final = (
    select(*_ROWS.columns)
    .select_from(_IDENTITY)
    .join(_AGENT, and_(_AGENT.c.id == _IDENTITY.c.agent_id, _AGENT.c.active.is_(True)))
    .outerjoin(_REVIEW, _REVIEW.c.id == bindparam("review_id", type_=_REVIEW.c.id.type))
    .outerjoin(_DRAFT, _DRAFT.c.id == _REVIEW.c.draft_id)
    .outerjoin(_SEEN, _SEEN.c.key == bindparam("event", type_=_SEEN.c.key.type))
    .where(
        _IDENTITY.c.surface == bindparam("surface"),
        _IDENTITY.c.external_id == bindparam("external_id"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Met:
    agent: Agent  # active: one who may press
    review: Review | None  # the question the press names, if there is one
    draft: Draft | None  # that question's current one
    seen: bool  # whether this very press had its effect already


def met(tx: Tx, *, surface: str, external_id: str, review_id: str | None, event: str | None) -> Met | None:
    """None: whoever presses is nobody who may."""
    rows = tx.run(_MET, surface=surface, external_id=external_id, review_id=review_id, event=event)
    if not rows:
        return None
    return Met(
        agent=_ROWS.known(Agent, rows[0]),
        review=_ROWS.get(Review, rows[0]),
        draft=_ROWS.get(Draft, rows[0]),
        seen=_ROWS.get(Seen, rows[0]) is not None,
    )
