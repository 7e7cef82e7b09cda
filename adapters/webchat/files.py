"""What the web chat serves to look at: the widget as one script, and a shop page that embeds it."""

import hashlib
import json
import pathlib
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import jinja2
from fastapi import Request, Response

STATIC: Final = pathlib.Path(__file__).parent / "static"
# One function per file; joined in this order into one script, so that a site loads one.
WIDGET: Final = ("elements.js", "memory.js", "wire.js", "log.js", "panel.js", "outbox.js", "chat.js")
_CACHED: Final = "public, max-age=300"


def widget() -> str:
    """The widget: its parts in one function scope, its style as a string among them."""
    style = (STATIC / "widget" / "widget.css").read_text(encoding="utf-8")
    parts = [(STATIC / "widget" / name).read_text(encoding="utf-8") for name in WIDGET]
    return "\n".join(['(() => {\n"use strict";', f"const STYLE = {json.dumps(style)};", *parts, "})();\n"])


def page(*, title: str, company: str) -> str:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(STATIC), autoescape=True)
    return environment.get_template("page.html").render(title=title, company=company)


def content_security(frame_ancestors: Iterable[str]) -> str:
    """Nothing but our own files, and framed only by ourselves and the sites that may embed the chat."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            " ".join(["frame-ancestors 'self'", *sorted(frame_ancestors)]),
        ]
    )


class Served:
    """A text kept in memory, answered with 304 to whoever has it."""

    def __init__(self, text: str, media_type: str, **headers: str) -> None:
        self._body = text.encode()
        self._media_type = media_type
        self._headers = {
            "etag": f'"{hashlib.sha256(self._body).hexdigest()[:24]}"',
            "cache-control": _CACHED,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }

    async def answer(self, request: Request) -> Response:
        if request.headers.get("if-none-match") == self._headers["etag"]:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self._headers)
        return Response(self._body, headers=self._headers, media_type=self._media_type)
