"""Words to all replicas: heard once they are true, by everybody, also after the connection was lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from storage.database import Database
from storage.database.lines import connected
from storage.shared.wakes import WORDS_BYTES, LocalWakes, SharedWakes, Wakes, wakes
from tests.databases import Postgres
from tests.patience import PATIENCE_SECONDS
from tests.serving import until


@dataclass
class Replica:
    db: Database
    wakes: Wakes
    heard: list[str] = field(default_factory=list)
    missed: int = 0

    def __post_init__(self) -> None:
        self.wakes.subscribe("thread", self.heard.append, missed=self._miss)

    async def tells(self, words: str, topic: str = "thread") -> None:
        await self.db.write(lambda tx: self.wakes.tell(tx, topic, words))

    def _miss(self) -> None:
        self.missed += 1


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[tuple[Replica, Replica]]:
    async with Database(postgres_url) as one, Database(postgres_url) as other:
        replicas = Replica(one, SharedWakes(one)), Replica(other, SharedWakes(other))
        for replica in replicas:
            await replica.wakes.start()
        await until(lambda: all(replica.missed for replica in replicas))
        yield replicas
        for replica in replicas:
            await replica.wakes.stop()


async def test_what_one_replica_says_all_hear_and_it_itself_once(two: tuple[Replica, Replica]) -> None:
    first, second = two

    for number in range(20):
        await first.tells(f"thread {number}")

    await until(lambda: len(second.heard) == 20)
    assert first.heard == second.heard == [f"thread {number}" for number in range(20)]


async def test_each_hears_what_it_subscribed_to(two: tuple[Replica, Replica]) -> None:
    first, second = two

    await first.tells("nobody's", topic="elsewhere")
    await first.tells("")
    await first.tells("with many words, and\nlines")

    await until(lambda: len(second.heard) == 2)
    assert second.heard == ["", "with many words, and\nlines"]


async def test_the_process_that_tells_hears_it_at_once(database: Database) -> None:
    replica = Replica(database, wakes(database))  # not even started: its own connection is not needed

    await replica.tells("thread 1")

    assert replica.heard == ["thread 1"]
    assert isinstance(replica.wakes, LocalWakes if database.sqlite else SharedWakes)


async def test_what_is_rolled_back_is_never_heard(two: tuple[Replica, Replica]) -> None:
    first, second = two

    def fail(tx: object) -> None:
        first.wakes.tell(tx, "thread", "untrue")  # type: ignore[arg-type]
        raise LookupError

    with pytest.raises(LookupError):
        await first.db.write(fail)
    await first.tells("true")

    await until(lambda: bool(second.heard))
    assert first.heard == second.heard == ["true"]


async def test_words_that_nobody_understands_silence_nobody(two: tuple[Replica, Replica]) -> None:
    first, second = two
    second.wakes.subscribe("slots", lambda words: print(float(words)))

    await first.db.write(lambda tx: tx.run(text("select pg_notify('signoff', 'nonsense')")))
    await first.db.write(lambda tx: tx.run(text("select pg_notify('signoff', '')")))
    await first.db.write(lambda tx: tx.run(text("select pg_notify('signoff', 'stranger slots soon')")))
    await first.tells("thread 1")

    await until(lambda: bool(second.heard))
    assert second.heard == ["thread 1"]


async def test_a_lost_connection_is_made_again_and_who_listens_is_told(
    two: tuple[Replica, Replica], postgres: Postgres, postgres_url: str
) -> None:
    first, second = two
    before = second.missed

    postgres.shut(postgres_url)
    postgres.reopen(postgres_url)

    await until(lambda: second.missed > before)
    await first.tells("again")
    await until(lambda: "again" in second.heard)


async def test_a_database_that_is_away_at_the_start_is_waited_for(postgres: Postgres, postgres_url: str) -> None:
    postgres.shut(postgres_url)
    async with Database(postgres_url) as db:
        replica = Replica(db, SharedWakes(db))
        await replica.wakes.start()
        await asyncio.sleep(0)
        postgres.reopen(postgres_url)

        await until(lambda: replica.missed == 1)
        await replica.wakes.stop()


async def test_a_password_may_hold_what_an_address_cannot_and_no_error_quotes_it() -> None:
    url = make_url("postgresql+psycopg://signoff@127.0.0.1:1/signoff").set(password="two words/100%")

    with pytest.raises(psycopg.OperationalError) as refused:  # nobody listens there: it was read, and tried
        await connected(url, name="signoff test")

    assert "words" not in str(refused.value)


async def test_nothing_listens_any_more_after_the_stop(postgres_url: str) -> None:
    async with Database(postgres_url) as db:
        replica = Replica(db, SharedWakes(db))
        await replica.wakes.start()
        await until(lambda: bool(replica.missed))

        await replica.wakes.stop()

    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        listening = "select count(*) from pg_stat_activity where application_name = 'signoff wakes' and datname = %s"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while connection.execute(listening, (connection.info.dbname,)).fetchone() != (0,):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "say", [lambda w, tx: w.tell(tx, "two words"), lambda w, tx: w.tell(tx, "t", "ä" * WORDS_BYTES)]
)
async def test_what_no_replica_could_be_told_is_refused(
    database: Database, say: Callable[[Wakes, object], None]
) -> None:
    told = wakes(database)

    with pytest.raises(ValueError, match=r"one word|cannot be told"):
        await database.write(lambda tx: say(told, tx))
