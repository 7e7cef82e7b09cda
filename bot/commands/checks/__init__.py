"""What `signoff doctor` looks at, one module for each thing that can be wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at. Holds no secret and no customer's words."""

    subject: str
    what: str  # what was found
    fix: str | None = None  # what to do about it; None: it is fine


def fine(subject: str, what: str) -> Finding:
    return Finding(subject=subject, what=what)


def wrong(subject: str, what: str, *, fix: str) -> Finding:
    return Finding(subject=subject, what=what, fix=fix)
