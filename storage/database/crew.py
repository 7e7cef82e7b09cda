"""Threads that work off one queue, each with a seat of its own."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from storage.database.seats import Seat

Item = TypeVar("Item")


class Crew(Generic[Item]):
    """Up to `size` threads, started as they are needed.

    Not a ThreadPoolExecutor, whose futures are wrapped in the event loop's, each with a wake-up of its own: here `work`
    settles the future of whoever waits, those of a group together (docs/decisions/001).
    """

    def __init__(self, size: int, name: str, seat: Callable[[], Seat], work: Callable[[Seat, Item], None]) -> None:
        self._size, self._name, self._seat, self._work = size, name, seat, work
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._idle: deque[None] = deque()  # one for each thread that waits
        self._threads: Final[list[threading.Thread]] = []

    def put(self, item: Item) -> None:
        """From one thread only."""
        self._queue.put(item)
        try:
            self._idle.pop()
        except IndexError:
            if len(self._threads) < self._size:
                name = f"{self._name}-{len(self._threads)}"
                # A daemon: what it has not committed when the process ends did not happen, as after a kill.
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def next(self) -> Item | None:
        """For `work` in a crew of one: what waits by now, if anything does."""
        if self._queue.empty():
            return None
        item = self._queue.get()
        if item is None:  # meant for the thread
            self._queue.put(None)
        return item

    async def finish(self) -> None:
        """Work off what waits, then end."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _run(self) -> None:
        seat = self._seat()
        try:
            while (item := self._queue.get()) is not None:
                self._work(seat, item)
                del item  # or all it knows would live until the next comes
                if self._queue.empty():
                    self._idle.append(None)
        finally:
            seat.close()
