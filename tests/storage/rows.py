"""Rows for tests, whole but for what matters there."""

from typing import Any

from storage.tables import (
    Agent,
    Conversation,
    ConversationStatus,
    Customer,
    Decision,
    DecisionKind,
    Delivery,
    DeliveryStatus,
    Direction,
    Draft,
    Message,
    Priority,
    Review,
    ReviewStatus,
    Role,
    Seen,
)
from tests.clock import NOON


def seen(key: str) -> Seen:
    return Seen(key=key, at=NOON)


def agent(id: str = "agt_1", *, name: str = "Bo Lindqvist") -> Agent:
    return Agent(id=id, name=name, email=None, role=Role.AGENT, active=True, updated_at=NOON)


def customer(id: str = "cus_1", **known: Any) -> Customer:
    values: dict[str, Any] = {
        "channel": "web",
        "external_id": id,
        "name": None,
        "email": None,
        "tier": "standard",
        "created_at": NOON,
    }
    return Customer(id=id, **(values | known))


def conversation(id: str = "cnv_1", **known: Any) -> Conversation:
    values: dict[str, Any] = {
        "customer_id": "cus_1",
        "channel": "web",
        "external_id": id,
        "status": ConversationStatus.OPEN,
        "sequence": 1,
        "answered_sequence": 0,
        "owner_id": None,
        "category": "other",
        "priority": Priority.NORMAL,
        "waiting_since": NOON,
        "created_at": NOON,
    }
    return Conversation(id=id, **(values | known))


def message(id: str = "msg_1", **known: Any) -> Message:
    values: dict[str, Any] = {
        "conversation_id": "cnv_1",
        "direction": Direction.INCOMING,
        "sequence": 1,
        "external_id": id,
        "text": "Where is my order?",
        "author": "Ana",
        "attachments": [],
        "automatic": False,
        "decision_id": None,
        "created_at": NOON,
    }
    return Message(id=id, **(values | known))


def review(id: str = "rev_1", **known: Any) -> Review:
    values: dict[str, Any] = {
        "conversation_id": "cnv_1",
        "status": ReviewStatus.PENDING,
        "sequence": 1,
        "since_sequence": 0,
        "category": "other",
        "priority": Priority.NORMAL,
        "reasons": [],
        "draft_attempt": 0,
        "draft_after": NOON,
        "first_at": NOON,
        "created_at": NOON,
    }
    return Review(**(dict.fromkeys(Review.model_fields) | values | known | {"id": id}))


def decision(id: str = "dec_1", **known: Any) -> Decision:
    values: dict[str, Any] = {
        "kind": DecisionKind.APPROVE,
        "agent_id": "agt_1",
        "surface": "slack",
        "conversation_id": "cnv_1",
        "review_id": None,
        "draft_id": None,
        "text": None,
        "reason": None,
        "created_at": NOON,
    }
    return Decision(id=id, **(values | known))


def delivery(id: str = "dlv_1", **known: Any) -> Delivery:
    values: dict[str, Any] = {
        "message_id": "msg_1",
        "conversation_id": "cnv_1",
        "status": DeliveryStatus.HELD,
        "release_at": NOON,
        "attempts": 0,
        "error": None,
        "updated_at": NOON,
    }
    return Delivery(id=id, **(values | known))


def draft(id: str = "drf_1", **known: Any) -> Draft:
    values: dict[str, Any] = {
        "review_id": "rev_1",
        "text": "It ships today.",
        "digest": "d",
        "sources": [],
        "retrieved": [],
        "evidence": {},
        "offline": True,
        "model": "offline",
        "prompt_version": "1",
        "instruction": None,
        "triage": None,
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "cost_usd": 0.0,
        "milliseconds": 1,
        "created_at": NOON,
    }
    return Draft(id=id, **(values | known))
