"""A folder of Markdown becomes versions of articles; what cannot be read is reported and loses nothing."""

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.drafting.retrieval import FILE_BYTES, FullTextLibrary, Imported, import_folder
from storage.database import Database, table_of
from storage.knowledge.rarity import rare
from storage.knowledge.search import SNIPPETS
from storage.tables import Article
from tests.drafting.knowledge import NOW, found, take, write

ARTICLE = table_of(Article)


async def versions(database: Database) -> list[tuple[str, int, bool]]:
    rows = select(ARTICLE.c.slug, ARTICLE.c.version, ARTICLE.c.current).order_by(ARTICLE.c.slug, ARTICLE.c.version)
    return [tuple(row) for row in await database.read(lambda tx: tx.run(rows))]


async def test_a_folder_becomes_articles_and_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    write(
        tmp_path,
        returns="---\ntitle: Returns\nurl: https://x.example/r\n---\n# R\n\nSixty days.",
        boots="# Boots\n\nDry.",
    )

    first = await take(database, tmp_path)
    again = await take(database, tmp_path)

    assert first == Imported(added=2, updated=0, unchanged=0, removed=0, rejected=())
    assert again == Imported(added=0, updated=0, unchanged=2, removed=0, rejected=())
    assert await versions(database) == [("boots", 1, True), ("returns", 1, True)]
    [snippet] = await FullTextLibrary(database).search("sixty")
    assert (snippet.source.title, snippet.source.url, snippet.source.version) == ("Returns", "https://x.example/r", 1)
    assert snippet.source.quote == "Sixty days."


async def test_after_an_import_searches_know_at_once_which_words_are_common(database: Database, tmp_path: Path) -> None:
    write(tmp_path, **{f"article{number}": f"Boots of size {number}." for number in range(40)}, tents="Zeltplane.")
    await take(database, tmp_path)

    asked = await database.read(lambda tx: rare(tx, SNIPPETS, ["boots", "zeltplane"]))

    assert asked is not None
    assert asked.few.index("zeltplan") < asked.few.index("boot")  # the rarest first


async def test_a_changed_file_is_a_new_version_and_a_lost_one_has_none(database: Database, tmp_path: Path) -> None:
    write(tmp_path, returns="Sixty days.", boots="Dry them.")
    await take(database, tmp_path)

    write(tmp_path, returns="Ninety days.")
    (tmp_path / "boots.md").unlink()
    changed = await take(database, tmp_path)

    assert changed == Imported(added=0, updated=1, unchanged=0, removed=1, rejected=())
    assert await versions(database) == [("boots", 1, False), ("returns", 1, False), ("returns", 2, True)]
    assert await found(database, "sixty") == []
    assert await found(database, "dry boots") == []
    assert await found(database, "ninety") == ["returns"]


async def test_a_file_that_comes_back_is_a_version_too(database: Database, tmp_path: Path) -> None:
    write(tmp_path, returns="Sixty days.", boots="Dry.")
    await take(database, tmp_path)
    (tmp_path / "returns.md").unlink()
    await take(database, tmp_path)

    write(tmp_path, returns="Sixty days.")
    await take(database, tmp_path)

    assert await versions(database) == [("boots", 1, True), ("returns", 1, False), ("returns", 2, True)]
    assert await found(database, "sixty") == ["returns"]


async def test_a_bad_file_is_reported_and_its_article_stays(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    (folder / "deep" / ".hidden").mkdir(parents=True)
    write(folder, returns="Sixty days.", good="Fine.")
    await take(database, folder)
    secret = tmp_path / "secret.md"
    secret.write_text("password", encoding="utf-8")
    (folder / "outside.md").symlink_to(secret)
    (folder / "circle.md").symlink_to(folder / "circle.md")
    (folder / "binary.md").write_bytes(b"\xff\xfe\x00\x01")
    (folder / "nul.md").write_bytes(b"a\x00b")
    (folder / "huge.md").write_bytes(b"a" * (FILE_BYTES + 1))
    (folder / "folder.md").mkdir()
    os.mkfifo(folder / "pipe.md")
    (folder / "deep" / ".hidden" / "x.md").write_text("no", encoding="utf-8")
    (folder / "deep" / "nested.md").write_text("Nested words.", encoding="utf-8")
    write(
        folder,
        returns="---\ntitle: x\nSixty days.",
        empty=" \n",
        headings="# Only\n\n## These",
        link="---\nurl: javascript:x\n---\nx",
    )

    taken = await take(database, folder)

    assert (taken.added, taken.unchanged, taken.removed) == (1, 1, 0)
    why = {rejected.file: rejected.why for rejected in taken.rejected}
    assert why == {
        "binary.md": "it is not UTF-8 text",
        "circle.md": "it cannot be read: RuntimeError",
        "empty.md": "there is no text in it",
        "headings.md": "there is nothing in it but headings",
        "huge.md": "it is larger than 1 MB",
        "link.md": "its url is no http(s) address",
        "nul.md": "it is not text: it holds NUL bytes",
        "outside.md": "it is a link to somewhere outside the folder",
        "pipe.md": "it is no ordinary file",
        "returns.md": "line 3 of its front matter is no `key: value`",
    }
    assert await found(database, "sixty") == ["returns"]
    assert await found(database, "nested words") == ["deep/nested"]
    assert await found(database, "password") == []


async def test_a_wrong_path_does_not_empty_the_knowledge_base(database: Database, tmp_path: Path) -> None:
    write(tmp_path, returns="Sixty days.")
    await take(database, tmp_path)
    (tmp_path / "nothing").mkdir()

    with pytest.raises(ValueError, match="no Markdown"):
        await take(database, tmp_path / "nothing")
    with pytest.raises(NotADirectoryError):
        await take(database, tmp_path / "nowhere")

    assert await found(database, "sixty") == ["returns"]


async def test_an_import_tells_how_far_it_is(database: Database, tmp_path: Path) -> None:
    write(tmp_path, a="One.", b="", c="Three.")
    steps: list[tuple[int, int]] = []

    await import_folder(database, tmp_path, clock=lambda: NOW, progress=lambda done, of: steps.append((done, of)))

    assert steps == [(1, 3), (2, 3), (3, 3)]
