"""The library: a folder of Markdown imported as versions, and searched without the model."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from bot.core.drafts import Precedent, Snippet, Source
from bot.core.texts import one_line, storable
from bot.drafting.markdown import Unreadable, article
from storage.database import Database
from storage.knowledge import articles
from storage.knowledge.articles import ArticleText, Change

FILE_BYTES: Final = 1_000_000
_SLUG_CHARS: Final = 300

Progress = Callable[[int, int], None]
"""Called with the files done and the files there are."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A file that was left out, and why. Its article, if there is one, stays as it was."""

    file: str  # its path below the folder
    why: str


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did to the knowledge base."""

    added: int
    updated: int
    unchanged: int
    removed: int
    rejected: tuple[Rejected, ...]


class FullTextLibrary:
    """core.drafts.Library over the database's own full text search."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, question: str, *, limit: int = 6) -> list[Snippet]:
        found = await self._database.read(partial(articles.search, question=question, limit=limit))
        return [
            Snippet(
                source=Source(
                    article_id=snippet.article_id,
                    slug=snippet.slug,
                    version=snippet.version,
                    title=snippet.title,
                    url=snippet.url,
                    quote=snippet.text,
                ),
                heading=snippet.heading,
                score=snippet.score,
            )
            for snippet in found
        ]

    async def precedents(self, question: str, *, not_of: str, limit: int = 3) -> list[Precedent]:
        find = partial(articles.similar_replies, question=question, not_of=not_of, limit=limit)
        return [Precedent(question=r.question, text=r.text, score=r.score) for r in await self._database.read(find)]


async def import_folder(
    database: Database, folder: Path, *, clock: Callable[[], datetime], progress: Progress | None = None
) -> Imported:
    """Make the knowledge base what this folder holds. Repeating it changes nothing.

    Each article is a transaction of its own. A file that cannot be read is reported and its article left alone; an
    article whose file is gone has no current version any more.

    Raises NotADirectoryError, or ValueError where the folder holds no Markdown: a wrong path must not empty the
    knowledge base.
    """
    files = await asyncio.to_thread(_markdown_files, folder)
    if not files:
        raise ValueError(f"there is no Markdown (*.md) in {folder}; the knowledge base was left as it is")
    changes: Counter[Change] = Counter()
    rejected: list[Rejected] = []
    for done, file in enumerate(files, start=1):
        try:
            read = await asyncio.to_thread(_read, folder, file)
        except Unreadable as why:
            rejected.append(Rejected(file=one_line(file, _SLUG_CHARS), why=str(why)))
        else:
            changes[await database.write(partial(articles.save, article=read, now=clock()))] += 1
        if progress is not None:
            progress(done, len(files))
    there = frozenset(_slug(file) for file in files)
    removed = await database.write(partial(articles.retire_all_but, slugs=there))
    if removed or changes[Change.ADDED] or changes[Change.UPDATED]:
        await database.write(articles.count_words)
    return Imported(
        added=changes[Change.ADDED],
        updated=changes[Change.UPDATED],
        unchanged=changes[Change.UNCHANGED],
        removed=len(removed),
        rejected=tuple(rejected),
    )


def _markdown_files(folder: Path) -> list[str]:
    """Paths below the folder, sorted. Hidden files are not ours; folders that are links are not entered."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            os.path.relpath(os.path.join(place, name), folder)
            for name in names
            if name.lower().endswith(".md") and not name.startswith(".")
        ]
    return sorted(found)


def _slug(file: str) -> str:
    return storable(Path(file).as_posix()[: -len(".md")])


def _read(folder: Path, file: str) -> ArticleText:
    """Raises Unreadable for whatever is no article of a sane size within the folder."""
    try:
        path = (folder / file).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()):
            raise Unreadable("it is a link to somewhere outside the folder")
        if not path.is_file():
            raise Unreadable("it is no ordinary file")
        with path.open("rb") as stream:
            content = stream.read(FILE_BYTES + 1)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise Unreadable(f"it cannot be read: {type(error).__name__}") from error
    if len(content) > FILE_BYTES:
        raise Unreadable("it is larger than 1 MB")
    if len(_slug(file)) > _SLUG_CHARS:
        raise Unreadable("its path is too long")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8 text") from error
    if "\x00" in text:
        raise Unreadable("it is not text: it holds NUL bytes")
    return article(_slug(file), text)
