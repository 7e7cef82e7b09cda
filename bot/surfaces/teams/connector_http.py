"""The HTTP under botframework-connector: one request, one answer, no hidden repeats, no redirects, no threads."""

import json
from typing import Any, Final

import httpx2
from msrest.pipeline import AsyncHTTPSender, Request, Response
from msrest.universal_http.async_abc import AsyncClientResponse

TIMEOUT_SECONDS: Final = 10
ANSWER_BYTES: Final = 4_000_000
_RETRY_MOST_SECONDS: Final = 3600.0


class Answered(Exception):
    """The Bot Connector said no. `code` is its own, from the body; "" where it gave none."""

    def __init__(self, status: int, code: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"{status} {code}".rstrip())
        self.status, self.code, self.retry_after_seconds = status, code, retry_after_seconds


class _Answer(AsyncClientResponse):
    """Success. Empty to the SDK's models, which would drop or refuse what they do not know: see `json_of`."""

    def __init__(self, request: Any, status: int, body: bytes) -> None:
        super().__init__(request, body)  # what the SDK's raw=True hands on
        self.status_code = status

    def body(self) -> bytes:
        return b""


class Sender(AsyncHTTPSender):
    """The SDK's own repeats a PUT after a dropped connection, for hours, in a thread, and follows redirects."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def __aenter__(self) -> "Sender":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def send(self, request: Request, **_: Any) -> Response:
        """Raises Answered for everything but success."""
        asked = request.http_request
        headers = {name: value for name, value in asked.headers.items() if name.lower() != "content-length"}
        content = None if asked.data is None else _compact(asked.data)
        body, status = await _exchange(self._client, asked.method, asked.url, headers, content)
        return Response(request, _Answer(asked, status, body))


async def ask(client: httpx2.AsyncClient, method: str, url: str, *, headers: dict[str, str]) -> bytes:
    """The same without the SDK. Raises Answered."""
    body, _ = await _exchange(client, method, url, headers, None)
    return body


async def _exchange(
    client: httpx2.AsyncClient, method: str, url: str, headers: dict[str, str], content: bytes | None
) -> tuple[bytes, int]:
    async with client.stream(method, url, headers=headers, content=content) as response:
        body = await _read(response)
    if not 200 <= response.status_code < 300:
        raise Answered(response.status_code, _code(body), retry_after_seconds=_retry_after(response))
    return body, response.status_code


def json_of(raw: Any) -> dict[str, Any]:
    """The JSON of an operation called with raw=True. Raises ValueError."""
    text: bytes = raw.response
    body = json.loads(text) if text.strip() else {}
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    return body


def client(*, local: bool) -> httpx2.AsyncClient:
    """`local`: all it talks to is this machine, where no proxy of the environment leads."""
    limits = httpx2.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=60)
    return httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits, follow_redirects=False, trust_env=not local)


def _compact(data: str) -> bytes:
    """The same JSON in UTF-8: escaped as the SDK does it, a Japanese card would be twice as long."""
    return json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > ANSWER_BYTES:
            raise httpx2.DecodingError("too long an answer")
    return bytes(body)


def _code(body: bytes) -> str:
    """Of `{"error": {"code": …}}`, or of the `{"errorCode": …}` that Teams' own services give."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if code is None and isinstance(answer, dict):
        code = answer.get("errorCode")
    return "".join(sign for sign in str(code or "") if sign.isalnum() or sign in "_-.")[:60]


def _retry_after(response: httpx2.Response) -> float | None:
    if response.status_code != 429:
        return None
    try:
        return min(max(float(response.headers.get("retry-after", "1")), 0.0), _RETRY_MOST_SECONDS)
    except ValueError:
        return 1.0
