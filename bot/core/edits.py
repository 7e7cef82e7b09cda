"""How an agent's text differs from the draft: by what it says before how much it says."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from storage.tables import EditKind

_LINK: Final = re.compile(r"https?://[^\s<>()]+|www\.[^\s<>()]+", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]+)+")  # from a word's first letter only
_NUMBER: Final = re.compile(r"[$€£¥]?\s?\d+(?:[.,:/-]\d+)*\s?(?:%|[$€£¥])?")
_DATE_WORD: Final = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:january|february|march|april|june|july|august|september|"
    r"october|november|december)\b|\b(?:today|tomorrow|yesterday)\b",
    re.IGNORECASE,
)
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|cannot|without|unable)\b|n[’']t\b|\b(?:nicht|kein\w*|nie|ne|pas|jamais|nunca|sin)\b",
    re.IGNORECASE,
)
_GREETING: Final = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|guten tag|bonjour|hola)\b[^\n.!?]{0,40}[,!.]?\s*",
    re.IGNORECASE,
)
_SIGNATURE: Final = re.compile(
    r"\n[^\S\n]*(?:best(?: wishes| regards)?|kind regards|regards|cheers|thanks|thank you|sincerely|warmly|yours|"
    r"viele grüße|cordialement|saludos)\b[^\n]{0,40}(?:\n[^\n]{0,60}){0,3}\s*$",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"\w+", re.UNICODE)
_PAIRS: Final = 200_000  # of equal words, one from each text: more would take seconds to put side by side


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What an edit changed. `similarity` is 1 for the same text, 0 for nothing alike."""

    kind: EditKind
    similarity: float


def compare(draft: str | None, final: str) -> Difference:
    """Classify an edit. Changed numbers, dates, money, links, addresses or negations are substantive, however small.

    Distance measures effort, not severity: "5 days" -> "15 days" is 2 % of the characters.
    """
    if draft is None:
        return Difference(kind=EditKind.WRITTEN, similarity=0.0)
    if draft == final:
        return Difference(kind=EditKind.UNCHANGED, similarity=1.0)
    similarity = round(_similarity(draft.split(), final.split()), 4)
    if _facts(draft) != _facts(final):
        return Difference(kind=EditKind.SUBSTANTIVE, similarity=similarity)
    if _bare(draft) == _bare(final):
        return Difference(kind=EditKind.COSMETIC, similarity=similarity)
    return Difference(kind=EditKind.REWORDED, similarity=similarity)


def _similarity(draft: list[str], final: list[str]) -> float:
    """The share of words both have in the same order; of texts that mostly repeat themselves, in any order."""
    matcher = SequenceMatcher(None, draft, final, autojunk=False)
    had = Counter(draft)
    pairs = sum(had[word] * count for word, count in Counter(final).items())
    return matcher.ratio() if pairs <= _PAIRS else matcher.quick_ratio()


def _facts(text: str) -> Counter[str]:
    """The pieces that must not change by accident, with how often each stands there."""
    found: Counter[str] = Counter()
    rest = unicodedata.normalize("NFKC", text)
    for pattern in (_LINK, _ADDRESS):
        found.update(match.rstrip(".,;").lower() for match in pattern.findall(rest))
        rest = pattern.sub(" ", rest)
    found.update(re.sub(r"\s", "", match) for match in _NUMBER.findall(rest))
    found.update(match.lower() for match in _DATE_WORD.findall(rest))
    found["negations"] = len(_NEGATION.findall(rest))
    return found


def _bare(text: str) -> list[str]:
    """The words, without greeting, signature, punctuation, emoji, case and white space."""
    unsigned = _SIGNATURE.sub("", unicodedata.normalize("NFKC", text).strip())
    return [word.lower() for word in _WORDS.findall(_GREETING.sub("", unsigned))]
