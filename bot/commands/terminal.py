"""How commands speak: results on standard output, all else on standard error, and a sentence instead of a traceback."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, NoReturn

import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import OperationalError

from bot.core.policy import Policy
from bot.problems import Misconfigured, Problem
from bot.settings import Settings, StoreSettings, load, load_store
from storage import schema
from storage.database import Database

MISCONFIGURED: Final = 2  # exit codes: 1 something is wrong, 2 the configuration or the call is
MIGRATE: Final = "The database is not at the schema this program was written for: run `signoff migrate`."

out: Final = Console(soft_wrap=True)
err: Final = Console(stderr=True, soft_wrap=True)


def now() -> datetime:
    """The wall clock, for whoever takes a clock."""
    return datetime.now(UTC)


def refuse(words: str, *, code: int = 1) -> NoReturn:
    err.print(f"[red]{escape(words)}[/red]")
    raise typer.Exit(code)


def configured(*, insecure_local: bool = False) -> tuple[Settings, Policy]:
    """Settings and policy; or every problem is shown, and the command ends with code 2."""
    try:
        return load(insecure_local=insecure_local)
    except Misconfigured as misconfigured:
        show(misconfigured.problems)
        raise typer.Exit(MISCONFIGURED) from None


def store_configured() -> StoreSettings:
    """Like `configured`, for a command that needs only the database."""
    try:
        return load_store()
    except Misconfigured as misconfigured:
        show(misconfigured.problems)
        raise typer.Exit(MISCONFIGURED) from None


def show(problems: Iterable[Problem]) -> None:
    """One below the other rather than in a table: remedies hold commands to copy."""
    told = tuple(problems)
    err.print(f"[bold]Signoff cannot start: {len(told)} to put right.[/bold]")
    for problem in told:
        err.print(f"\n[red]{escape(problem.where)}[/red] {escape(problem.what)}")
        err.print(f"  {escape(problem.remedy)}")


@contextmanager
def database_errors() -> Iterator[None]:
    """A database that cannot be reached ends the command with one line."""
    try:
        yield
    except (OperationalError, psycopg.OperationalError) as error:
        cause = error.orig if isinstance(error, OperationalError) else error
        refuse(f"The database cannot be used ({str(cause).strip()}): see DATABASE_URL.")


def require_schema(db: Database) -> None:
    if not schema.at_head(db.engine):
        refuse(MIGRATE)


def progress() -> Progress:
    """A bar on standard error; nothing at all where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, disable=not err.is_terminal, transient=True)
