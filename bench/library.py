"""How long retrieval takes: the product's library on a database full of articles and past replies, in its own process.

Run as a process: `python -m bench.library URL ARTICLES COUNT`. Prints the milliseconds of each search of the articles
and of each look for precedents, as JSON.
"""

import asyncio
import json
import sys
import time

from uvicorn.loops.auto import auto_loop_factory

from bench.articles import texts
from bench.said import QUESTIONS
from bench.vocabulary import Writer
from bot.drafting.retrieval import FullTextLibrary
from storage.database import Database

_ASKED_WORDS = (6, 12, 24, 40)  # of an article's words, beside as many of anybody's
_WARM = 5
_EMPTY_MOST = 0.1  # of the questions about articles: some are of rare words only
_REAL_WORDS = 8  # every so manieth question is in real words, which made-up articles need not have
_SPREAD = 97  # of the articles asked about


def questions(articles: int, count: int) -> list[str]:
    """Customers' questions, short and long, about articles there are; every eighth is one in real words."""
    writer = Writer(seed=7)
    about = [text for number, text in enumerate(texts(min(articles, _SPREAD * 3))) if number % 3 == 0]
    asked = []
    for number in range(count):
        words = _ASKED_WORDS[number % len(_ASKED_WORDS)]
        known = writer.some_of(about[number % len(about)].replace("#", ""), words // 2)
        made_up = f"{known} {writer.line(words // 2)}?"
        asked.append(QUESTIONS[number % len(QUESTIONS)] if number % _REAL_WORDS == 7 else made_up)
    return asked


async def measure(url: str, articles: int, count: int) -> list[tuple[float, float]]:
    took = []
    empty = 0
    async with Database(url) as database:
        library = FullTextLibrary(database)
        for number, question in enumerate(questions(articles, count + _WARM)):
            began = time.perf_counter()
            found = await library.search(question)
            searched = time.perf_counter()
            precedents = await library.precedents(question, not_of="cus_nobody")
            ended = time.perf_counter()
            empty += number % _REAL_WORDS != 7 and not (found and precedents)
            took.append((1000 * (searched - began), 1000 * (ended - searched)))
    if empty > count * _EMPTY_MOST:
        sys.exit(f"nothing was found for {empty} of {count} questions")
    return took[_WARM:]


if __name__ == "__main__":
    address, amount, asked = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        print(json.dumps(runner.run(measure(address, amount, asked))))
