"""A customer writes, an agent signs off, the customer gets the reply."""

from bot.core.cards import Action, CardState
from bot.core.decisions import Answer, Approve, Dismiss, DismissReason, Edit, EditReason, Undo
from tests.desk import Desk


async def test_an_approved_draft_reaches_the_customer(desk: Desk) -> None:
    desk.drafter.replies = ["It ships today."]
    await desk.customer_says("Where is my order?")
    assert desk.card.proposal is not None
    assert desk.card.proposal.text == "It ships today."

    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)

    assert desk.customer_heard == ["It ships today."]
    assert desk.card.state is CardState.SENT
    assert desk.card.ending is not None
    assert desk.card.ending.words == "Approved as drafted by Ana Ruiz"


async def test_a_screen_reader_gets_who_asks_how_urgently_what_and_what_is_proposed(desk: Desk) -> None:
    await desk.customer_says("Where is my order?", tier="vip")

    assert desk.card.summary == (
        f"{desk.card.headline} ({', '.join(desk.card.facts)}): “Where is my order?” VIP customer. "
        "Proposed reply: Reply to: Where is my order?"
    )


async def test_an_edited_reply_goes_out_as_edited(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")

    await desk.press(Edit("It shipped yesterday.", EditReason.WRONG_FACT), by="Bo")
    await desk.pass_time(10)

    assert desk.customer_heard == ["It shipped yesterday."]
    assert desk.card.ending is not None
    assert desk.card.ending.words == "Edited and approved by Bo Lindqvist"


async def test_nothing_goes_out_during_the_hold_and_undo_opens_the_question_again(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(9)
    assert desk.customer_heard == []
    assert Action.UNDO in desk.card.buttons

    verdict = await desk.press(Undo(), by="Ana")
    await desk.pass_time(60)

    assert verdict.answer is Answer.RECORDED
    assert desk.customer_heard == []
    assert desk.card.state is CardState.WAITING
    assert Action.APPROVE in desk.card.buttons
    assert desk.card.notices == ("Ana Ruiz took the reply back before it was sent",)


async def test_an_undone_edit_is_where_the_next_edit_starts(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Edit("My own words."), by="Ana")

    await desk.press(Undo(), by="Ana")

    assert desk.card.prefill == "My own words."
    assert "Edit… opens with the text that was taken back, not the draft" in desk.card.notices


async def test_undo_after_the_hold_comes_too_late(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    held = desk.card
    await desk.pass_time(10)

    verdict = await desk.press(Undo(), by="Ana", on=held)

    assert verdict.answer is Answer.TOO_LATE
    assert len(desk.customer_heard) == 1


async def test_a_dismissed_question_is_answered_by_nobody(desk: Desk) -> None:
    await desk.customer_says("Buy cheap watches")

    await desk.press(Dismiss(DismissReason.SPAM), by="Ana")
    await desk.pass_time(600)

    assert desk.customer_heard == []
    assert desk.card.state is CardState.DISMISSED
    assert desk.card.ending is not None
    assert desk.card.ending.words == "Dismissed by Ana Ruiz: spam"


async def test_a_burst_makes_one_draft_about_all_of_it(desk: Desk) -> None:
    await desk.customer_says("Hello", quiet=False)
    await desk.pass_time(2)
    await desk.customer_says("my parcel", quiet=False)
    await desk.pass_time(2)
    await desk.customer_says("did not come")

    assert len(desk.cards.hanging) == 1
    assert [said.text for said in desk.card.said] == ["Hello", "my parcel", "did not come"]
    assert [case.question for case in desk.drafter.cases] == ["Hello\n\nmy parcel\n\ndid not come"]


async def test_a_customer_who_never_pauses_is_drafted_for_all_the_same(desk: Desk) -> None:
    for number in range(10):
        await desk.customer_says(f"and {number}", quiet=False)
        await desk.pass_time(3)

    assert desk.drafter.cases


async def test_a_message_delivered_twice_is_one_message(desk: Desk) -> None:
    await desk.customer_says("Where is my order?", id="same")
    await desk.customer_says("Where is my order?", id="same")

    assert len(desk.cards.hanging) == 1
    assert len(desk.card.said) == 1
