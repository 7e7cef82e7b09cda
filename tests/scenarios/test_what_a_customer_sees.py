"""The web chat reads a thread from the database: all that was said to this customer, and nothing that was not."""

from adapters.base import Attachment
from bot.core.decisions import Approve, HandBack, Redraft, SendReply, TakeOver, Undo
from bot.steps.transcribing import Transcribing
from tests.desk import Desk


async def seen(desk: Desk, thread: str = "t1", after: int = 0) -> list[str]:
    return [line.text for line in await Transcribing(desk.db, "web")(thread, after)]


async def test_a_reply_is_seen_when_its_hold_is_over_and_never_before(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    assert await seen(desk) == ["Where is my order?"]

    await desk.pass_time(10)

    assert await seen(desk) == ["Where is my order?", "Reply to: Where is my order?"]
    lines = await Transcribing(desk.db, "web")("t1", 0)
    assert [(line.outgoing, line.author) for line in lines] == [(False, "Ada Kern"), (True, "Ana Ruiz")]
    assert lines[0].sequence < lines[1].sequence
    assert await seen(desk, after=lines[0].sequence) == ["Reply to: Where is my order?"]


async def test_what_was_taken_back_was_never_said(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.press(Undo(), by="Ana")
    await desk.pass_time(60)

    assert await seen(desk) == ["Where is my order?"]


async def test_drafts_wishes_and_decisions_are_seen_by_nobody_outside(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(Redraft("say it is lost"), by="Ana")
    await desk.press(TakeOver(), by="Bo")
    await desk.press(SendReply("One moment."), by="Bo")
    await desk.pass_time(10)
    await desk.press(HandBack(), by="Bo")
    await desk.pass_time(60)

    assert await seen(desk) == ["Where is my order?", "One moment."]


async def test_nobody_sees_another_thread_or_another_channels(desk: Desk) -> None:
    await desk.customer_says("Mine", thread="t1")
    await desk.customer_says("Yours", thread="t2")

    assert await seen(desk, "t1") == ["Mine"]
    assert await seen(desk, "t3") == []
    assert await Transcribing(desk.db, "chat")("t1", 0) == []


async def test_a_customers_own_files_are_theirs_to_see_and_stand_on_the_card(desk: Desk) -> None:
    photo = Attachment(name="tent.jpg", url="https://files.example/tent.jpg")
    await desk.customer_says("It broke", files=(photo,), tier="vip")

    [line] = await Transcribing(desk.db, "web")("t1", 0)
    assert line.attachments == (photo,)
    assert [(file.name, file.url) for file in desk.card.said[0].files] == [
        ("tent.jpg", "https://files.example/tent.jpg")
    ]
    assert "VIP" in desk.card.facts
