"""The drafter without a model: the best-matching passages of the knowledge base, as a polite reply. English only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.core.drafts import Case, Drafted, DraftUnavailable, ModelTriage, Snippet, Source
from bot.core.texts import legible
from bot.drafting.inert import Allowed, inert
from storage.knowledge.words import telling_words

MODEL: Final = "offline"
VERSION: Final = "offline-1"

_COVERAGE: Final = 0.25  # of the question's words, at least this share must stand in an article that answers it
_SHORT_CHARS: Final = 320
_USUAL_CHARS: Final = 800
_LONG_CHARS: Final = 1800
_NAME: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-]){0,28}[^\W\d_]")
_NO_NAMES: Final = frozenset(("anonymous", "customer", "guest", "unknown", "user", "visitor"))
_TROUBLE: Final = re.compile(
    r"\b(broken?|crack(ed)?|damaged?|defect(ive)?|delayed|disappoint\w*|faulty|late|lost|missing"
    r"|(never|not) (arrived?|came|come|got|received?)|ripped|snapped|torn|twice|unacceptable|upset|wrong)\b",
    re.IGNORECASE,
)
_SUFFIX: Final = re.compile(r"(ations?|ements?|ments?|ings?|ed|ies|es|s|e|y)$")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")
_LINK: Final = re.compile(r"\[([^\[\]]*)\]\((\S+?)\)")
_MARKS: Final = re.compile(r"(\*\*|__|`|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w))")


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What an agent's instruction for a redraft asks for, as far as a few rules can tell."""

    shorter: bool = False
    longer: bool = False
    sorry: bool = False
    formal: bool = False
    other: bool = False  # another article than before


@dataclass(frozen=True)
class _Passage:
    snippet: Snippet
    text: str


class OfflineDrafter:
    """core.drafts.Drafter without any network. It quotes articles; it never writes a fact of its own."""

    offline = True

    def __init__(self, desk_name: str) -> None:
        self._desk = desk_name
        self.prompt_version = VERSION

    async def aclose(self) -> None:
        """Nothing is open."""

    async def triage(self, case: Case) -> ModelTriage | None:
        return None

    async def draft(self, case: Case, snippets: Sequence[Snippet]) -> Drafted:
        relevant = [snippet for snippet in snippets if _answers(case.question, snippet)]
        if not relevant:
            raise DraftUnavailable("nothing_found", "The knowledge base has no article that answers this.")
        wish = _wish(case)
        if wish.other:
            relevant = _not_used_before(relevant, case.previous_draft or "")
        for attempt in (wish, _Wish(shorter=True, sorry=wish.sorry), _Wish(longer=True, sorry=wish.sorry)):
            passages = _choose(case.question, relevant, attempt)
            text = self._compose(case, passages, attempt)
            if text != case.previous_draft:
                return _drafted(text, passages)
        raise DraftUnavailable("nothing_found", "The knowledge base has no other reply to offer; please edit this one.")

    def _compose(self, case: Case, passages: Sequence[_Passage], wish: _Wish) -> str:
        trouble = wish.sorry or bool(_TROUBLE.search(case.question))
        opener = "I am sorry for the trouble this has caused you." if trouble else "Thank you for getting in touch."
        closing = "Yours sincerely," if wish.formal else "Kind regards,"
        parts = [_greeting(case.customer_name, wish), opener, *(passage.text for passage in passages)]
        urls = list(dict.fromkeys(p.snippet.source.url for p in passages if p.snippet.source.url))
        if urls and not wish.shorter:
            parts.append("You can read more here:" + ("\n" if len(urls) > 1 else " ") + "\n".join(urls))
        parts.append(f"{closing}\n{self._desk}")
        allowed = Allowed.in_texts(text for p in passages for text in (p.snippet.source.quote, p.snippet.source.url))
        return inert("\n\n".join(parts), allowed)


def _drafted(text: str, passages: Sequence[_Passage]) -> Drafted:
    quotes: dict[str, tuple[Source, list[str]]] = {}
    for passage in passages:
        source = passage.snippet.source
        quotes.setdefault(source.article_id, (source, []))[1].append(passage.text)
    sources = tuple(
        Source(
            article_id=source.article_id,
            slug=source.slug,
            version=source.version,
            title=source.title,
            url=source.url,
            quote="\n\n".join(texts),
        )
        for source, texts in quotes.values()
    )
    return Drafted(text=text, sources=sources, offline=True, model=MODEL, prompt_version=VERSION)


def _answers(question: str, snippet: Snippet) -> bool:
    """Whether enough of the question's words stand in the passage. Those in its title or heading count twice."""
    asked = _stems(question)
    named = asked & _stems(f"{snippet.source.title} {snippet.heading or ''}")
    shared = len(asked & _stems(_all_of(snippet))) + len(named)
    return shared >= min(2, len(asked)) and shared >= _COVERAGE * min(len(asked), 12) and shared > 0


def _choose(question: str, snippets: Sequence[Snippet], wish: _Wish) -> list[_Passage]:
    """The best passage; the rest of its article while there is room; and one passage of a second article if it answers
    words of the question that the first does not."""
    best = snippets[0]
    room = _SHORT_CHARS if wish.shorter else _LONG_CHARS if wish.longer else _USUAL_CHARS
    passages = [_Passage(best, _plain(best.source.quote, room))]
    if wish.shorter:
        return passages
    left = room - len(passages[0].text)
    for snippet in snippets[1:]:
        if snippet.source.article_id == best.source.article_id and wish.longer and len(snippet.source.quote) <= left:
            passages.append(_Passage(snippet, _plain(snippet.source.quote, left)))
            left -= len(passages[-1].text)
    asked = _stems(question)
    open_words = asked - _stems(" ".join(_all_of(passage.snippet) for passage in passages))
    for snippet in snippets[1:]:
        other = snippet.source.article_id != best.source.article_id
        if other and len(open_words & _stems(f"{snippet.source.title} {snippet.heading or ''}")) >= 1:
            passages.append(_Passage(snippet, _plain(snippet.source.quote, _SHORT_CHARS)))
            break
    return passages


def _not_used_before(snippets: list[Snippet], previous: str) -> list[Snippet]:
    """Passages of articles the earlier draft did not quote; all of them where it quoted every one."""
    used = {
        snippet.source.article_id
        for snippet in snippets
        if _SENTENCE_END.split(_plain(snippet.source.quote, _LONG_CHARS))[0] in previous
    }
    return [snippet for snippet in snippets if snippet.source.article_id not in used] or snippets


def _wish(case: Case) -> _Wish:
    if case.instruction is None and case.previous_draft is None:
        return _Wish()
    said = (case.instruction or "").lower()

    def asks(pattern: str) -> bool:
        match = re.search(rf"\b({pattern})", said)
        return match is not None and not re.search(r"\b(not|n't|don.t|no|without|less|stop)\b", said[: match.start()])

    wish = _Wish(
        shorter=asks("short|brief|concise|trim|cut|tl;?dr|less text"),
        longer=asks("longer|more detail|in detail|detailed|elaborate|expand|full"),
        sorry=asks("apolog|sorry|empath|regret"),
        formal=asks("formal|polite"),
    )
    plain = not (wish.shorter or wish.longer or wish.sorry or wish.formal)
    return _Wish(other=True) if plain or asks("other article|another|different|wrong article") else wish


def _greeting(name: str | None, wish: _Wish) -> str:
    """By first name if what we were given looks like one."""
    words = legible(name or "").split()
    first = words[0] if words else ""
    if not _NAME.fullmatch(first) or first.lower() in _NO_NAMES:
        return "Hello,"
    shown = first.capitalize() if first.isupper() or first.islower() else first
    return f"{'Dear' if wish.formal else 'Hi'} {shown},"


def _plain(markdown: str, most: int) -> str:
    """Without Markdown's marks, and cut after the last whole sentence or line that fits."""
    text = _MARKS.sub("", _LINK.sub(r"\1 (\2)", legible(markdown))).strip()
    if len(text) <= most:
        return text
    ends = [match.start() for match in re.finditer(r"(?<=[.!?:])\s+|\n", text) if match.start() <= most]
    return text[: ends[-1]].rstrip() if ends else text[:most].rsplit(" ", 1)[0] + " …"


def _all_of(snippet: Snippet) -> str:
    return f"{snippet.source.title} {snippet.heading or ''} {snippet.source.quote}"


@lru_cache(maxsize=512)  # the same passages answer most questions
def _stems(text: str) -> frozenset[str]:
    """Words without their commonest endings: "returned", "returns" and "returning" are one."""
    return frozenset(_SUFFIX.sub("", word) if len(word) > 4 else word.removesuffix("s") for word in telling_words(text))
