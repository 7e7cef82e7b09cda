"""A Markdown article, read: front matter, title, and pieces of a paragraph's size. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from storage.knowledge.articles import ArticleText, Piece

PIECE_CHARS: Final = 900
_TITLE_CHARS: Final = 200
_URL_CHARS: Final = 2000
_FENCE: Final = re.compile(r"^ {0,3}(```|~~~)")
_HEADING: Final = re.compile(r"^ {0,3}#{1,6}\s+(.*)$", re.DOTALL)
_CATEGORY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_URL: Final = re.compile(r"https?://[^\s<>\"]+")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+")


class Unreadable(ValueError):
    """An article that cannot be imported; the message says why to whoever keeps the articles."""


def article(slug: str, source: str) -> ArticleText:
    """Parse one file's text. Raises Unreadable."""
    fields, body = _front_matter(source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    body = body.strip()
    if not body:
        raise Unreadable("there is no text in it")
    url, category = fields.get("url") or None, fields.get("category") or None
    if url and (not _URL.fullmatch(url) or len(url) > _URL_CHARS):
        raise Unreadable("its url is no http(s) address")
    if category and not _CATEGORY.fullmatch(category):
        raise Unreadable("its category is no name of lower-case letters, digits, - and _")
    first = _first_heading(body)
    title = " ".join((fields.get("title") or first or _title_of(slug)).split())[:_TITLE_CHARS]
    pieces = tuple(_pieces(body, title))
    if not pieces:
        raise Unreadable("there is nothing in it but headings")
    return ArticleText(slug=slug, title=title, url=url, category=category, text=body, pieces=pieces)


def _front_matter(source: str) -> tuple[dict[str, str], str]:
    """`key: value` lines between two lines of ---. Lists and nested values are allowed and ignored."""
    lines = source.split("\n")
    if lines[0].rstrip() != "---":
        return {}, source
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() in ("---", "..."):
            return fields, "\n".join(lines[number:])
        if not line.strip() or line[0] in " \t-#":
            continue
        key, colon, value = line.partition(":")
        if not colon or not key.strip():
            raise Unreadable(f"line {number} of its front matter is no `key: value`")
        name = key.strip().lower()
        if name in fields:
            raise Unreadable(f"its front matter names {name} twice" if name.isalnum() else "its front matter repeats")
        fields[name] = _unquoted(value.strip())
    raise Unreadable("its front matter begins with --- and never ends")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" else value


def _first_heading(body: str) -> str | None:
    return _heading(body.split("\n", 1)[0]) or None


def _heading(line: str) -> str | None:
    """The words of a heading, without the # that may close it; None for any other line."""
    match = _HEADING.match(line)
    return match.group(1).rstrip().rstrip("#").strip() if match else None


def _title_of(slug: str) -> str:
    return slug.rsplit("/", 1)[-1].replace("-", " ").replace("_", " ").capitalize()


def _pieces(body: str, title: str) -> Iterator[Piece]:
    """Neighbouring paragraphs under one heading, together up to PIECE_CHARS; longer ones are cut at sentences."""
    heading: str | None = None
    waiting = ""
    for next_heading, paragraph in _paragraphs(body):
        shown = None if next_heading == title else next_heading
        for part in _parts(paragraph):
            if waiting and (shown != heading or len(waiting) + 2 + len(part) > PIECE_CHARS):
                yield Piece(heading=heading, text=waiting)
                waiting = ""
            heading = shown
            waiting = f"{waiting}\n\n{part}" if waiting else part
    if waiting:
        yield Piece(heading=heading, text=waiting)


def _paragraphs(body: str) -> Iterator[tuple[str | None, str]]:
    heading: str | None = None
    lines: list[str] = []
    fenced = False
    for line in [*body.split("\n"), ""]:
        if _FENCE.match(line):
            fenced = not fenced
        words = None if fenced else _heading(line)
        if words is not None or (not fenced and not line.strip()):
            if any(kept.strip() for kept in lines):
                yield heading, "\n".join(lines).strip()
            lines = []
        else:
            lines.append(line)
        if words is not None:
            heading = " ".join(words.split())[:_TITLE_CHARS] or heading
    if any(kept.strip() for kept in lines):  # a fence that never ends
        yield heading, "\n".join(lines).strip()


def _parts(paragraph: str) -> Iterator[str]:
    if len(paragraph) <= PIECE_CHARS:
        yield paragraph
        return
    waiting = ""
    for sentence in _SENTENCE_END.split(paragraph):
        for start in range(0, len(sentence), PIECE_CHARS):
            chunk = sentence[start : start + PIECE_CHARS]
            if waiting and len(waiting) + 1 + len(chunk) > PIECE_CHARS:
                yield waiting
                waiting = ""
            waiting = f"{waiting} {chunk}" if waiting else chunk
    if waiting:
        yield waiting
