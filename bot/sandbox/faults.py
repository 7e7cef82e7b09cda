"""Trouble on demand: what goes wrong, with which method, how often."""

import random
from dataclasses import dataclass, field
from enum import StrEnum


class Trouble(StrEnum):
    RATE_LIMITED = "rate_limited"  # 429 with Retry-After, nothing done
    ERROR = "error"  # 500, nothing done
    ERROR_AFTER = "error_after"  # 500, but it was done
    DROP = "drop"  # connection closed, nothing done
    DROP_AFTER = "drop_after"  # connection closed, but it was done
    SLOW = "slow"  # done at once, answered `seconds` later
    REFUSE = "refuse"  # ok: false with `code`
    REVOKED = "revoked"  # token_revoked
    GARBAGE = "garbage"  # 200 with a page of HTML, nothing done
    DUPLICATE = "duplicate"  # an event is delivered twice (method = event type)
    REORDER = "reorder"  # an event is delivered after the next one (method = event type)


EVENT_TROUBLES = frozenset({Trouble.DUPLICATE, Trouble.REORDER})


@dataclass
class Fault:
    """One thing that goes wrong. `method` "*" is every method, or every event for the event troubles."""

    trouble: Trouble
    method: str = "*"
    times: int | None = 1  # None: until cleared
    skip: int = 0  # so many pass unharmed first
    probability: float = 1.0
    seconds: float = 1.0  # of SLOW and of RATE_LIMITED's Retry-After
    code: str = "internal_error"  # of REFUSE
    struck: int = 0


@dataclass
class Faults:
    """All that is set to go wrong, and what did. The same seed gives the same trouble."""

    seed: int = 0
    active: list[Fault] = field(default_factory=list)
    struck: list[tuple[str, Trouble]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def add(self, fault: Fault) -> Fault:
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        self.active.clear()

    def strike(self, method: str) -> Fault | None:
        """The fault that hits this call, spent by one."""
        return self._strike(method, events=False)

    def strike_event(self, kind: str) -> Fault | None:
        return self._strike(kind, events=True)

    def _strike(self, name: str, *, events: bool) -> Fault | None:
        for fault in self.active:
            if (fault.trouble in EVENT_TROUBLES) is not events or fault.method not in ("*", name):
                continue
            if fault.times is not None and fault.struck >= fault.times:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if self._chance.random() >= fault.probability:
                continue
            fault.struck += 1
            self.struck.append((name, fault.trouble))
            return fault
        return None
