"""What waits for the database: a function to run in a transaction, and the future of whoever awaits it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from storage.database.seats import Seat
from storage.database.sqlite import SqliteDriver
from storage.database.switching import on_loop
from storage.database.transaction import Tx, ran
from storage.database.troubles import RolledBack


class Asked:
    """One read or write. Whoever runs it settles it."""

    def __init__(
        self, work: Callable[[Tx], Any], future: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop
    ) -> None:
        self.work, self.future, self.loop = work, future, loop
        self.result: Any = None
        self.error: BaseException | None = None
        self.calls: list[Callable[[], None]] = []

    def run(self, seat: Seat) -> None:
        """Run the work in a fresh transaction, which the caller ends."""
        seat.begin()
        tx = Tx(seat)
        self.result = ran(self.work, tx)
        if seat.driver.given_up:
            raise RolledBack("the database gave the transaction up after a statement that failed")
        self.error = None  # of an earlier attempt
        self.calls = tx._after_commit

    def run_behind_savepoint(self, seat: Seat, driver: SqliteDriver) -> bool:
        """Run the work so that its failure undoes only itself. False: the whole transaction is gone."""
        driver.set_savepoint()
        tx = Tx(seat)
        try:
            self.result = ran(self.work, tx)
            self.error = None
            self.calls = tx._after_commit
        except BaseException as error:  # noqa: BLE001  # belongs to the caller, whatever it is
            self.error = error
            driver.back_to_savepoint()
        if driver.given_up:
            return False
        driver.release_savepoint()
        return True

    def settle(self) -> None:
        """On the event loop."""
        if self.error is None:
            for call in self.calls:
                self.loop.call_soon(call)  # before the caller goes on; one that fails hurts nobody else
        if self.future.done():  # the caller was cancelled
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def tell(group: Sequence[Asked], then: Callable[[], None] | None = None, *, from_thread: bool) -> None:
    """Settle all on their loop: in one wake-up from a thread of the database's, else from a greenlet on the loop."""

    def settle_all() -> None:
        if then is not None:
            then()
        for one in group:
            one.settle()

    if not from_thread:
        on_loop(settle_all)
        return
    with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
        group[0].loop.call_soon_threadsafe(settle_all)
