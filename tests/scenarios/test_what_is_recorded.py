"""What a decision leaves behind: all of it together or nothing (promise 4), and enough to learn from."""

import random
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.core.cards import CardState
from bot.core.decisions import (
    Answer,
    Approve,
    Dismiss,
    DismissReason,
    Edit,
    EditReason,
    Redraft,
    SendReply,
    TakeOver,
    Undo,
)
from bot.core.drafts import Drafted, DraftUnavailable, Snippet, Source
from storage.database import table_of
from storage.history import Span, decisions
from storage.tables import Decision, Delivery, Draft, Feedback, JobKind, Message, Review, ReviewStatus
from tests.desk import Desk

SOURCE = Source(
    article_id="art_1", slug="delivery", version=3, title="Delivery times", url=None, quote="It ships within two days."
)


async def taught(desk: Desk) -> list[dict[str, Any]]:
    """What `signoff export` would write."""
    return [row async for row in decisions(desk.db, Span())]


async def only(desk: Desk, model: Any) -> Any:
    """The one row of a table."""
    [row] = await desk.db.read(lambda tx: list(tx.run(select(table_of(model)))))
    return row


async def count(desk: Desk, model: Any) -> int:
    return await desk.db.read(lambda tx: int(tx.run(select(func.count()).select_from(table_of(model)))[0][0]))


async def test_an_approval_teaches_that_the_draft_was_right_and_how_long_it_took(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.pass_time(31)

    await desk.press(Approve(), by="Ana")

    [row] = await taught(desk)
    assert (row["action"], row["edit_kind"], row["similarity"], row["reason"]) == ("approve", "unchanged", 1.0, None)
    assert row["draft"] == row["final"] == "Reply to: Where is my order?"
    assert (row["agent"], row["seconds"], row["undone"]) == ("Ana Ruiz", 31.0, False)


@pytest.mark.parametrize("reason", EditReason)
async def test_an_edit_teaches_what_was_wrong(desk: Desk, reason: EditReason) -> None:
    desk.drafter.replies = ["It ships in 5 days."]
    await desk.customer_says("Where is my order?")

    await desk.press(Edit("It ships in 15 days.", reason), by="Bo")

    [row] = await taught(desk)
    assert (row["draft"], row["final"]) == ("It ships in 5 days.", "It ships in 15 days.")
    assert (row["action"], row["edit_kind"], row["reason"]) == ("edit", "substantive", reason.value)
    assert 0.5 < row["similarity"] < 1


async def test_a_reply_without_a_draft_teaches_that_it_was_written(desk: Desk) -> None:
    desk.drafter.replies = [DraftUnavailable("overloaded", "Claude is overloaded.")]
    await desk.customer_says("Where is my order?")

    await desk.press(Edit("It ships today."), by="Bo")

    [row] = await taught(desk)
    assert (row["draft"], row["final"], row["edit_kind"], row["similarity"]) == (
        None,
        "It ships today.",
        "written",
        None,
    )


async def test_every_other_decision_about_a_draft_teaches_too(desk: Desk) -> None:
    await desk.customer_says("Where is my order?", thread="t1")
    await desk.press(Redraft("shorter"), by="Ana")
    await desk.press(Dismiss(DismissReason.DUPLICATE, "see above"), by="Ana")
    await desk.customer_says("Where is my tent?", thread="t2")
    await desk.press(TakeOver(), by="Bo")

    rows = await taught(desk)
    assert [(row["action"], row["reason"], row["final"]) for row in rows] == [
        ("redraft", "shorter", None),
        ("dismiss", "duplicate: see above", None),
        ("take_over", None, None),
    ]
    assert all(row["draft"] for row in rows)


async def test_what_was_undone_is_marked_and_the_second_thought_counts(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.press(Undo(), by="Ana")

    await desk.press(Edit("It ships today."), by="Ana")

    rows = await taught(desk)
    assert [(row["action"], row["undone"]) for row in rows] == [("approve", True), ("edit", False)]


async def test_a_draft_notes_what_made_it_from_what_and_at_what_cost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def search(question: str, *, limit: int = 6) -> list[Snippet]:
        return [Snippet(source=SOURCE, heading=None, score=1.0)]

    async def draft(case: object, snippets: object) -> Drafted:
        return Drafted(
            text="It ships within two days.",
            sources=(SOURCE,),
            offline=False,
            model="claude-sonnet-5-5",
            prompt_version="abc123",
            input_tokens=900,
            output_tokens=80,
            cache_read_tokens=700,
            cache_write_tokens=5,
            cost_usd=0.0025,
            milliseconds=1234,
        )

    monkeypatch.setattr(desk.library, "search", search)
    monkeypatch.setattr(desk.drafter, "draft", draft)
    await desk.customer_says("Where is my order?")

    row = await only(desk, Draft)
    assert (row.model, row.prompt_version, row.offline, row.instruction) == ("claude-sonnet-5-5", "abc123", False, None)
    assert (row.input_tokens, row.output_tokens, row.cache_read_tokens, row.cache_write_tokens) == (900, 80, 700, 5)
    assert (row.cost_usd, row.milliseconds) == (0.0025, 1234)
    assert row.retrieved == [{"article_id": "art_1", "slug": "delivery", "version": 3}]
    assert [source["title"] for source in row.sources] == ["Delivery times"]
    assert desk.card.proposal is not None
    assert [(cited.title, cited.version) for cited in desk.card.proposal.sources] == [("Delivery times", 3)]
    assert desk.card.proposal.made_by == "Drafted by claude-sonnet-5-5"


async def test_an_offline_draft_says_so_on_its_card(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def draft(case: object, snippets: object) -> Drafted:
        return Drafted(text="See our article.", sources=(), offline=True, model="offline", prompt_version="1")

    monkeypatch.setattr(desk.drafter, "draft", draft)
    await desk.customer_says("Where is my order?")

    assert desk.card.proposal is not None
    assert desk.card.proposal.offline
    assert desk.card.proposal.made_by == "Offline draft, put together from the knowledge base without a model"


async def test_how_earlier_drafts_fared_stands_on_the_card_once_there_are_enough(desk: Desk) -> None:
    for number in range(6):
        await desk.customer_says("Where is my order?", thread=f"t{number}")
        assert desk.card.proposal is not None
        assert desk.card.proposal.evidence == ("4 of 5 drafts like this went out unchanged" if number == 5 else "")
        await desk.press(Edit("Mine.") if number == 2 else Approve(), by="Ana")


@pytest.mark.parametrize("breaking", [JobKind.RELEASE, JobKind.SHOW])
async def test_a_decision_that_breaks_half_way_never_happened(
    desk: Desk, breaking: JobKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.customer_says("Where is my order?")
    promise = desk.jobs.promise

    def broken(tx: Any, kind: JobKind, *args: Any, **kwargs: Any) -> None:
        if kind is breaking:
            raise OSError("the disk is full")
        promise(tx, kind, *args, **kwargs)

    with monkeypatch.context() as trouble:
        trouble.setattr(desk.jobs, "promise", broken)
        with pytest.raises(OSError, match="disk is full"):
            await desk.press_only(Approve(), by="Ana")

    assert [await count(desk, model) for model in (Decision, Feedback, Delivery)] == [0, 0, 0]
    assert await count(desk, Message) == 1
    assert (await only(desk, Review)).status is ReviewStatus.PENDING
    assert (await desk.press(Approve(), by="Ana")).answer is Answer.RECORDED
    await desk.pass_time(10)
    assert desk.card.state is CardState.SENT


async def test_whatever_agents_press_every_reply_has_its_decision_and_every_decision_one_reply(desk: Desk) -> None:
    """Promises 1, 3 and 4 after sixty presses by chance, asked of the database."""
    chance = random.Random(11)
    for number in range(12):
        await desk.customer_says(f"Question {number}", thread=f"t{number % 4}")
        for _ in range(5):
            on = chance.choice(list(desk.cards.hanging.values()))
            decision = chance.choice(
                [Approve(), Edit("Mine."), Undo(), TakeOver(), SendReply("Yours."), Redraft("new")]
            )
            await desk.press(decision, by=chance.choice(["Ana", "Bo", "Dee"]), on=on)
            await desk.pass_time(chance.choice([0, 4, 11]))
    await desk.pass_time(3600)

    message, decided, delivery = table_of(Message), table_of(Decision), table_of(Delivery)
    outgoing = await desk.db.read(
        lambda tx: tx.run(
            select(message.c.id, message.c.text, decided.c.text.label("authorised"), delivery.c.status)
            .select_from(message)
            .outerjoin(decided, decided.c.id == message.c.decision_id)
            .outerjoin(delivery, delivery.c.message_id == message.c.id)
            .where(message.c.direction == "outgoing")
        )
    )
    assert outgoing
    assert all(row.text == row.authorised for row in outgoing)
    sent = sorted(row.id for row in outgoing if row.status == "sent")
    assert sorted(reply.key for reply in desk.channel.sent) == sent
    assert {row.status for row in outgoing} <= {"sent", "cancelled"}
