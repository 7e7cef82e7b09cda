"""What strangers post is read as JSON, or refused as something a stranger can mend: never a crash."""

import asyncio
import tarfile
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.types import Message

from adapters.bodies import parse, read_body
from adapters.refusals import Reason, Refusal
from adapters.webchat.messages import PostedWords
from adapters.webhook.messages import PostedMessage
from tests.data import shared


def json_cases(kind: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(shared("webhooks/json_test_suite.tar.xz")) as packed:
        for member in packed.getmembers():
            name = member.name.rpartition("/")[2]
            file = packed.extractfile(member)
            if file is not None and name.startswith(kind) and name.endswith(".json"):
                yield name, file.read()


def test_what_must_not_parse_is_malformed() -> None:
    cases = list(json_cases("n_"))

    for name, raw in cases:
        with pytest.raises(Refusal) as refused:
            parse(PostedMessage, raw)
        assert refused.value.reason is Reason.MALFORMED, name
    assert len(cases) > 150


@pytest.mark.parametrize("kind", ["y_", "i_"])
def test_other_json_is_of_the_wrong_shape_at_worst(kind: str) -> None:
    for name, raw in json_cases(kind):
        for shape in (PostedMessage, PostedWords):
            with pytest.raises(Refusal) as refused:
                parse(shape, raw)
            assert kind == "i_" or refused.value.reason is Reason.INVALID, name
            assert refused.value.response().status_code in (400, 422)


async def test_a_body_that_trickles_is_not_waited_for() -> None:
    async def trickle() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    request = Request({"type": "http", "headers": [], "method": "POST", "path": "/"}, trickle)

    with pytest.raises(Refusal) as refused:
        await read_body(request, most_bytes=10, within_seconds=0.05)

    assert refused.value.reason is Reason.SLOW


async def test_a_body_that_is_cut_off_is_refused() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "headers": [], "method": "POST", "path": "/"}, gone)

    with pytest.raises(Refusal) as refused:
        await read_body(request, most_bytes=10)

    assert refused.value.reason is Reason.MALFORMED
