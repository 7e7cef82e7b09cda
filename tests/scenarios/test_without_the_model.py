"""When the model is down, support is not (promise 10); what needs no draft gets none."""

import asyncio
from datetime import timedelta

import pytest

from adapters.base import Automatic
from bot.core.cards import Action, CardState
from bot.core.decisions import Answer, Edit, PauseRequest, Presser, Recategorise, Redraft
from bot.core.drafts import DraftUnavailable, ModelTriage, Sentiment
from storage.database import Database
from storage.tables import Priority
from tests.desk import Desk

ANA = Presser(surface="slack", external_id="U0ANA")


async def test_the_card_comes_without_a_draft_and_says_why(desk: Desk) -> None:
    desk.drafter.replies = [DraftUnavailable("overloaded", "Claude is overloaded.")]
    await desk.customer_says("Where is my order?")

    assert desk.card.missing == "Claude is overloaded."
    assert desk.card.buttons == (Action.WRITE, Action.TAKE_OVER)
    await desk.press(Edit("It ships today."), by="Ana")
    await desk.pass_time(10)
    assert desk.customer_heard == ["It ships today."]


async def test_the_card_comes_when_the_deadline_passes(database: Database) -> None:
    async with Desk(database, desk={"draft_deadline_seconds": 0.05, "quiet_seconds": 0}) as desk:
        desk.drafter.gate = asyncio.Event()
        await desk.customer_says("Where is my order?")

        assert desk.card.missing == "No draft within 0.05 seconds."


async def test_a_drafter_that_breaks_does_not_keep_the_card_back(desk: Desk) -> None:
    desk.drafter.replies = [RuntimeError("a bug")] * 5
    await desk.customer_says("Where is my order?")
    for _ in range(4):
        await desk.pass_time(60)

    assert desk.card.missing == "Drafting failed repeatedly: please write this one."


async def test_a_first_draft_can_be_asked_for_when_the_model_is_back(desk: Desk) -> None:
    desk.drafter.replies = [DraftUnavailable("overloaded", "Claude is overloaded."), "Here it is."]
    await desk.customer_says("Where is my order?")

    await desk.press(Redraft(), by="Ana")

    assert desk.card.proposal is not None
    assert desk.card.proposal.text == "Here it is."


async def test_a_pause_rests_drafting_says_so_and_ends(desk: Desk) -> None:
    verdict = await desk.front.pause(PauseRequest(who=ANA, category=None, length=timedelta(minutes=30)))
    await desk.customer_says("Where is my order?")

    assert verdict.words == "Drafting is paused for everything until 2026-03-02T09:30Z (Ana Ruiz)."
    assert desk.card.missing == verdict.words
    assert desk.drafter.cases == []
    await desk.pass_time(31 * 60)
    await desk.customer_says("Hello?", thread="t2")
    assert desk.card.proposal is not None


async def test_a_pause_of_one_category_leaves_the_others_alone(desk: Desk) -> None:
    await desk.front.pause(PauseRequest(who=ANA, category="billing", length=timedelta(hours=1)))

    await desk.customer_says("I was charged twice", thread="t1")
    assert desk.card.proposal is None
    await desk.customer_says("Where is my order?", thread="t2")
    assert desk.card.proposal is not None
    assert (await desk.front.resume(ANA, "billing")).words == "Drafting goes on for billing."
    await desk.customer_says("I was charged twice", thread="t3")
    assert desk.card.proposal is not None


async def test_a_pause_rests_a_category_that_only_the_model_recognises_too(desk: Desk) -> None:
    desk.drafter.triaged = ModelTriage(
        category="billing",
        sentiment=Sentiment.NEUTRAL,
        wants_human=False,
        sensitive=False,
        language="en",
        injection_suspected=False,
        thanks_only=False,
    )
    await desk.front.pause(PauseRequest(who=ANA, category="billing", length=timedelta(hours=1)))

    await desk.customer_says("You took my money twice")

    assert desk.card.category == "billing"
    assert desk.card.proposal is None
    assert desk.card.missing == "Drafting is paused for billing until 2026-03-02T10:00Z (Ana Ruiz)."
    assert desk.drafter.cases == []


async def test_a_redraft_asked_for_during_a_pause_leaves_the_draft_there_is(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.front.pause(PauseRequest(who=ANA, category=None, length=timedelta(hours=1)))

    verdict = await desk.press(Redraft("shorter"), by="Ana")

    assert verdict.words == "Drafting is paused for everything until 2026-03-02T10:00Z (Ana Ruiz)."
    assert desk.card.proposal is not None


async def test_strangers_pause_nothing(desk: Desk) -> None:
    fay = Presser(surface="slack", external_id="U0FAY")

    verdict = await desk.front.pause(PauseRequest(who=fay, category=None, length=timedelta(hours=1)))

    assert verdict.answer is Answer.NOT_ALLOWED


@pytest.mark.parametrize(
    ("text", "automatic"),
    [("I am away until Monday.", Automatic.AUTO_REPLY), ("Out of office: back on Monday", None), ("Thanks!", None)],
)
async def test_thanks_and_automatic_mail_are_noted_and_not_drafted(
    desk: Desk, text: str, automatic: Automatic | None
) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Edit("It ships today."), by="Ana")
    await desk.pass_time(10)
    drafted = len(desk.drafter.cases)

    await desk.customer_says(text, automatic=automatic)

    assert len(desk.drafter.cases) == drafted
    assert desk.card.state is CardState.NOTE
    assert desk.card.said[0].text == text
    assert (await desk.front.status()).waiting == 0


async def test_a_note_can_be_drafted_for_all_the_same(desk: Desk) -> None:
    await desk.customer_says("Out of office")
    assert desk.card.buttons == (Action.DRAFT,)

    await desk.press(Redraft(), by="Ana")

    assert desk.card.state is CardState.WAITING
    assert desk.card.proposal is not None


async def test_thanks_in_an_open_question_are_part_of_it(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.customer_says("Thanks!")

    assert [said.text for said in desk.card.said] == ["Where is my order?", "Thanks!"]


async def test_some_categories_are_written_by_people(desk: Desk) -> None:
    await desk.customer_says("You will hear from my lawyer")

    assert desk.drafter.cases == []
    assert desk.card.missing == "Replies in this category are written by people."
    assert "High priority" in desk.card.facts
    assert desk.card.reasons[0].words == "High-priority category: Legal"


async def test_a_wish_for_a_person_is_seen_without_the_model(desk: Desk) -> None:
    desk.drafter.triaged = None
    await desk.customer_says("Ich möchte mit einem Menschen sprechen, bitte")

    assert [(reason.words, reason.quote) for reason in desk.card.reasons] == [
        ("Asks for a person", "mit einem Menschen")
    ]
    assert "High priority" in desk.card.facts


async def test_the_model_may_raise_a_priority_and_name_a_category_and_lower_nothing(desk: Desk) -> None:
    desk.drafter.triaged = ModelTriage(
        category="billing",
        sentiment=Sentiment.ANGRY,
        wants_human=False,
        sensitive=False,
        language="en",
        injection_suspected=False,
        thanks_only=True,
    )
    await desk.customer_says("This is the third time I ask for my money", tier="vip")

    assert desk.card.headline == "Billing · Ada Kern"
    assert desk.card.priority is Priority.HIGH
    assert {reason.words for reason in desk.card.reasons} == {"VIP customer", "Sounds angry"}
    assert desk.card.proposal is not None


async def test_a_category_by_rule_outranks_the_models(desk: Desk) -> None:
    desk.drafter.triaged = ModelTriage(
        category="legal",
        sentiment=Sentiment.NEUTRAL,
        wants_human=False,
        sensitive=False,
        language="en",
        injection_suspected=False,
        thanks_only=False,
    )
    await desk.customer_says("I was charged twice")

    assert desk.card.category == "billing"


async def test_an_unknown_category_is_refused(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")

    verdict = await desk.press(Recategorise("nonsense"), by="Ana")

    assert verdict.answer is Answer.INVALID


async def test_a_flood_by_one_customer_costs_no_more_than_the_hour_allows(database: Database) -> None:
    async with Desk(database, models={"drafts_per_customer_per_hour": 2, "drafts_per_hour": 3}) as desk:
        for text in ("One", "Two", "Three"):
            await desk.customer_says(text)
        assert len(desk.drafter.cases) == 2
        assert desk.card.missing == "This customer has had as many drafts as one customer may have in an hour."

        await desk.customer_says("I am another", thread="t2")
        await desk.customer_says("So am I", thread="t3")
        assert len(desk.drafter.cases) == 3
        assert desk.card.missing == "The drafts of this hour are used up: [models] drafts_per_hour."

        await desk.pass_time(3601)
        await desk.customer_says("Four")
        assert len(desk.drafter.cases) == 4
