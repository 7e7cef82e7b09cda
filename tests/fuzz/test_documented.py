"""The documented endpoints, by schemathesis, from the bot's own /openapi.json: what it says there is how it answers."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections import Counter
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.conftest import works_still
from tests.fuzz.wire import TRACES
from tests.loop.running import SECRET, Loop

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = settings().max_examples // 2


class Signed(requests.auth.AuthBase):
    """Signs what schemathesis made up, or its requests would get no further than 401."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.count += 1
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        id, at, key = f"evt-{self.count}", str(int(time.time())), base64.b64decode(SECRET.removeprefix("whsec_"))
        made = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(made).decode()}"
        request.headers.update({"webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature})
        return request


async def test_what_is_documented_is_how_it_answers(loop: Loop, canaries: tuple[str, ...]) -> None:
    answers = await asyncio.to_thread(_fuzz, loop.url, canaries)

    assert {202, 401, 422} <= {status for endpoint, status in answers if "messages" in endpoint}
    await works_still(loop)
    for (endpoint, status), count in sorted(answers.items()):
        print(f"{count:6}  {status}  {endpoint}")


def _fuzz(url: str, canaries: tuple[str, ...]) -> Counter[tuple[str, int]]:
    answers: Counter[tuple[str, int]] = Counter()
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()
        for auth in (None, Signed()):
            _send(operation.as_strategy(), auth, answers, canaries)
            if operation.body:  # where there is nothing to send, nothing can be sent wrongly
                wrong = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
                _send(wrong, auth, answers, canaries)
    return answers


def _send(cases: Any, auth: Signed | None, answers: Counter[tuple[str, int]], canaries: tuple[str, ...]) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def one(case: schemathesis.Case) -> None:
        response = case.call(auth=auth, timeout=20)
        answers[f"{case.method} {case.operation.path}", response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        said = response.content + repr(response.headers).encode()
        assert not [trace for trace in TRACES if trace in said], said
        assert not [canary[:6] for canary in canaries if canary.encode() in said], said

    one()
