"""Where a key stands in signoff.toml, however it is written."""

import tomllib
from typing import Any

import pytest

from bot.lines import Place, lines_of, nearest

NASTY = '''\
# a comment with [a.header] in it
title = "an = sign, a # sign and an escaped \\" quote"
"quoted key" = 1
'literal "key"' = 2
"escaped \\u0041 \\" key" = 3
dotted . "and quoted".'too' = true

[desk] # [not.this]
voice = """
[looks.like] = "a header"
and has \\""" in it""""
raw = \'\'\'
key = "inside"
\'\'\'
when = 2026-11-22T10:00:00Z
patterns = [
    'a\\b[c]', # one, with ] in it
    "d,e",

    [1, [2, 3]],
    { name = "x", sizes = [1,
        2] },
]

[[categories]]
name = "billing"

[categories.extra."deep key"]
value = 1

[[categories]]
name = "returns"
inline = { a.b = 1, "c d" = [{ e = 1 }, { e = 2 }] }

[[categories.parts]]
n = 1

[[categories.parts]]
n = 2

[channels."shop one"]
kind = "webchat"

[a.b.c]
[a]
x = -1_000.5e3
'''


def paths_in(value: Any, path: Place = ()) -> set[Place]:
    """Every path of a parsed document, by the standard library's own parser."""
    found = {path}
    if isinstance(value, dict):
        for key, below in value.items():
            found |= paths_in(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            found |= paths_in(below, (*path, index))
    return found


def test_every_key_the_parser_sees_has_a_line() -> None:
    assert set(lines_of(NASTY)) == paths_in(tomllib.loads(NASTY))


def test_windows_line_ends_change_nothing() -> None:
    assert lines_of(NASTY.replace("\n", "\r\n")) == lines_of(NASTY)


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        (("title",), "title ="),
        (("quoted key",), '"quoted key"'),
        (('escaped A " key',), '"escaped'),
        (("dotted", "and quoted", "too"), "dotted ."),
        (("desk",), "[desk]"),
        (("desk", "when"), "when ="),
        (("desk", "patterns", 1), '    "d,e"'),
        (("desk", "patterns", 2, 1, 1), "    [1, [2, 3]]"),
        (("desk", "patterns", 3, "sizes", 1), "        2] }"),
        (("categories", 0, "extra", "deep key", "value"), "value = 1"),
        (("categories", 1, "name"), 'name = "returns"'),
        (("categories", 1, "inline", "c d", 1, "e"), "inline ="),
        (("channels", "shop one", "kind"), 'kind = "webchat"'),
        (("a", "x"), "x = -1"),
    ],
)
def test_the_line_is_the_one_a_person_would_point_at(path: Place, begins: str) -> None:
    line = lines_of(NASTY)[path]

    assert NASTY.splitlines()[line - 1].startswith(begins)


def test_the_second_table_of_an_array_has_its_own_line() -> None:
    lines = lines_of(NASTY)

    assert NASTY.splitlines()[lines["categories", 1, "parts", 1, "n"] - 1] == "n = 2"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("desk", "missing"), ("desk",)),
        (("channels", "shop one", "webchat", "kind"), ("channels", "shop one", "kind")),  # a validator's tag between
        (("nowhere", "at all"), ()),
    ],
)
def test_what_the_file_lacks_is_shown_at_the_table_it_belongs_to(asked: Place, found: Place) -> None:
    assert nearest(lines_of(NASTY), asked)[0] == found
