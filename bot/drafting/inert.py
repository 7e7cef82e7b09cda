"""A model's text made safe to show and to send: no address that nobody gave it, no hidden characters, no mentions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.core.texts import legible

LINK_REMOVED: Final = "[link removed]"
ADDRESS_REMOVED: Final = "[address removed]"

_DOT: Final = r"[.\u3002\uff0e\uff61]"  # what browsers read as a dot in a host
_LABEL: Final = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST: Final = rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,9}}{_DOT}(?:xn--[a-z0-9-]+|[^\W\d_]{{2,24}})"
_REST: Final = r"[^\s<>\"'|\[\]{}]*"
_EMAIL: Final = rf"[\w.+%-]{{1,64}}@{_HOST}"
_ADDRESS: Final = re.compile(
    rf"(?P<markdown>\[(?P<label>[^\[\]\n]{{0,300}})\]\(\s*<?(?P<target>[^\s()<>]{{1,2000}})>?[^()\n]{{0,200}}\))"
    rf"|(?P<url>\b[\w+.-]{{1,30}}:/{{1,3}}{_REST}|//{_HOST}{_REST})"
    rf"|(?P<scheme>\b(?:javascript|vbscript|data|file|sms|tel|slack|msteams|intent):[^\s]+)"
    rf"|(?P<email>(?:\bmailto:)?{_EMAIL})"
    rf"|(?P<host>(?<![\w@]){_HOST}(?::\d{{1,5}})?(?:[/?#]{_REST})?)"
    rf"|(?P<ip>\b(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?::\d{{1,5}})?/{_REST})",
    re.IGNORECASE,
)
_TRAILING: Final = ".,;:!?)…*_~`”’»"
_FILES: Final = frozenset(("pdf", "png", "jpg", "jpeg", "gif", "heic", "webp", "csv", "txt", "docx", "xlsx", "pptx"))
_MENTION: Final = re.compile(r"<(?=\s*+(?:[!@#]|/?\s*+at\b))", re.IGNORECASE)  # Slack's and Teams' tokens
# A run of @ is looked at once, from its first; of "x@@here" one @ goes, for x@here might be an address.
_EVERYBODY: Final = re.compile(
    r"(?:(?<![\w.+\-@\uff20])[@\uff20]++|(?<=[\w.+-][@\uff20])[@\uff20]++)"
    r"(?=(?:channel|here|everyone|group|all)\b(?!\.\w))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Allowed:
    """The addresses that sources and the conversation contain."""

    urls: frozenset[str]
    hosts: frozenset[str]
    emails: frozenset[str]

    @classmethod
    def in_texts(cls, texts: Iterable[str | None]) -> "Allowed":
        urls: set[str] = set()
        hosts: set[str] = set()
        emails: set[str] = set()
        for text in texts:
            for match in _ADDRESS.finditer(legible(text or "")):
                if match["email"]:
                    emails.add(_plain(match["email"]).removeprefix("mailto:"))
                elif not match["scheme"]:
                    url = _plain(match["target"] or match[0])
                    urls.add(url)
                    hosts.add(_host(url))
        return cls(frozenset(urls), frozenset(hosts), frozenset(emails))

    def has(self, url: str) -> bool:
        """The same address; or the bare name of a site that was named."""
        plain = _plain(url)
        return plain in self.urls or plain in self.hosts


def inert(text: str, allowed: Allowed) -> str:
    """The text as it may be shown: what is not allowed is marked, so that the agent sees that something was there."""

    def judge(match: re.Match[str]) -> str:
        found = match[0]
        if match["markdown"]:
            target, label = match["target"], match["label"]
            return f"{label} ({target})" if allowed.has(target) else f"{label} {LINK_REMOVED}".strip()
        if match["email"]:
            return found if _plain(found).removeprefix("mailto:") in allowed.emails else ADDRESS_REMOVED
        if match["host"] and _is_file(found):
            return found
        kept = found.rstrip(_TRAILING)
        return found if not match["scheme"] and allowed.has(found) else LINK_REMOVED + found[len(kept) :]

    unmentioned = _EVERYBODY.sub("", _MENTION.sub("‹", legible(text)))
    # Once more: what was part of an address ("evil.example@here") stands alone when that is gone.
    return _EVERYBODY.sub("", _ADDRESS.sub(judge, unmentioned)).strip()


def _plain(url: str) -> str:
    """For comparing: without https://, www., letter case of the host, a final slash or punctuation behind it."""
    bare = url.rstrip(_TRAILING)
    scheme, separator, rest = bare.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        bare = rest
    host, slash, path = bare.partition("/")
    return f"{host.lower().removeprefix('www.')}{slash}{path}".rstrip("/")


def _host(plain: str) -> str:
    return re.split(r"[/?#:]", plain, maxsplit=1)[0]


def _is_file(found: str) -> bool:
    """ "invoice.pdf": the name of an attachment, not of a site."""
    return not re.search(r"[/?#:]", found) and found.rpartition(".")[2].lower() in _FILES
