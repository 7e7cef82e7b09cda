"""Nothing heard is lost, nothing said is said twice, and a person is told what could not be said (promise 5)."""

from datetime import timedelta

from sqlmodel import select

from adapters.base import PermanentFailure, TemporaryFailure
from bot.core.cards import Action, CardState
from bot.core.decisions import Approve, Dismiss, DismissReason, RetryDelivery
from bot.surfaces.base import SurfaceUnavailable
from storage.database import Database
from storage.jobs import Postpone
from storage.tables import JobKind, Posting, PostingStatus
from tests.desk import Desk

_STATUSES = select(Posting.status)


async def test_a_channel_that_is_down_for_an_hour_gets_the_reply_afterwards(desk: Desk) -> None:
    desk.channel.failures = [TemporaryFailure("503 down") for _ in range(18)]
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)
    assert desk.card.state is CardState.SENDING
    assert desk.card.ending is not None
    assert "503 down" in desk.card.ending.delivery

    for _ in range(18):
        await desk.pass_time(60 * 6)

    assert len(desk.customer_heard) == 1
    assert desk.card.state is CardState.SENT


async def test_a_refused_reply_turns_the_card_red_and_retry_sends_it(desk: Desk) -> None:
    desk.channel.failures = [PermanentFailure("410 gone")]
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)
    assert desk.card.state is CardState.FAILED
    assert desk.card.buttons[0] is Action.RETRY
    assert desk.card.ending is not None
    assert desk.card.ending.delivery == "NOT DELIVERED: 410 gone"

    await desk.press(RetryDelivery(), by="Bo")

    assert len(desk.customer_heard) == 1
    assert desk.card.state is CardState.SENT


async def test_a_channel_that_stays_down_is_shown_to_a_person(desk: Desk) -> None:
    desk.channel.failures = [TemporaryFailure("503 down") for _ in range(80)]
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)
    for _ in range(80):
        await desk.pass_time(60 * 6)

    assert desk.card.state is CardState.FAILED
    assert desk.customer_heard == []
    assert (await desk.jobs.depth()).failed == {JobKind.RELAY: 1}
    await desk.press(RetryDelivery(), by="Ana")
    assert len(desk.customer_heard) == 1
    assert (await desk.jobs.depth()).failed == {}


async def test_a_reply_that_waits_behind_another_offers_no_undo(desk: Desk) -> None:
    desk.channel.failures = [TemporaryFailure("503 down") for _ in range(9)]
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)
    await desk.customer_says("And my invoice?")

    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)

    assert desk.card.state is CardState.SENDING
    assert not desk.offers(Action.UNDO)


async def test_a_lost_answer_is_sent_again_under_the_same_key(desk: Desk) -> None:
    desk.channel.lost = True
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)
    await desk.pass_time(10)

    assert len({reply.key for reply in desk.channel.sent}) == 1
    assert desk.card.state is CardState.SENT


async def test_a_channel_that_cannot_recognise_repeats_is_never_guessed_at(desk: Desk) -> None:
    desk.channel.repeats_safely = False
    desk.channel.lost = True
    await desk.customer_says("Where is my order?")
    await desk.press(Approve(), by="Ana")
    await desk.pass_time(10)
    await desk.pass_time(10)

    assert len(desk.channel.sent) == 1
    assert desk.card.state is CardState.FAILED
    assert desk.card.ending is not None
    assert "may have been delivered" in desk.card.ending.delivery


async def test_replies_to_one_customer_arrive_in_order(desk: Desk) -> None:
    desk.channel.failures = [TemporaryFailure("503")]
    for text in ("One", "Two", "Three"):
        await desk.customer_says(text)
        await desk.press(Approve(), by="Ana")
    for _ in range(5):
        await desk.pass_time(60)

    assert desk.customer_heard == ["Reply to: One", "Reply to: Two", "Reply to: Three"]


async def test_a_card_waits_for_a_surface_that_is_down(desk: Desk) -> None:
    desk.cards.failures = [SurfaceUnavailable("500")] * 5
    await desk.customer_says("Where is my order?")
    for _ in range(6):
        await desk.pass_time(60)

    assert len(desk.cards.hanging) == 1
    assert desk.cards.posts == 1


async def test_a_card_whose_turn_has_not_come_waits_untried(desk: Desk) -> None:
    """Else its next attempt would have to be looked for in the channel, though nothing was sent."""
    desk.cards.waits = [
        Postpone(desk.clock.now + timedelta(seconds=30)),
        Postpone(desk.clock.now + timedelta(minutes=1)),
    ]
    await desk.customer_says("Where is my order?")

    assert not desk.cards.hanging
    assert await desk.db.read(lambda tx: [status for (status,) in tx.run(_STATUSES)]) == [PostingStatus.WANTED]
    await desk.pass_time(60)
    assert len(desk.cards.hanging) == 1
    assert not desk.cards.looked


async def test_a_post_whose_answer_was_lost_is_found_again_not_repeated(desk: Desk) -> None:
    desk.cards.lost = True
    await desk.customer_says("Where is my order?")
    await desk.pass_time(10)

    assert desk.cards.posts == 1
    assert desk.cards.looked == [desk.card.key]
    await desk.press(Approve(), by="Ana")
    assert desk.card.state is CardState.HELD


async def test_a_bot_that_died_in_the_middle_goes_on_where_it_was(desk: Desk) -> None:
    await desk.customer_says("Where is my order?", quiet=False)
    await desk.close_shop()
    desk.clock.now = desk.clock.now.replace(minute=30)
    desk.open_shop()
    await desk.settle()

    assert desk.card.state is CardState.WAITING


async def test_a_card_pressed_before_its_post_was_known_is_drawn_as_decided(desk: Desk) -> None:
    desk.cards.lost = True
    await desk.customer_says("Where is my order?")
    assert desk.card.state is CardState.WAITING

    await desk.press(Dismiss(DismissReason.SPAM), by="Ana")
    await desk.pass_time(5)

    assert desk.card.state is CardState.DISMISSED
    assert desk.cards.posts == 1


async def test_a_card_the_customer_outran_before_its_post_was_known_is_closed(desk: Desk) -> None:
    desk.cards.lost = True
    await desk.customer_says("Where is my order?", quiet=False)
    desk.clock.now += timedelta(seconds=4)
    desk.jobs.wake()
    await desk.settle()

    await desk.customer_says("It is number 4711.")
    await desk.pass_time(5)

    older, newer = desk.cards.hanging.values()
    assert (older.state, newer.state) == (CardState.CLOSED, CardState.WAITING)


async def test_an_agent_may_press_as_soon_as_the_surface_says_so_again(database: Database) -> None:
    desk = Desk(database)
    desk.cards.unsaid = [SurfaceUnavailable("500")]
    async with desk:
        await desk.customer_says("Where is my order?")

        verdict = await desk.press(Approve(), by="Ana")

    assert verdict.recorded
