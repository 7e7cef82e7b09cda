"""How a channel says no: one problem document (RFC 9457) with a reason, and one count for it."""

from collections.abc import Callable, Coroutine
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import Counter

REFUSED = Counter("signoff_channel_refused_total", "Requests a customer channel refused", ["channel", "reason"])


class Reason(StrEnum):
    """Why a request was refused: the metric's label and the `code` its sender reads."""

    MALFORMED = "malformed"  # not UTF-8, not JSON, or cut off
    INVALID = "invalid"  # JSON of another shape than documented
    TOO_LONG = "too_long"  # the text is longer than TEXT_CHARS
    OVERSIZED = "oversized"  # the body is larger than the channel reads
    SLOW = "slow"  # the body did not arrive in time
    SIGNATURE = "signature"
    STALE = "stale"  # signed too long ago, or too far ahead
    TOKEN = "token"
    ORIGIN = "origin"  # a site that may not embed this chat
    RATE = "rate"
    BUSY = "busy"  # too many live streams
    CLOSING = "closing"  # this process is shutting down


class Refusal(Exception):
    """The request is refused. Its words are read by whoever sent it: they never repeat what was sent."""

    def __init__(
        self,
        status: HTTPStatus,
        reason: Reason,
        detail: str,
        *,
        retry_after_seconds: float | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.errors = errors

    def response(self) -> Response:
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "code": str(self.reason),
            "detail": self.detail,
        }
        if self.errors:
            problem["errors"] = self.errors
        headers = {"cache-control": "no-store"}
        if self.retry_after_seconds is not None:
            headers["retry-after"] = str(max(1, round(self.retry_after_seconds + 0.5)))
        return JSONResponse(problem, self.status, headers, media_type="application/problem+json")


Finish = Callable[[Request, Response], None]
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def channel_route(channel: str, finish: Finish | None = None) -> type[APIRoute]:
    """The route class of a channel: a refusal becomes a counted problem document; `finish` may then add headers."""

    class ChannelRoute(APIRoute):
        def get_route_handler(self) -> Endpoint:
            endpoint = super().get_route_handler()

            async def answered(request: Request) -> Response:
                try:
                    response = await endpoint(request)
                except Refusal as refusal:
                    REFUSED.labels(channel, refusal.reason).inc()
                    response = refusal.response()
                if finish is not None:
                    finish(request, response)
                return response

            return answered

    return ChannelRoute
