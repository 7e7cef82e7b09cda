"""A hundred real first messages, as people wrote them, go through the loop: each is answered and delivered once."""

import asyncio
import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

from tests.data import shared
from tests.loop.running import Loop


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Line by line: some rows hold U+2028."""
    path = shared(name)
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def first_messages() -> list[str]:
    """From STAR those that say more than hello, from BANKING77 calm questions, from ABCD a shop's."""
    star = [row["text"] for row in rows("star/first_contact.jsonl.gz") if row["words"] >= 6]
    banking = [row["text"] for row in rows("banking77/banking77.jsonl.gz")]
    shop = [row["text"] for row in rows("abcd/first_contact.jsonl")]
    chance = random.Random(77)
    return [*chance.sample(star, 45), *chance.sample(banking, 45), *chance.sample(shop, 10)]


async def test_a_hundred_first_messages_are_each_delivered_once(loop: Loop) -> None:
    messages = first_messages()
    assert len(messages) == 100
    answers = await asyncio.gather(
        *(loop.customer_says(text, thread=f"t{number}") for number, text in enumerate(messages))
    )
    assert {answer.status_code for answer in answers} == {202}

    assert await loop.approve_all() == 100

    assert len(loop.receiver.posts) == len(loop.receiver.taken) == 100
    assert {post.thread for post in loop.receiver.taken} == {f"t{number}" for number in range(100)}
    decided = sorted(decision.text or "" for decision in await loop.decisions())
    assert sorted(loop.receiver.texts) == decided
