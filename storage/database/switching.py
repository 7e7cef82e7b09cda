"""Where a transaction would block: a greenlet of the event loop is left and come back to; elsewhere it just blocks.

What a greenlet waits for is arranged by whoever runs it, on the event loop's own stack: greenlets move stacks aside,
and libuv, under uvloop, keeps a pointer into its own while it calls back.
"""

import asyncio
import select
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

# Calls on threads at the same moment: more than there are seats, or those that wait for a row's lock could keep whoever
# holds it from the thread that it needs.
_BLOCKING: Final = 64

Resume = Callable[..., None]  # called once, on the event loop, with what the greenlet is to be told
Request = Callable[[Resume], object]


def run(fibre: greenlet, ended: Callable[[Any], None], *values: object) -> None:
    """Switch to it, see to what it asks for, and so on until it ends; `ended` is told what it returned."""
    asked = fibre.switch(*values)
    if fibre.dead:
        ended(asked)
        return
    request: Request = asked
    request(lambda *answer: run(fibre, ended, *answer))


def ready(descriptor: int, *, writable: bool, seconds: float) -> int:
    """Wait until a socket can be read, or written where `writable`; which of both as poll() says it. 0: not in time."""
    hub = getcurrent().parent
    if hub is None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | (select.POLLOUT if writable else 0))
        found = poll.poll(seconds * 1000)
        return found[0][1] if found else 0

    def wait(resume: Resume) -> None:
        loop = asyncio.get_running_loop()

        def came(what: int) -> None:
            late.cancel()
            loop.remove_reader(descriptor)
            if writable:
                loop.remove_writer(descriptor)
            resume(what)

        late = loop.call_later(seconds, came, 0)
        loop.add_reader(descriptor, came, select.POLLIN)
        if writable:
            loop.add_writer(descriptor, came, select.POLLOUT)

    what: int = hub.switch(wait)
    return what


def pause(seconds: float) -> None:
    hub = getcurrent().parent
    if hub is None:
        time.sleep(seconds)
        return
    hub.switch(lambda resume: asyncio.get_running_loop().call_later(seconds, resume))


def elsewhere(call: Callable[[], T]) -> T:
    """What `call` returns or raises. It may block: from a greenlet it is made on a thread, and waited for."""
    hub = getcurrent().parent
    if hub is None:
        return call()

    def wait(resume: Resume) -> None:
        future = asyncio.get_running_loop().run_in_executor(_threads(), call)
        future.add_done_callback(resume)

    future: asyncio.Future[T] = hub.switch(wait)
    return future.result()


def on_loop(call: Callable[[], None]) -> None:
    """From a greenlet: call something that the event loop's stack must be under. Returns when it has returned."""

    def make(resume: Resume) -> None:
        call()
        resume()

    hub = getcurrent().parent
    assert hub is not None, "only greenlets ask for this"
    hub.switch(make)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_BLOCKING, "db-elsewhere")
