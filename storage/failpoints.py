"""The places between two effects where a crash hurts most. The product passes them; only the crash test stops there.

Each is named for what was done last. Nothing in the product can arm them: see tests/crash/bot.py.
"""

from collections.abc import Callable
from enum import StrEnum

Stop = Callable[["Point"], None]
_stop: Stop | None = None


class Point(StrEnum):
    """Beside each: what was done before it | what comes after."""

    STARTED = "app.started"  # the roster is read and the worker called, its first look not begun | requests are served
    STOPPING = "app.stopping"  # asked to stop, requests answered | jobs under way end or are promised again
    STOPPED = "app.stopped"  # how every job ended is written down | surfaces, channels and database close
    RECEIVED = "receiving.written"  # message, review and promise are written | the commit
    RECEIVED_FOR_GOOD = "receiving.committed"  # the message is committed | the channel is answered 2xx
    ASKING = "drafting.read"  # the case is read, the customer is quiet | the model is asked
    DRAFTED = "drafting.answered"  # the model answered, or failed to | the draft is written
    DRAFT_KEPT = "drafting.committed"  # draft and posting are committed | the job's end is written
    TRYING = "posting.trying"  # that a post is tried is committed | the surface is called
    POSTED = "posting.taken"  # the surface took the card | where it hangs is committed
    POSTED_FOR_GOOD = "posting.committed"  # where the card hangs is committed | the job's end is written
    REDRAWN = "posting.redrawn"  # the surface took the new drawing | how it looks is committed
    DECIDED = "deciding.written"  # decision, feedback, message and promises are written | the commit
    DECIDED_FOR_GOOD = "deciding.committed"  # all of it is committed | the presser is answered
    RELEASED = "relaying.released"  # sending, and the relay promised, are committed | the release's end is written
    SENDING = "relaying.read"  # the letter is read, its delivery is sending | the channel is called
    TAKEN = "relaying.taken"  # the channel took the reply | that it was sent is committed
    SENT = "relaying.sent"  # that it was sent is committed | the job's end is written
    DELAYED = "relaying.delayed"  # a failure that passes is noted on the delivery | the job is queued again
    REFUSED = "relaying.refused"  # that a person must look is committed | the job's end is written
    TICKED = "clocks.ticked"  # a tick, and what it promises, are committed | the next look for what is due
    CLAIMED = "jobs.claimed"  # jobs are marked as running | the first of them begins
    HANDLED = "jobs.handled"  # a job's work is done, or failed | its end is written


def reached(point: Point) -> None:
    """Pass by, unless a test stops here. On the event loop or on one of the database's threads."""
    if _stop is not None:
        _stop(point)


def arm(stop: Stop) -> None:
    """From now on call `stop` at every point: for the tests' own entry, once, before anything runs."""
    global _stop
    _stop = stop
