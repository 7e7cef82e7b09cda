"""signoff export: what agents decided, as JSON lines."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer

from bot.commands.terminal import database_errors, err, progress, require_schema, store_configured
from storage.database import Database
from storage.history import Span, count, decisions

_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


class Format(StrEnum):
    JSONL = "jsonl"


def export(
    since: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="From this day or time, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="Until before this day or time.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="One JSON object a line.")] = Format.JSONL,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="A file; otherwise standard output.")] = None,
) -> None:
    """Write every decision with its draft, the final text, the kind of edit, the reason and the seconds it took.

    It holds customers' and agents' words: keep it as you keep those.
    """
    span = Span(since=_utc(since), until=_utc(until))
    with database_errors(), _writing(out) as file:
        written = asyncio.run(_export(span, file))
    err.print(f"{written} decisions{f' in {out}' if out else ''}.")


async def _export(span: Span, file: TextIO) -> int:
    written = 0
    async with Database(store_configured().database_url) as db:
        require_schema(db)
        with progress() as bar:
            task = bar.add_task("Decisions", total=await count(db, span))
            async for row in decisions(db, span):
                file.write(json.dumps(row, ensure_ascii=False, default=_json) + "\n")
                written += 1
                bar.advance(task)
    return written


@contextlib.contextmanager
def _writing(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears whole or not at all."""
    if path is None:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:  # `| head` has what it wants
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None
        return
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("w", encoding="utf-8") as file:
            partial.chmod(0o600)
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} is not exported")


def _utc(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
