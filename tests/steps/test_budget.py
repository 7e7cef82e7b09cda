"""What drafting may cost in an hour: shared by replicas, kept over restarts, for one customer and for everybody."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

from sqlalchemy import select

from bot.core.policy import ModelsPolicy
from bot.steps.budget import Budget
from storage.database import Database, table_of
from storage.tables import Spent
from tests.clock import NOON

ADA, BEA = "cus_ada", "cus_bea"


def allowing(drafts_per_hour: int = 100, per_customer: int = 100) -> ModelsPolicy:
    return ModelsPolicy(drafts_per_hour=drafts_per_hour, drafts_per_customer_per_hour=per_customer)


async def granted(budget: Budget, customer: str, count: int, *, minutes: float = 0) -> int:
    now = NOON + timedelta(minutes=minutes)
    return [await budget.spend(customer, now=now) for _ in range(count)].count(None)


async def test_a_customer_has_so_many_and_others_have_theirs(database: Database) -> None:
    budget = Budget(database, allowing(per_customer=3))

    assert await granted(budget, ADA, 5) == 3
    assert await granted(budget, BEA, 5) == 3
    refusal = await budget.spend(ADA, now=NOON)
    assert refusal == "This customer has had as many drafts as one customer may have in an hour."


async def test_everybody_together_has_so_many_and_what_was_refused_costs_nothing(database: Database) -> None:
    budget = Budget(database, allowing(drafts_per_hour=4, per_customer=3))

    assert await granted(budget, ADA, 3) == 3
    assert await granted(budget, BEA, 3) == 1
    assert await budget.spend(BEA, now=NOON) == "The drafts of this hour are used up: [models] drafts_per_hour."
    used = await database.read(lambda tx: {row.key: row.used for row in tx.run(select(table_of(Spent)))})
    assert used == {"drafts": 4, "drafts cus_ada": 3, "drafts cus_bea": 1}


async def test_none_is_none(database: Database) -> None:
    assert await granted(Budget(database, allowing(drafts_per_hour=0)), ADA, 2) == 0
    assert await granted(Budget(database, allowing(per_customer=0)), ADA, 2) == 0


async def test_a_restart_forgets_nothing(database_url: str) -> None:
    async with Database(database_url) as db:
        assert await granted(Budget(db, allowing(per_customer=3)), ADA, 2) == 2

    async with Database(database_url) as db:
        assert await granted(Budget(db, allowing(per_customer=3)), ADA, 2) == 1


async def test_the_turn_of_an_hour_gives_no_second_budget(database: Database) -> None:
    budget = Budget(database, allowing(per_customer=10))
    assert await granted(budget, ADA, 6, minutes=30) == 6
    assert await granted(budget, ADA, 20, minutes=59) == 4

    assert await granted(budget, ADA, 20, minutes=61) == 0
    assert await granted(budget, ADA, 20, minutes=91) == 6
    assert await granted(budget, ADA, 20, minutes=120) == 4


async def test_in_no_fifty_five_minutes_there_are_more_than_the_budget(database: Database) -> None:
    budget = Budget(database, allowing(per_customer=10))
    times = [minutes for minutes in range(3, 200, 4) for _ in range(await granted(budget, ADA, 3, minutes=minutes))]

    assert max(sum(begin <= time < begin + 55 for time in times) for begin in times) == 10
    assert len(times) >= 30


async def test_two_replicas_together_have_one_budget(postgres_url: str) -> None:
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Database(postgres_url)) for _ in range(2)]
        budgets = [Budget(db, allowing(drafts_per_hour=30, per_customer=20)) for db in opened]

        answers = await asyncio.gather(
            *(budget.spend(customer, now=NOON) for _ in range(20) for budget in budgets for customer in (ADA, BEA))
        )

    assert answers.count(None) == 30
