"""What an agent's queue, the status and a card's thread tell, as the database has it."""

from datetime import timedelta

from adapters.base import PermanentFailure
from bot.core.cards import Queue
from bot.core.decisions import (
    Answer,
    Approve,
    Dismiss,
    DismissReason,
    PauseRequest,
    Presser,
    Redraft,
    Resolve,
    SendReply,
    TakeOver,
    Undo,
)
from tests.desk import MONDAY, Desk

ANA = Presser(surface="slack", external_id="U0ANA")
FAY = Presser(surface="slack", external_id="U0FAY")


def previews(queue: Queue) -> tuple[list[str], list[str]]:
    """What is mine, and what waits."""
    return [row.preview for row in queue.mine], [row.preview for row in queue.waiting]


async def test_who_waits_longest_stands_first(desk: Desk) -> None:
    await desk.customer_says("First", thread="t1")
    await desk.customer_says("Second", thread="t2")
    await desk.customer_says("Third, from a VIP", thread="t3", tier="vip")
    await desk.customer_says("First again", thread="t1")

    queue = await desk.front.queue(ANA)

    assert previews(queue) == ([], ["First again", "Second", "Third, from a VIP"])
    assert queue.waiting[0].waiting_since == MONDAY
    assert (queue.agent, queue.waiting_total) == ("Ana Ruiz", 3)


async def test_what_i_own_is_mine_and_in_nobody_elses_queue(desk: Desk) -> None:
    await desk.customer_says("Mine", thread="t1")
    await desk.press(TakeOver(), by="Ana")
    await desk.customer_says("Bo's", thread="t2")
    await desk.press(TakeOver(), by="Bo")
    await desk.customer_says("Anybody's", thread="t3")

    assert previews(await desk.front.queue(ANA)) == (["Mine"], ["Anybody's"])
    status = await desk.front.status()
    assert (status.waiting, status.taken_over) == (1, 2)
    assert status.oldest_waiting_since == MONDAY + timedelta(seconds=8), "those who are owned have somebody"


async def test_what_was_answered_dismissed_or_resolved_waits_no_more_and_what_was_undone_waits_again(
    desk: Desk,
) -> None:
    for thread, decision in (("t1", Approve()), ("t2", Dismiss(DismissReason.SPAM)), ("t3", TakeOver())):
        await desk.customer_says(f"In {thread}", thread=thread)
        await desk.press(decision, by="Ana")
    assert (await desk.press(Resolve(), by="Ana")).recorded
    assert previews(await desk.front.queue(ANA)) == ([], [])

    approved = next(iter(desk.cards.hanging.values()))
    assert (await desk.press(Undo(), by="Ana", on=approved)).recorded

    queue = await desk.front.queue(ANA)
    assert previews(queue) == ([], ["In t1"])
    assert queue.waiting[0].waiting_since == MONDAY


async def test_a_row_leads_to_the_newest_card(desk: Desk) -> None:
    await desk.customer_says("One")
    await desk.customer_says("Two")

    [row] = (await desk.front.queue(ANA)).waiting

    assert (row.place, row.ref) == ("C0SUPPORT", list(desk.cards.hanging)[-1])
    assert row.headline == "General · Ada Kern"


async def test_a_stranger_sees_nothing_of_the_queue(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")

    queue = await desk.front.queue(FAY)

    assert queue == Queue(agent=None, mine=(), waiting=(), waiting_total=0)


async def test_hostile_words_in_a_queue_are_one_legible_line(desk: Desk) -> None:
    await desk.customer_says("Hi\n\u202e<!channel>\u200b " + "x" * 20_000)

    [row] = (await desk.front.queue(ANA)).waiting

    assert row.preview.startswith("Hi <!channel> xxx")
    assert len(row.preview) <= 140


async def test_the_status_counts_what_stands_failed_what_went_out_today_and_who_paused(desk: Desk) -> None:
    for thread in ("t1", "t2", "t3"):
        await desk.customer_says(f"In {thread}", thread=thread)
    cards = list(desk.cards.hanging.values())
    desk.channel.failures = [PermanentFailure("410 gone")]
    for card in cards[:2]:
        await desk.press(Approve(), by="Ana", on=card)
        await desk.pass_time(10)
    await desk.front.pause(PauseRequest(who=ANA, category="billing", length=timedelta(hours=1)))

    status = await desk.front.status()
    assert (status.waiting, status.failed_deliveries, status.sent_today) == (1, 1, 1)
    assert status.oldest_waiting_since == MONDAY + timedelta(seconds=8)
    assert len(status.pauses) == 1
    assert "billing" in status.pauses[0]
    await desk.pass_time(16 * 3600)

    tomorrow = await desk.front.status()
    assert (tomorrow.sent_today, tomorrow.pauses, tomorrow.failed_deliveries) == (0, (), 1)


async def test_a_wish_in_a_cards_thread_is_about_the_question_that_is_open_now(desk: Desk) -> None:
    await desk.customer_says("One")
    root = next(iter(desk.cards.hanging))
    await desk.customer_says("Two")

    card = await desk.front.card_at("slack", root)
    assert card is not None
    assert [said.text for said in card.said] == ["One", "Two"]
    verdict = await desk.press(Redraft("shorter"), by="Ana", on=card, event="Ev1")

    assert verdict.answer is Answer.RECORDED
    assert desk.drafter.cases[-1].instruction == "shorter"
    assert desk.drafter.cases[-1].previous_draft == "Reply to: One\n\nTwo"
    assert "Redrafted for Ana Ruiz: “shorter”" in desk.card.notices
    assert await desk.front.card_at("slack", "C0SUPPORT/999") is None


async def test_a_card_says_how_far_the_offline_drafter_follows_a_wish(desk: Desk) -> None:
    desk.drafter.offline = True
    await desk.customer_says("Where is my order?")

    await desk.press(Redraft("Offer a voucher"), by="Ana")

    assert desk.card.notices[-1].startswith("Redrafted for Ana Ruiz: “Offer a voucher” (offline, ")


async def test_talk_in_a_thread_is_no_reply(desk: Desk) -> None:
    """Promise 7: only SendReply reaches a customer; a wish for another draft never does, whatever it says."""
    await desk.customer_says("Where is my order?")
    await desk.press(Redraft("Tell them it is lost."), by="Ana")
    await desk.pass_time(600)
    assert desk.customer_heard == []

    await desk.press(TakeOver(), by="Ana")
    await desk.press(SendReply("It is lost."), by="Ana")
    await desk.pass_time(10)

    assert desk.customer_heard == ["It is lost."]
