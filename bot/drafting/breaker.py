"""A circuit breaker: after several failures in a row nobody waits for a model that is down."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from bot.core.drafts import DraftUnavailable

FAILURES: Final = 5
REST: Final = timedelta(seconds=30)

# Answers to this one question, not signs of an outage: the model was there.
_ANSWERED: Final = frozenset({"refusal", "max_tokens", "empty", "too_large", "bad_request"})


class Breaker:
    """Opens after `failures` in a row, rests, then lets one probe through: its outcome closes or opens it again."""

    def __init__(self, clock: Callable[[], datetime], *, failures: int = FAILURES, rest: timedelta = REST) -> None:
        self._clock, self._most, self._rest = clock, failures, rest
        self._failed = 0
        self._open_until: datetime | None = None
        self._probing = False

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around one call. Raises DraftUnavailable("breaker") at once while open.

        A call that is cancelled counts as neither success nor failure.
        """
        probe = self._admit()
        try:
            yield
        except DraftUnavailable as failure:
            if failure.reason in _ANSWERED:
                self._close()
            else:
                self._fail()
            raise
        else:
            self._close()
        finally:
            if probe:
                self._probing = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def _admit(self) -> bool:
        """True: this call is the probe."""
        if self._open_until is None:
            return False
        if self._probing or timedelta(0) < self._open_until - self._clock() <= self._rest:
            raise DraftUnavailable("breaker", "Claude failed several times in a row; it is tried again shortly.")
        self._probing = True
        return True

    def _fail(self) -> None:
        self._failed += 1
        if self._failed >= self._most:
            self._open_until = self._clock() + self._rest

    def _close(self) -> None:
        self._failed = 0
        self._open_until = None
