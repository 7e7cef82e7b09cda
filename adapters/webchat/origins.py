"""Which sites may embed the chat: cross-origin headers for those, a refusal for all others."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from adapters.refusals import Reason, Refusal

PREFLIGHT_SECONDS: Final = 3600


class Origins:
    """The sites named in `allowed_origins`, and the one that serves the chat itself."""

    def __init__(self, allowed: Sequence[str]) -> None:
        for origin in allowed:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
                raise ValueError("an allowed origin is scheme and host alone, such as https://larkspur.example")
        self.allowed: Final = frozenset(origin.lower() for origin in allowed)

    def check(self, request: Request) -> None:
        """Raises:
        Refusal: 403, the page that asks is on a site that may not embed this chat.
        """
        origin = request.headers.get("origin")
        if origin is None or self._allows(origin) or _is_our_own(origin, request):
            return
        words = "This site may not embed this chat. Its operator can allow it."
        raise Refusal(HTTPStatus.FORBIDDEN, Reason.ORIGIN, words)

    def mark(self, request: Request, response: Response) -> None:
        """Lets the browser show the answer to a site that is allowed."""
        response.headers.append("vary", "origin")
        origin = request.headers.get("origin")
        if origin is not None and self._allows(origin):
            response.headers["access-control-allow-origin"] = origin
            response.headers["access-control-expose-headers"] = "retry-after"

    def preflight(self, request: Request) -> Response:
        self.check(request)
        return Response(
            status_code=HTTPStatus.NO_CONTENT,
            headers={
                "access-control-allow-methods": "GET, POST",
                "access-control-allow-headers": "authorization, content-type, last-event-id",
                "access-control-max-age": str(PREFLIGHT_SECONDS),
            },
        )

    def _allows(self, origin: str) -> bool:
        return origin.lower() in self.allowed


def _is_our_own(origin: str, request: Request) -> bool:
    """By host alone: behind a proxy we may not know that we are https."""
    try:
        return urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:  # "http://["
        return False
