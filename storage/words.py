"""The words of a text that are worth searching for."""

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_MOST: Final = 64  # distinct words of one search: a longer question gains nothing from the rest
_READ: Final = 20_000  # characters looked at
_LONGEST: Final = 60  # characters of a word that still is one

# Words nearly every message has. Both databases stem and rank; this spares them the rows every such word would match.
_COMMON: Final = """
    a about after again all also am an and any are as at be because been before being both but by can cannot could did
    do does doing don done down each few for from further get getting go going got had has have having he her here hers
    him his how i if in into is it its itself just let like ll m may me might more most must my myself no nor not now of
    off on once only or other our ours out over own re s same she should so some such t than that the their theirs them
    then there these they this those though through to too under until up us ve very was we were what when which
    while who whom why will with would yes you your yours
    dear good greetings hello help hey hi kindly morning afternoon evening ok okay please pls sorry thank thanks thx
    anyone know need tell want wanted wondering
"""
_STOP: Final = frozenset(_COMMON.split())


def search_words(text: str, most: int = _MOST) -> list[str]:
    """Lower-case words in order, each once, without stop words; letters and digits only, so no query syntax."""
    found: dict[str, None] = {}
    for match in _WORD.finditer(text[:_READ].lower()):
        word = match.group()
        if word not in _STOP and len(word) <= _LONGEST:
            found.setdefault(word)
            if len(found) == most:
                break
    return list(found)
