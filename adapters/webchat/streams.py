"""Live streams: a visitor's open pages, each re-reading its thread when woken and every few seconds anyway."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import StreamingResponse
from starlette.types import Receive as ReceiveEvent
from starlette.types import Scope, Send

from adapters.base import Line, Transcript
from adapters.refusals import Reason, Refusal

GAP_LINES: Final = 200  # a reply still missing below this many newer lines is left to the next reload


class Reading:
    """What a reader of a thread has been given.

    `mark` is not the newest sequence but the highest below which nothing is missing: a reply gets its sequence when it
    is approved and is shown only once its hold is over, when the customer may have written a later line.
    """

    def __init__(self, mark: int) -> None:
        self.mark = mark
        self._given: set[int] = set()  # beyond the mark

    def fresh(self, lines: Iterable[Line]) -> list[tuple[Line, int]]:
        """The lines not given before, each with the mark once it has been given."""
        fresh = []
        for line in sorted(lines, key=lambda each: each.sequence):
            if line.sequence <= self.mark or line.sequence in self._given:
                continue
            self._given.add(line.sequence)
            self._advance(line.sequence)
            fresh.append((line, self.mark))
        return fresh

    def _advance(self, newest: int) -> None:
        self.mark = max(self.mark, newest - GAP_LINES)
        while self.mark + 1 in self._given:
            self.mark += 1
        self._given = {sequence for sequence in self._given if sequence > self.mark}


def shown(line: Line) -> dict[str, Any]:
    """A line as the page gets it. All of it is text: the page draws no markup."""
    return {
        "id": line.id,
        "sequence": line.sequence,
        "from": "team" if line.outgoing else "customer",
        "author": line.author,
        "text": line.text,
        "attachments": [{"name": each.name, "url": each.url} for each in line.attachments],
        "at": line.at.isoformat(),
    }


@dataclass(eq=False, kw_only=True)
class Seat:
    """One open stream."""

    thread: str
    visitor: str
    address: str
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, kw_only=True)
class Seating:
    """How many streams may be open. A browser opens six connections to a host: four leave room to write."""

    total: int = 1_000
    per_visitor: int = 4
    per_address: int = 60


class Streams:
    """All open streams of one channel in this process."""

    def __init__(
        self,
        *,
        transcript: Transcript,
        clock: Callable[[], datetime],
        seating: Seating,
        reread_seconds: float,
    ) -> None:
        self._transcript = transcript
        self._clock = clock
        self._seating = seating
        self._reread_seconds = reread_seconds
        self._seats: set[Seat] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._seats)

    def take_seat(self, *, thread: str, visitor: str, address: str) -> Seat:
        """Raises:
        Refusal: 429 or 503, no seat is free.
        """
        if self._closing:
            words = "Restarting. Please try again."
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, Reason.CLOSING, words, retry_after_seconds=2)
        if len(self._seats) >= self._seating.total:
            words = "Too many people are reading live. Replies appear when you reload."
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, Reason.BUSY, words, retry_after_seconds=10)
        theirs = sum(seat.visitor == visitor for seat in self._seats)
        nearby = sum(seat.address == address for seat in self._seats)
        if theirs >= self._seating.per_visitor or nearby >= self._seating.per_address:
            words = "This chat is open in many windows. Close one to read live here."
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, Reason.BUSY, words, retry_after_seconds=10)
        seat = Seat(thread=thread, visitor=visitor, address=address)
        self._seats.add(seat)
        return seat

    def wake(self, thread: str) -> None:
        for seat in self._seats:
            if seat.thread == thread:
                seat.news.set()

    def wake_all(self) -> None:
        for seat in self._seats:
            seat.news.set()

    def hang_up(self) -> None:
        """End every stream, each after what it is just writing; no new one opens."""
        self._closing = True
        self.wake_all()

    def live(self, seat: Seat, *, after: int, until: datetime) -> "Live":
        return Live(self._events(seat, Reading(after), until), leave=lambda: self._seats.discard(seat))

    async def _events(self, seat: Seat, reading: Reading, until: datetime) -> AsyncIterator[str]:
        yield ": hello\n\n"  # sends the headers: the page knows that it is connected
        while not self._closing and self._clock() < until:
            seat.news.clear()  # before reading: what comes meanwhile wakes us again
            fresh = reading.fresh(await self._transcript(seat.thread, reading.mark))
            for line, mark in fresh:
                yield f"id: {mark}\nevent: line\ndata: {json.dumps(shown(line))}\n\n"
            if fresh:
                continue  # there may be more of a long thread
            try:
                async with asyncio.timeout(self._reread_seconds):
                    await seat.news.wait()
            except TimeoutError:
                yield ": still here\n\n"


class Live(StreamingResponse):
    """Server-sent events that give their seat back however they end."""

    def __init__(self, events: AsyncIterator[str], *, leave: Callable[[], None]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._leave = leave

    async def __call__(self, scope: Scope, receive: ReceiveEvent, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()
