"""The drafter against a fake of Claude's API, on a real socket and with the real SDK."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.drafts import Case, Snippet, Source, Turn
from bot.core.policy import CategoryPolicy, DeskPolicy, ModelsPolicy, Policy, SlackPolicy
from bot.drafting import client
from bot.drafting.claude import ClaudeDrafter
from tests.clock import Clock
from tests.fakes.claude import FakeClaude

RETURNS_URL = "https://larkspur.example/help/returns"


def policy(*, deadline: float = 60, triage_deadline: float = 60, **changes: Any) -> Policy:
    desk = DeskPolicy(name="Larkspur Supply", draft_deadline_seconds=deadline, voice="We say tent, never shelter.")
    models = ModelsPolicy(triage_deadline_seconds=triage_deadline)
    categories = (
        CategoryPolicy(name="returns", about="Sending something back."),
        CategoryPolicy(name="billing", about="Invoices and refunds.", model="claude-opus-5-5"),
    )
    fields = {"desk": desk, "models": models, "slack": SlackPolicy(channel="C0SUPPORT", agents=("U0ANA",))}
    return Policy(**(fields | {"categories": categories} | changes))


def case(question: str = "Can I return my tent?", **changes: Any) -> Case:
    fields = {
        "conversation_id": "cnv_1",
        "customer_name": "Maria Lopez",
        "channel_title": "Web chat",
        "tier": "standard",
        "category": "returns",
        "turns": (Turn(by_customer=True, author="Maria Lopez", text=question),),
        "question": question,
    }
    return Case(**(fields | changes))


def snippet(
    text: str = "You can return a tent within 30 days.\n\nIt must be dry and clean.",
    *,
    slug: str = "returns",
    title: str = "Returns",
    url: str | None = RETURNS_URL,
    heading: str | None = None,
) -> Snippet:
    source = Source(article_id=f"art_{slug}", slug=slug, version=3, title=title, url=url, quote=text)
    return Snippet(source=source, heading=heading, score=1.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake() -> AsyncIterator[FakeClaude]:
    async with FakeClaude() as running:
        yield running
        assert running.refused == [], "we asked something that Claude's API refuses"


@pytest.fixture
async def drafter(fake: FakeClaude, clock: Clock) -> AsyncIterator[ClaudeDrafter]:
    made = ClaudeDrafter(client("sk-test", fake.url), policy(), clock=clock)
    yield made
    await made.aclose()
