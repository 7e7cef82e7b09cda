"""The words of a text that are worth searching for, and those that tell what it is about."""

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
SEARCH_WORDS: Final = 64  # distinct words of one search: a longer question gains nothing from the rest
_READ: Final = 20_000  # characters looked at
_LONGEST: Final = 60  # characters of a word that still is one

# Words that nearly every message has.
_COMMON: Final = """
    a am an and are as at be been but by can could d did do does for from had has have i if in into is it its ll m me
    my of on or our please pls re s so t than that the their them then there these they this those to us ve was we were
    will with would you your dear hello hey hi thank thanks thx
"""
# Words that may help to rank, but in themselves say nothing of what is asked.
_VAGUE: Final = """
    about after again all already also always any anyone anything because before being best better both cannot day days
    don doing done down each else ever every few find first further get gets getting give go goes going good got he
    help her here him his hope how however just keep know last let like long look make many may maybe might mine more
    most much must myself need never new next no nor not now off ok okay once one only other ours out over own possible
    problem question quite really right said same say see she should show since some something soon sorry still such
    sure take tell think though through time today too try trying two under until up use used using very want wanted
    way week well went what when which while who whom why wondering work working yes yet yours
    afternoon evening greetings kindly morning regards
"""
_STOP: Final = frozenset(_COMMON.split())
_SAYING_NOTHING: Final = _STOP | frozenset(_VAGUE.split())


def search_words(text: str) -> list[str]:
    """Lower-case words in order, each once, at most 64, without stop words; letters and digits only: no syntax."""
    return _words(text, _STOP)[:SEARCH_WORDS]


def all_words(text: str) -> list[str]:
    """Like `search_words`, with the stop words after them where there is room. Nothing if there are only stop words.

    Among questions they tell: with "my", "was" and "how", BANKING77's are found right at 1 in .81, without in .79.
    """
    words = search_words(text)
    return (words + [word for word in _words(text, frozenset()) if word in _STOP])[:SEARCH_WORDS] if words else []


def telling_words(text: str) -> list[str]:
    """The words that say what a text is about, in order, each once."""
    return _words(text, _SAYING_NOTHING)


def _words(text: str, without: frozenset[str]) -> list[str]:
    found = (match.group() for match in _WORD.finditer(text[:_READ].lower()))
    return list(dict.fromkeys(word for word in found if word not in without and len(word) <= _LONGEST))
