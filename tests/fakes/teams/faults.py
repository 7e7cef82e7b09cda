"""How the Bot Connector misbehaves on demand."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

STATUS = {
    "refuse": 403,
    "gone": 404,
    "too_big": 413,
    "precondition": 412,
    "rate_limited": 429,
    "error": 500,
    "bad_gateway": 502,
    "gateway_timeout": 504,
    "bad_token": 401,
}


class Trouble(StrEnum):
    REFUSE = "refuse"
    GONE = "gone"
    TOO_BIG = "too_big"
    PRECONDITION = "precondition"
    RATE_LIMITED = "rate_limited"
    ERROR = "error"
    BAD_GATEWAY = "bad_gateway"
    GATEWAY_TIMEOUT = "gateway_timeout"
    BAD_TOKEN = "bad_token"
    ERROR_AFTER = "error_after"  # done, and answered with 502
    DROP = "drop"  # not done, and not answered
    DROP_AFTER = "drop_after"  # done, and not answered
    SLOW = "slow"  # done, answered when nobody waits any more
    GARBAGE = "garbage"  # not done, and answered with a web page
    REDIRECT = "redirect"  # to somebody who would like to see our token


@dataclass(frozen=True)
class Fault:
    trouble: Trouble
    call: str = ""  # create, reply, update, members, history; "" is any
    calls: tuple[str, ...] = ()  # or one of several
    code: str = ""
    retry_after: str = "1"
    to: str = ""  # of a redirect


@dataclass
class Faults:
    """What happens to the calls that follow, each fault to one call."""

    waiting: deque[Fault] = field(default_factory=deque)

    def add(self, fault: Fault, times: int = 1) -> None:
        self.waiting.extend([fault] * times)

    def take(self, call: str) -> Fault | None:
        found = next((fault for fault in self.waiting if _meant(fault, call)), None)
        if found is not None:
            self.waiting.remove(found)
        return found


def _meant(fault: Fault, call: str) -> bool:
    return call in fault.calls if fault.calls else fault.call in ("", call)
