"""What the database itself refuses, and what comes back as it went in."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel

from storage.database import Database, Tx, table_of
from storage.tables import Customer, DecisionKind, Direction, Draft, Message, Review, ReviewStatus
from tests.clock import NOON
from tests.data import shared
from tests.storage.rows import agent, conversation, customer, decision, delivery, draft, message, review

MESSAGE, REVIEW, DRAFT, CUSTOMER = table_of(Message), table_of(Review), table_of(Draft), table_of(Customer)


def adding(*rows: SQLModel) -> Callable[[Tx], None]:
    def work(tx: Tx) -> None:
        for row in rows:
            tx.add(row)

    return work


@pytest.fixture
async def talking(database: Database) -> Database:
    """A customer's conversation with its first message, and an agent."""
    await database.write(adding(agent(), customer(), conversation(), message()))
    return database


async def refused(database: Database, *rows: SQLModel, naming: str = "(?i)unique") -> None:
    with pytest.raises(IntegrityError, match=naming):
        await database.write(adding(*rows))


async def test_a_redelivered_message_is_refused(talking: Database) -> None:
    await refused(talking, message("msg_2", external_id="msg_1", sequence=2))


async def test_two_messages_cannot_take_the_same_place(talking: Database) -> None:
    await refused(talking, message("msg_2", external_id="other", sequence=1))


async def test_the_same_channel_id_in_the_other_direction_is_another_message(talking: Database) -> None:
    reply = message("msg_2", external_id="msg_1", sequence=2, direction=Direction.OUTGOING, decision_id="dec_1")

    await talking.write(adding(decision(), reply))


async def test_outgoing_messages_not_sent_yet_have_no_channel_id_to_collide(talking: Database) -> None:
    unsent: dict[str, Any] = {"direction": Direction.OUTGOING, "external_id": None}

    await talking.write(
        adding(
            decision("dec_1"),
            decision("dec_2"),
            message("msg_2", sequence=2, decision_id="dec_1", **unsent),
            message("msg_3", sequence=3, decision_id="dec_2", **unsent),
        )
    )


async def test_one_decision_authorises_one_message(talking: Database) -> None:
    said: dict[str, Any] = {"direction": Direction.OUTGOING, "decision_id": "dec_1"}
    await talking.write(adding(decision("dec_1"), message("msg_2", sequence=2, **said)))

    await refused(talking, message("msg_3", sequence=3, **said))


async def test_nothing_goes_out_without_the_decision_that_authorised_it(talking: Database) -> None:
    await refused(
        talking, message("msg_2", sequence=2, direction=Direction.OUTGOING, decision_id=None), naming="authorised"
    )
    await refused(
        talking,
        message("msg_2", sequence=2, direction=Direction.OUTGOING, decision_id="dec_nobody"),
        naming="(?i)foreign",
    )


async def test_what_a_customer_says_needs_no_decision_and_has_none(talking: Database) -> None:
    await refused(talking, decision(), message("msg_2", sequence=2, decision_id="dec_1"), naming="authorised")


async def test_a_message_is_delivered_by_one_delivery(talking: Database) -> None:
    await talking.write(adding(delivery()))

    await refused(talking, delivery("dlv_2"))


async def test_a_row_cannot_point_at_nothing(talking: Database) -> None:
    await refused(talking, message("msg_2", conversation_id="cnv_nobody", sequence=2), naming="(?i)foreign")


async def test_one_customer_per_channel_and_id(talking: Database) -> None:
    await refused(talking, customer("cus_2", external_id="cus_1"))
    await talking.write(adding(customer("cus_2", external_id="cus_1", channel="webhook")))


async def test_of_twenty_racing_writers_one_opens_the_question(talking: Database) -> None:
    results = await asyncio.gather(
        *(talking.write(adding(review(f"rev_{number}"))) for number in range(20)), return_exceptions=True
    )

    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, IntegrityError) for result in results) == 19


async def test_a_settled_question_makes_room_for_the_next(talking: Database) -> None:
    await talking.write(adding(review("rev_1")))
    settle = update(REVIEW).where(REVIEW.c.id == "rev_1").values(status=ReviewStatus.SUPERSEDED)

    await talking.write(lambda tx: (tx.run(settle), tx.add(review("rev_2")))[1])


async def test_of_twenty_racing_decisions_one_settles_the_question(talking: Database) -> None:
    await talking.write(adding(review("rev_1")))
    settle = (
        update(REVIEW)
        .where(REVIEW.c.id == "rev_1", REVIEW.c.status == ReviewStatus.PENDING)
        .values(status=ReviewStatus.APPROVED)
        .returning(REVIEW.c.id)
    )

    won = await asyncio.gather(*(talking.write(lambda tx: tx.changed(settle)) for _ in range(20)))

    assert sorted(won) == [False] * 19 + [True]


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    in_tokyo = datetime(2026, 11, 22, 21, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))

    await database.write(adding(customer(created_at=in_tokyo)))

    found = await database.read(lambda tx: tx.first(Customer, select(CUSTOMER)))
    assert found is not None
    assert found.created_at == in_tokyo
    assert found.created_at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="timezone"):
        await database.write(adding(customer(created_at=datetime(2026, 11, 22))))  # noqa: DTZ001  # what is refused


async def test_times_of_any_zone_sort_by_when_they_were(database: Database) -> None:
    hours = [timezone(timedelta(hours=hours)) for hours in (9, -8, 0, 5)]
    rows = [
        customer(f"cus_{number}", created_at=(NOON + timedelta(minutes=number)).astimezone(zone))
        for number, zone in enumerate(hours)
    ]

    await database.write(adding(*rows))

    ordered = select(CUSTOMER.c.id).where(CUSTOMER.c.created_at > NOON).order_by(CUSTOMER.c.created_at)
    found = await database.read(lambda tx: [row.id for row in tx.run(ordered)])
    assert found == ["cus_1", "cus_2", "cus_3"]


async def test_json_comes_back_as_it_was(talking: Database) -> None:
    sources = [{"title": 'Quote " and \\', "score": 0.25, "nested": {"list": [1, None, True], "emoji": "🏔️"}}]

    await talking.write(adding(review(), draft(sources=sources, triage=None)))

    found = await talking.read(lambda tx: tx.first(Draft, select(DRAFT)))
    assert found is not None
    assert found.sources == sources
    assert found.triage is None


async def test_json_that_is_missing_is_null_and_not_the_word_null(talking: Database) -> None:
    await talking.write(adding(review(), draft(triage=None)))

    assert len(await talking.read(lambda tx: tx.run(text("select id from draft where triage is null")))) == 1


async def test_words_come_back_as_their_enum(talking: Database) -> None:
    await talking.write(adding(decision(kind=DecisionKind.HAND_BACK)))

    stored = await talking.read(lambda tx: tx.run(text("select kind from decision"))[0][0])
    assert stored == "hand_back"


async def survives(database: Database, words: list[str]) -> None:
    await database.write(
        lambda tx: (
            [tx.add(message(f"msg_{10 + n}", sequence=10 + n, text=word)) for n, word in enumerate(words)] and None
        )
    )
    rows = await database.read(
        lambda tx: tx.run(select(MESSAGE.c.text).where(MESSAGE.c.sequence >= 10).order_by(MESSAGE.c.sequence))
    )
    assert [row.text for row in rows] == words


async def test_every_naughty_string_survives(talking: Database) -> None:
    words = json.loads(shared("blns/blns.json").read_text())

    await survives(talking, [word.replace("\0", "") for word in words])


async def test_emoji_directions_and_long_words_survive(talking: Database) -> None:
    await survives(
        talking,
        ["👩🏽‍🚒🏳️‍🌈", "\u202eevil\u202c", "\u200b\ufeff", "e\u0301", "x" * 200_000, "", "'; drop table job; --"],
    )


async def test_a_nul_is_refused_by_postgresql_rather_than_cut_off(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        with pytest.raises(Exception, match="NUL"):
            await database.write(adding(customer(name="a\0b")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
async def test_any_text_survives(database: Database, words: str) -> None:
    def there_and_back(tx: Tx) -> str:
        tx.run(delete(CUSTOMER))
        tx.add(customer(name=words))
        return str(tx.run(select(CUSTOMER.c.name))[0][0])

    assert await database.write(there_and_back) == words
