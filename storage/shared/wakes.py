"""Words from one replica to all, told when a transaction commits: hints to look, never the only trace of anything.

They may be lost (a listener was away) and come twice. Whoever needs to know looks again when `missed` is called, and
now and then anyway.
"""

import asyncio
import contextlib
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database, Tx
from storage.database.lines import connected

log = logging.getLogger(__name__)

Heard = Callable[[str], None]

_CHANNEL: Final = "signoff"
_TELL: Final = text(f"select pg_notify('{_CHANNEL}', :words)").columns()  # no answer is waited for
WORDS_BYTES: Final = 7000  # PostgreSQL takes 8000 with what is put before them
_AGAIN: Final = 1.0  # seconds between two attempts to listen
_QUIET: Final = 15.0  # seconds of silence after which the connection is asked whether it lives
_PATIENCE: Final = 5.0  # for its answer, and for connecting


class Wakes(Protocol):
    """Told in transactions, heard on the event loop, by this process too."""

    def tell(self, tx: Tx, topic: str, words: str = "") -> None:
        """Once this transaction is durable, everybody who subscribed hears these words.

        Raises:
            ValueError: the topic holds a space, or the words are longer than any replica could be told.
        """

    def subscribe(self, topic: str, heard: Heard, *, missed: Callable[[], None] = lambda: None) -> None:
        """`missed` is called when words may have been lost."""

    async def start(self) -> None:
        """Begin to listen. What was told before is not heard."""

    async def stop(self) -> None: ...


def wakes(db: Database) -> Wakes:
    return LocalWakes() if db.sqlite else SharedWakes(db)


async def hint(db: Database, wakes: Wakes, topic: str, words: str) -> None:
    """Tell in a transaction of its own. A database that is away is no reason to fail: who listens looks anyway."""
    with contextlib.suppress(SQLAlchemyError):
        await db.write(lambda tx: wakes.tell(tx, topic, words))


class _Subscribers:
    def __init__(self) -> None:
        self._heard: defaultdict[str, list[Heard]] = defaultdict(list)
        self._missed: list[Callable[[], None]] = []

    def subscribe(self, topic: str, heard: Heard, *, missed: Callable[[], None] = lambda: None) -> None:
        self._heard[topic].append(heard)
        self._missed.append(missed)

    def _hear(self, topic: str, words: str) -> None:
        for heard in self._heard.get(topic, ()):
            try:
                heard(words)
            except Exception:  # of this one's, or another release's words: the others still listen
                log.exception("what another replica said was not understood", extra={"topic": topic})

    def _miss(self) -> None:
        for missed in self._missed:
            missed()


class LocalWakes(_Subscribers):
    """For the one process there is on SQLite."""

    def tell(self, tx: Tx, topic: str, words: str = "") -> None:
        _refuse_misfits(topic, words)
        tx.after_commit(partial(self._hear, topic, words))

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class SharedWakes(_Subscribers):
    """PostgreSQL's LISTEN and NOTIFY, on a connection of its own that is made again whenever it is lost."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self._url = db.url
        self._us = secrets.token_hex(4)  # what we told ourselves was heard already
        self._listening: asyncio.Task[None] | None = None
        self._away = False  # and the log says so
        self.connected = asyncio.Event()

    def tell(self, tx: Tx, topic: str, words: str = "") -> None:
        _refuse_misfits(topic, words)
        tx.run(_TELL, words=f"{self._us} {topic} {words}")
        tx.after_commit(partial(self._hear, topic, words))

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen_for_ever(), name="wakes")

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, TimeoutError) as error:
                if not self._away:
                    log.warning("other replicas are not heard", extra={"error": type(error).__name__})
                self._away = True
            finally:
                self.connected.clear()
            await asyncio.sleep(_AGAIN)

    async def _listen(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            connection = await connected(self._url, name="signoff wakes")
        async with connection:
            await connection.execute(f"listen {_CHANNEL}")
            self._away = False
            self.connected.set()
            self._miss()
            while True:
                async for notice in connection.notifies(timeout=_QUIET):
                    us, _, told = notice.payload.partition(" ")  # whoever may connect may say anything
                    topic, _, words = told.partition(" ")
                    if us != self._us:
                        self._hear(topic, words)
                async with asyncio.timeout(_PATIENCE):
                    await connection.execute("select 1")


def _refuse_misfits(topic: str, words: str) -> None:
    if " " in topic or not topic:
        raise ValueError("a topic is one word")
    if len(words.encode()) > WORDS_BYTES:
        raise ValueError(f"more than {WORDS_BYTES} bytes cannot be told")
