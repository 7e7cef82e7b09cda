"""The demo's page: the local Slack drawn beside the customers, in one browser window. It draws what `control` tells."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_HERE: Final = Path(__file__).parent
_HEADERS: Final = {
    # Pictures may come from the sandbox's own port: what the bot uploaded is served there.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' http://127.0.0.1:*; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What the page opens with."""

    me: str = "U0ANA"  # who the person is at first
    channel: str = "C0SUPPORT"
    chat: str | None = None  # the web chat's address, on this server; None: no customer's pane for it
    chatTitle: str = "Web chat"  # as the cards name that channel; the page reads this name
    shop: bool = False  # whether /demo/shop is served
    holdSeconds: int = 5  # for how long an approval can be undone


def page(scene: Scene) -> list[BaseRoute]:
    """`/`, the page's own files and what it opens with; to be served beside the sandbox's control routes."""

    async def index(_: Request) -> Response:
        return Response((_HERE / "index.html").read_bytes(), media_type="text/html", headers=_HEADERS)

    async def place(_: Request) -> Response:
        return JSONResponse(asdict(scene), headers={"Cache-Control": "no-store"})

    return [
        Route("/", index),
        Route("/demo/place", place),
        Mount("/demo/static", _Fresh(directory=_HERE / "static")),
    ]


class _Fresh(StaticFiles):
    """Files that a browser asks for again each time: the next version of the demo must not meet the last one's."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        response.headers["Cache-Control"] = "no-cache"
        return response
