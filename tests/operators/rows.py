"""A little history in the database, as agents would have left it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from storage.database import Database, Tx
from storage.tables import (
    Agent,
    Conversation,
    ConversationStatus,
    Customer,
    Decision,
    DecisionKind,
    Draft,
    EditKind,
    Feedback,
    Priority,
    Review,
    ReviewStatus,
    Role,
)

DAY = datetime(2026, 3, 1, 9, tzinfo=UTC)


def conversation(tx: Tx) -> None:
    tx.add(Agent(id="agt_bo", name="Bo Lindqvist", email=None, role=Role.AGENT, active=True, updated_at=DAY))
    tx.add(
        Customer(id="cus_1", channel="shop", external_id="ada", name="Ada", email=None, tier="standard", created_at=DAY)
    )
    tx.add(
        Conversation(
            id="cnv_1",
            customer_id="cus_1",
            channel="shop",
            external_id="t1",
            status=ConversationStatus.OPEN,
            sequence=1,
            answered_sequence=1,
            owner_id=None,
            category="billing",
            priority=Priority.NORMAL,
            waiting_since=None,
            created_at=DAY,
        )
    )


def decided(tx: Tx, number: int, *, final: str = "It ships on Monday.") -> None:
    """Decision number `number`, an hour after the one before it."""
    at = DAY + timedelta(hours=number)
    key = f"{number:06}"
    review: dict[str, Any] = {
        "id": f"rev_{key}",
        "conversation_id": "cnv_1",
        "status": ReviewStatus.EDITED,
        "sequence": number,
        "since_sequence": number - 1,
        "category": "billing",
        "priority": Priority.NORMAL,
        "reasons": [],
        "draft_id": f"drf_{key}",
        "draft_missing": None,
        "draft_attempt": 1,
        "instruction": None,
        "draft_after": at,
        "first_at": at,
        "shown_at": at,
        "decided_at": at,
        "decision_id": f"dec_{key}",
        "created_at": at,
    }
    optional = {name: None for name in Review.model_fields if name not in review}
    tx.add(Review(**review, **optional))
    tx.add(
        Draft(
            id=f"drf_{key}",
            review_id=f"rev_{key}",
            text="It ships today.",
            digest="d",
            sources=[{"title": "Delivery times"}],
            retrieved=[],
            evidence={},
            offline=False,
            model="claude-sonnet-5-5",
            prompt_version="p1",
            instruction=None,
            triage=None,
            input_tokens=1,
            output_tokens=1,
            cache_read_tokens=0,
            cache_write_tokens=0,
            cost_usd=0.01,
            milliseconds=900,
            created_at=at,
        )
    )
    tx.add(
        Decision(
            id=f"dec_{key}",
            kind=DecisionKind.EDIT,
            agent_id="agt_bo",
            surface="slack",
            conversation_id="cnv_1",
            review_id=f"rev_{key}",
            draft_id=f"drf_{key}",
            text=final,
            reason="wrong_fact",
            created_at=at,
        )
    )
    tx.add(
        Feedback(
            id=f"fbk_{key}",
            decision_id=f"dec_{key}",
            review_id=f"rev_{key}",
            agent_id="agt_bo",
            action=DecisionKind.EDIT,
            category="billing",
            draft_id=f"drf_{key}",
            draft_text="It ships today.",
            final_text=final,
            edit_kind=EditKind.SUBSTANTIVE,
            similarity=0.7,
            reason="wrong_fact",
            seconds=31.5,
            undone=False,
            created_at=at,
        )
    )


async def history(url: str, decisions: int, **more: Any) -> None:
    def write(tx: Tx) -> None:
        conversation(tx)
        for number in range(1, decisions + 1):
            decided(tx, number, **more)

    async with Database(url) as db:
        await db.write(write)
