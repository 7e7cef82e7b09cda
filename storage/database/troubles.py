"""What can go wrong with a database, sorted: again at once, later, never, or nobody knows whether it happened."""

import sqlite3
from enum import Enum, auto
from typing import Any, Final, Self, cast

import psycopg
from sqlalchemy.exc import DBAPIError, OperationalError

RETRY_AFTER_SECONDS: Final = 5.0  # a restart of PostgreSQL takes about as long


class Unavailable(OperationalError):
    """The database is away, out of room, locked or read-only: nothing happened. The same call may succeed later."""

    retry_after_seconds: float = RETRY_AFTER_SECONDS

    @classmethod
    def because(cls, error: DBAPIError) -> Self:
        made = cls(None, None, error.orig or error, hide_parameters=True)
        made.__cause__ = error
        return made


class Uncertain(Unavailable):
    """The connection was lost while the database was told to commit: it may have happened or not.

    Never repeated here. Whoever calls again looks first: steps do.
    """


class RolledBack(Exception):
    """The database gave the transaction up although its function returned: it went on after a failed statement."""


class Trouble(Enum):
    """What an error of the database means for whoever's transaction it ended."""

    CONFLICT = auto()  # with another transaction: at once again
    STALE = auto()  # the connection is of no use: at once again, on a new one
    AWAY = auto()  # later
    WRONG = auto()  # never: the statement or its values


# PostgreSQL's, see https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS: Final = ("40001", "40P01")  # serialization_failure, deadlock_detected
_STALE: Final = (
    "0A000",  # cached plan must not change result type: a migration changed the table
    "26000",  # a pooler handed us a server connection that does not know our statements
    "25P03",  # idle_in_transaction_session_timeout: we were stopped in mid-transaction
)
_AWAY: Final = (
    "25006",  # read_only_sql_transaction: a server that is not the primary any more
    "55000",  # the database accepts no connections just now
    "55P03",  # lock_not_available: lock_timeout
    "57",  # operator intervention: shutdown, statement_timeout, cannot connect now
    "53",  # insufficient resources: disk full, out of memory, too many connections
    "58",  # system errors: input and output
    "08",  # connection errors
)
_AWAY_SQLITE: Final = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
)


def meaning(error: DBAPIError, *, lost: bool, writing: bool) -> Trouble:
    """`lost`: the connection is gone. `writing`: on one that may write, where read-only is no mistake of ours."""
    if isinstance(error, Unavailable):
        return Trouble.AWAY
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        away = code in _AWAY_SQLITE or (writing and code == sqlite3.SQLITE_READONLY)
        return Trouble.AWAY if away else Trouble.WRONG
    state = getattr(cause, "sqlstate", None) or ""
    if state in _CONFLICTS:
        return Trouble.CONFLICT
    if lost or state in _STALE:
        return Trouble.STALE
    return Trouble.AWAY if state.startswith(_AWAY) else Trouble.WRONG


def refused(sql: str, error: Exception, *, lost: bool = False) -> DBAPIError:
    """A driver's error as SQLAlchemy tells it, but without parameters and rows: they are customers' words."""
    forget_details(error)
    base: Any = sqlite3.Error if isinstance(error, sqlite3.Error) else psycopg.Error
    told = DBAPIError.instance(sql, None, error, base, hide_parameters=True, connection_invalidated=lost)
    return cast(DBAPIError, told)


def forget_details(error: BaseException | None) -> None:
    """PostgreSQL quotes the row it refuses; its first line, which names the constraint, is enough."""
    if isinstance(error, psycopg.Error) and error.diag.message_detail:
        error.args = (error.diag.message_primary,)
