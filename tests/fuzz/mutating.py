"""What hostile or broken senders make of a good payload, from a seed: every run of a seed sends the same."""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

NAUGHTY: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1e308,
    "",
    "\x00",
    "\ud800",
    "a\u202eb",
    "<!channel> <@U1>",
    "x" * 60_000,
    "é" * 3_000,
    [],
    {},
    [[[[[[[[]]]]]]]],
    {"": {"": {"": {}}}},
    ["x"] * 500,
    "../../etc/passwd",
    "2026-02-30T25:61:00Z",
)
BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    lambda body, chance: body[: chance.randrange(len(body) + 1)],  # cut off
    lambda body, chance: body + b"\xff\xfe",  # no UTF-8
    lambda body, chance: body.replace(b'"', b"'", chance.randrange(1, 4)),
    lambda body, chance: gzip.compress(body, mtime=0),
    lambda body, chance: b"[" * chance.choice((10, 1_000, 100_000)),
    lambda body, chance: b'{"a":' * 20_000,
    lambda body, chance: body[:-1] + b", " + body[1:] if body.startswith(b"{") else body * 2,  # each key twice
    lambda body, chance: b"\xef\xbb\xbf" + body,
    lambda body, chance: bytes(chance.randrange(256) for _ in range(200)),
    lambda body, chance: b"",
    lambda body, chance: b"NaN",
    lambda body, chance: b"x" * 1_200_000,
)


def mutated(payload: Any, chance: Random) -> Any:
    """A copy in which a few places are gone, of another type, or somebody else's."""
    changed = copy.deepcopy(payload)
    for _ in range(chance.choice((1, 1, 2, 5))):
        places = list(_places(changed))
        if not places:
            return chance.choice(NAUGHTY)
        inside, key = chance.choice(places)
        match chance.randrange(4):
            case 0 if isinstance(inside, dict):
                del inside[key]
            case 1:
                inside[key] = copy.deepcopy(inside[chance.choice([one for other, one in places if other is inside])])
            case 2 if isinstance(inside, dict):
                inside[chance.choice(("type", "id", "__class__", "\x00", "value", "user"))] = inside.pop(key)
            case _:
                inside[key] = copy.deepcopy(chance.choice(NAUGHTY))
    return changed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(found):
        yield value, key
        yield from _places(inner)


def as_json(payload: Any) -> bytes:
    return json.dumps(payload).encode()
