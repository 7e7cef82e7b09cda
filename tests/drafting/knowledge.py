"""A knowledge base for tests: a folder of Markdown taken in, and what is found in it."""

from datetime import UTC, datetime
from pathlib import Path

from bot.drafting.retrieval import FullTextLibrary, Imported, import_folder
from storage.database import Database

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
COMPANY = Path(__file__).resolve().parents[2] / "bot" / "sandbox" / "company" / "articles"


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / f"{name}.md").write_text(content, encoding="utf-8")


async def take(database: Database, folder: Path) -> Imported:
    return await import_folder(database, folder, clock=lambda: NOW)


async def found(database: Database, question: str) -> list[str]:
    return [snippet.source.slug for snippet in await FullTextLibrary(database).search(question)]
