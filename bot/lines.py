"""Where in a TOML text each key and array element stands: the standard library's parser does not say.

The text must already have been accepted by `tomllib`; this reader only walks it again to note lines.
"""

import re
import tomllib
from typing import Final

Place = tuple[str | int, ...]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_BASIC: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL: Final = re.compile(r"'[^']*'")
_LONG_BASIC: Final = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL)
_LONG_LITERAL: Final = re.compile(r"'''.*?'{3,5}", re.DOTALL)
_PLAIN: Final = re.compile(r"[^,\]}#\n]+")  # numbers, booleans, dates
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")


def lines_of(text: str) -> dict[Place, int]:
    """The line, from 1, on which each path of the document first appears; the root `()` is on line 1."""
    return _Walk(text).document()


def nearest(lines: dict[Place, int], path: Place) -> tuple[Place, int]:
    """The deepest part of `path` that the file has, and its line.

    Parts the file does not have are passed over: a missing key, or the tag a validator puts between two keys.
    """
    found: Place = ()
    for part in path:
        if (*found, part) in lines:
            found = (*found, part)
    return found, lines[found]


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Place, int] = {(): 1}
        self.counts: dict[Place, int] = {}  # elements so far of each array of tables

    def document(self) -> dict[Place, int]:
        table: Place = ()
        while self._skip(_BLANK) < len(self.text):
            if self.text.startswith("[[", self.at):
                table = self._header("[[", "]]")
            elif self.text.startswith("[", self.at):
                table = self._header("[", "]")
            else:
                self._pair(table)
        return self.lines

    def _header(self, opening: str, closing: str) -> Place:
        line = self._line()
        self.at += len(opening)
        keys = self._keys()
        self.at += len(closing)
        table: Place = ()
        for depth, key in enumerate(keys):
            table = self._note((*table, key), line)
            last = depth == len(keys) - 1
            if opening == "[[" and last:
                self.counts[table] = self.counts.get(table, 0) + 1
            if table in self.counts:  # a header below an array of tables speaks of its newest element
                table = self._note((*table, self.counts[table] - 1), line)
        return table

    def _pair(self, table: Place) -> None:
        line = self._line()
        for key in self._keys():
            table = self._note((*table, key), line)
        self.at += 1  # the "="
        self._value(table)

    def _keys(self) -> list[str]:
        """A dotted key, up to what follows it and the spaces before that."""
        keys = []
        while True:
            self._skip(_SPACE)
            token = self._take(_BASIC, _LITERAL, _BARE)
            keys.append(_unquoted(token) if token[0] in "\"'" else token)
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _value(self, path: Place) -> None:
        self._skip(_SPACE)
        match self.text[self.at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                self._take(_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL, _PLAIN)

    def _array(self, path: Place) -> None:
        self.at += 1
        index = 0
        while self.text[self._skip(_BLANK)] != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._value(self._note((*path, index), self._line()))
            index += 1
        self.at += 1

    def _inline_table(self, path: Place) -> None:
        self.at += 1
        while self.text[self._skip(_BLANK)] != "}":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._pair(path)
        self.at += 1

    def _note(self, path: Place, line: int) -> Place:
        self.lines.setdefault(path, line)
        return path

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _take(self, *patterns: re.Pattern[str]) -> str:
        for pattern in patterns:
            if match := pattern.match(self.text, self.at):
                self.at = match.end()
                return match[0]
        raise ValueError(f"line {self._line()}: not TOML")


def _unquoted(token: str) -> str:
    return str(tomllib.loads(f"key = {token}")["key"])
