"""Taken over means silent (promise 6), and talk in the channel stays inside (promise 7)."""

from bot.core.cards import Action, CardState
from bot.core.decisions import Answer, Approve, HandBack, Presser, Resolve, SendReply, TakeOver, Undo
from tests.desk import Desk


async def test_the_owner_replies_and_the_bot_is_silent(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    drafted = len(desk.drafter.cases)

    await desk.customer_says("Hello? Anyone?")
    assert len(desk.drafter.cases) == drafted
    assert desk.card.buttons[0] is Action.REPLY
    await desk.press(SendReply("I am on it."), by="Bo")
    await desk.pass_time(10)

    assert desk.customer_heard == ["I am on it."]
    assert desk.channel.sent[0].author == "Bo Lindqvist"
    assert desk.card.facts[-1] == "Owned by Bo Lindqvist"


async def test_taking_over_stops_a_draft_that_is_being_written(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    card = desk.card

    await desk.press(TakeOver(), by="Bo")
    verdict = await desk.press(Approve(), by="Ana", on=card)

    assert verdict.answer is Answer.TOO_LATE
    assert "Bo Lindqvist took this over" in verdict.words


async def test_only_the_owner_replies(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")

    verdict = await desk.press(SendReply("Me too!"), by="Ana")

    assert verdict.answer is Answer.NOT_OWNER
    assert verdict.words.startswith("Bo Lindqvist owns this conversation")
    assert "a supervisor can press Take over" in verdict.words


async def test_a_reply_written_before_the_customers_last_words_is_refused(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    before = desk.card
    await desk.customer_says("Never mind, found it")

    verdict = await desk.press(SendReply("It is lost."), by="Bo", on=before)

    assert verdict.answer is Answer.CUSTOMER_WROTE


async def test_two_replies_in_a_row_are_fine(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    card = desk.card

    await desk.press(SendReply("One moment."), by="Bo", on=card)
    await desk.press(SendReply("It is in Lyon."), by="Bo", on=card)
    await desk.pass_time(20)

    assert desk.customer_heard == ["One moment.", "It is in Lyon."]


async def test_a_supervisor_may_take_it_from_the_owner_and_a_colleague_may_not(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")

    refused = await desk.press(TakeOver(), by="Ana")
    taken = await desk.press(TakeOver(), by="Dee")

    assert refused.answer is Answer.NOT_OWNER
    assert taken.answer is Answer.RECORDED
    assert "Owned by Dee Marsh" in desk.card.facts


async def test_handing_back_has_the_waiting_message_drafted_at_once(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    await desk.customer_says("Still waiting")

    await desk.press(HandBack(), by="Bo")
    await desk.pass_time(1)

    assert desk.card.state is CardState.WAITING
    assert [said.text for said in desk.card.said] == ["Where is my order?", "Still waiting"]
    assert Action.APPROVE in desk.card.buttons


async def test_the_last_reply_of_a_conversation_handed_back_says_so(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(SendReply("It is in Lyon."), by="Bo")

    await desk.press(HandBack(), by="Bo")

    assert desk.card.notices == ("Handed back to Signoff by Bo Lindqvist",)
    assert desk.card.ending is not None
    assert desk.card.ending.text == "It is in Lyon."


async def test_a_resolved_conversation_opens_again_when_the_customer_writes(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(Resolve(), by="Bo")
    assert desk.card.ending is not None
    assert desk.card.ending.words == "Resolved by Bo Lindqvist"
    assert desk.card.buttons == ()

    await desk.customer_says("One more thing")

    assert desk.card.state is CardState.WAITING
    assert [said.text for said in desk.card.said] == ["One more thing"]


async def test_an_owners_reply_can_be_undone_too(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(SendReply("Oops"), by="Bo")

    await desk.press(Undo(), by="Bo")
    await desk.pass_time(60)

    assert desk.customer_heard == []
    assert desk.card.ending is not None
    assert desk.card.ending.delivery == "Taken back before it was sent"
    assert desk.card.buttons[0] is Action.REPLY


async def test_an_answered_conversation_can_be_taken_over(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)

    verdict = await desk.press(TakeOver(), by="Bo")

    assert verdict.answer is Answer.RECORDED
    assert Action.REPLY in desk.card.buttons


async def test_nobody_begins_to_type_a_reply_in_a_colleagues_conversation(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    ana, bo, fay = (Presser(surface="slack", external_id=user) for user in ("U0ANA", "U0BO", "U0FAY"))

    of_bo = await desk.front.hindrance(ana, desk.card.shown, Action.REPLY)
    assert of_bo is not None
    assert (of_bo.answer, "Bo Lindqvist" in of_bo.words) == (Answer.NOT_OWNER, True)
    assert await desk.front.hindrance(bo, desk.card.shown, Action.REPLY) is None
    stranger = await desk.front.hindrance(fay, desk.card.shown, Action.EDIT)
    assert stranger is not None
    assert stranger.answer is Answer.NOT_ALLOWED

    await desk.press(HandBack(), by="Bo")
    nobodys = await desk.front.hindrance(bo, desk.card.shown, Action.REPLY)
    assert nobodys is not None
    assert nobodys.answer is Answer.NOT_OWNER
