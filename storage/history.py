"""Feedback with what it was about, oldest first, for export: read in pages, so that memory and locks stay small."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, func, select

from storage.database import Database, Tx, table_of
from storage.tables import Agent, Conversation, Decision, Draft, Feedback, Review

PAGE: Final = 500

_FEEDBACK, _DECISION, _REVIEW = table_of(Feedback), table_of(Decision), table_of(Review)
_DRAFT, _AGENT, _CONVERSATION = table_of(Draft), table_of(Agent), table_of(Conversation)


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `since`, up to but not including `until`. None: from the first, to the last."""

    since: datetime | None = None
    until: datetime | None = None


async def count(db: Database, span: Span) -> int:
    statement = select(func.count()).select_from(_FEEDBACK).where(*_within(span))
    return int((await db.read(lambda tx: tx.run(statement)))[0][0])


async def decisions(db: Database, span: Span) -> AsyncIterator[dict[str, Any]]:
    """Every decision that taught us something, with its draft, as flat values. Times are UTC."""
    after = ""  # ids grow with time, and each is read once
    while page := await db.read(lambda tx, after=after: _page(tx, span, after)):  # type: ignore[misc]  # a default binds it
        for row in page:
            yield dict(row._mapping)
        after = page[-1].id


def _page(tx: Tx, span: Span, after: str) -> list[Row[Any]]:
    return list(tx.run(_rows().where(_FEEDBACK.c.id > after, *_within(span)).order_by(_FEEDBACK.c.id).limit(PAGE)))


def _within(span: Span) -> list[Any]:
    begun = [] if span.since is None else [_FEEDBACK.c.created_at >= span.since]
    return begun if span.until is None else [*begun, _FEEDBACK.c.created_at < span.until]


def _rows() -> Select[Any]:
    return (
        select(
            _FEEDBACK.c.id,
            _FEEDBACK.c.created_at.label("decided_at"),
            _FEEDBACK.c.action,
            _FEEDBACK.c.category,
            _REVIEW.c.priority,
            _CONVERSATION.c.channel,
            _REVIEW.c.conversation_id,
            _FEEDBACK.c.review_id,
            _FEEDBACK.c.decision_id,
            _DECISION.c.surface,
            _FEEDBACK.c.agent_id,
            _AGENT.c.name.label("agent"),
            _FEEDBACK.c.draft_text.label("draft"),
            _FEEDBACK.c.final_text.label("final"),
            _FEEDBACK.c.edit_kind,
            _FEEDBACK.c.similarity,
            _FEEDBACK.c.reason,
            _FEEDBACK.c.seconds,
            _FEEDBACK.c.undone,
            _FEEDBACK.c.draft_id,
            _DRAFT.c.model,
            _DRAFT.c.prompt_version,
            _DRAFT.c.offline,
            _DRAFT.c.sources,
            _DRAFT.c.cost_usd,
            _DRAFT.c.milliseconds,
        )
        .select_from(_FEEDBACK)
        .join(_DECISION, _DECISION.c.id == _FEEDBACK.c.decision_id)
        .join(_REVIEW, _REVIEW.c.id == _FEEDBACK.c.review_id)
        .join(_CONVERSATION, _CONVERSATION.c.id == _REVIEW.c.conversation_id)
        .join(_AGENT, _AGENT.c.id == _FEEDBACK.c.agent_id)
        .outerjoin(_DRAFT, _DRAFT.c.id == _FEEDBACK.c.draft_id)
    )
