"""Transactions on the event loop: what waits for its server lets the loop go on.

A transaction's function is not async and cannot await, by design; here it is run in a greenlet, which is left and come
back to where its driver would block (`switching`). No thread is woken, and nobody fights for the interpreter.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from greenlet import greenlet

from storage.database.seats import Seat
from storage.database.switching import run

Item = TypeVar("Item")


class Fibres(Generic[Item]):
    """Up to `size` seats, opened as they are needed; an item is begun at once, or when a seat is free again."""

    def __init__(self, size: int, seat: Callable[[], Seat], work: Callable[[Seat, Item], None]) -> None:
        """`work` tells whoever waits for the item how it ended; it raises nothing."""
        self._seat, self._work, self._left = seat, work, size
        self._free: list[Seat] = []
        self._waiting: deque[Item] = deque()
        self._under_way = 0
        self._all_done = asyncio.Event()

    def put(self, item: Item) -> None:
        """On the event loop. Returns when the item waits for the first time, or is done."""
        if self._free:
            seat = self._free.pop()
        elif self._left:
            self._left -= 1
            seat = self._seat()
        else:
            self._waiting.append(item)
            return
        self._under_way += 1
        run(greenlet(self._work_off), self._ended, seat, item)

    async def finish(self) -> None:
        """Work off what waits, then close the seats. Nothing may be put any more."""
        while self._under_way:
            self._all_done.clear()
            await self._all_done.wait()
        while self._free:
            self._free.pop().close()

    def _work_off(self, seat: Seat, item: Item) -> Seat:
        self._work(seat, item)
        while self._waiting:
            self._work(seat, self._waiting.popleft())
        return seat

    def _ended(self, seat: Seat) -> None:
        self._free.append(seat)
        self._under_way -= 1
        if not self._under_way:
            self._all_done.set()
