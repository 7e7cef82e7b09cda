"""The web application: Slack's and the channels' routes, health and metrics, and a server that ends gracefully."""

import asyncio
import contextlib
import gc
import hmac
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from types import FrameType
from typing import Final, Protocol

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from adapters.base import Adapter
from bot import reference
from bot.edge import Edge
from bot.metrics import CONTENT_TYPE, Figures, Worker
from bot.settings import Settings
from bot.watch import Watch
from storage import schema
from storage.database import Database, Unavailable

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 10  # for requests under way, when asked to stop
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 30  # for the bot after that: jobs under way are finished or promised again within this
_CHECK_SECONDS: Final = 2
_KEEP_ALIVE_SECONDS: Final = 75  # longer than proxies keep theirs, so that they never reuse one we just closed
# Between two looks of Python's threads at who goes next. The database's threads step aside at every statement, and at
# Python's own 5 ms a press of fourteen statements would wait for the event loop fourteen times as long.
_SWITCH_SECONDS: Final = 0.0005
# Python's own 700 new objects are fewer than one press makes; a full collection over all that was imported takes 0.1 s,
# in which nobody is answered: what is there before the first request stays, and is not looked at again.
_COLLECT_AT: Final = (20_000, 20, 20)
_AT_ONCE: Final = 2000  # connections and tasks; more are answered 503


class Built(Protocol):
    """The bot as bot.app builds it, as far as the host knows it."""

    @property
    def name(self) -> str:
        """The company's, for titles."""

    @property
    def db(self) -> Database: ...
    @property
    def jobs(self) -> Worker: ...
    @property
    def adapters(self) -> Sequence[Adapter]: ...
    @property
    def surface_routes(self) -> Sequence[BaseRoute]: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Callable[[], datetime]:
        """By which it waits, and writes down."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Finish or promise again what is under way, then close everything."""

    async def ready(self) -> Mapping[str, str | None]:
        """By the name of each check: None if it is fine, else the remedy in a sentence."""

    async def troubles(self) -> Mapping[str, str | None]:
        """Like `ready`, for what must not keep customers' messages out: told, and no reason for 503."""


class AddressTaken(Exception):
    """Nothing can listen there. The message says where, why, and what to do."""


def web(app: Built) -> Edge:
    """The web application of a built bot; its lifespan starts and stops the bot."""

    watch = Watch()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watch.start()
        try:
            async with asyncio.timeout(_START_SECONDS):
                await app.start()
            yield
        finally:
            await watch.stop()
            async with asyncio.timeout(_STOP_SECONDS):
                await app.stop()

    api = FastAPI(
        title=f"{app.name}: Signoff",
        summary="The customer channels of this installation.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        exception_handlers={Exception: _broken, Unavailable: _away},
    )
    _add_health(api, app, watch)
    _add_metrics(api, app)
    _add_documentation(api)
    for route in app.surface_routes:
        api.router.routes.append(route)
    for adapter in app.adapters:
        api.include_router(adapter.routes, prefix=f"/channels/{adapter.name}", tags=[adapter.title])
    return Edge(api, place=_places(app), posts=_at_once(app.surface_routes))


def _at_once(routes: Sequence[BaseRoute]) -> dict[str, ASGIApp]:
    """The surfaces' own routes, past FastAPI's layers: agents wait for them. What fails there fails as elsewhere."""
    posts = [route for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())]
    return {route.path: ServerErrorMiddleware(route.app, handler=_broken) for route in posts}


async def _broken(_: Request, __: Exception) -> Response:
    """Details are in the log, where uvicorn writes them; whoever asked gets none."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": "Something went wrong here."}
    return JSONResponse(problem, status, media_type="application/problem+json")


async def _away(_: Request, error: Exception) -> Response:
    """The database is away: nothing was kept, or nobody knows. Channels come again, and are recognised if it was."""
    log.warning("a request met no database", extra={"why": type(error).__name__})
    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "The database does not answer just now. Please try again."
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    headers = {"retry-after": str(round(getattr(error, "retry_after_seconds", 1)))}
    return JSONResponse(problem, status, headers, media_type="application/problem+json")


def _add_health(api: FastAPI, app: Built, watch: Watch) -> None:
    @api.get("/healthz", tags=["operations"], summary="Whether the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @api.get(
        "/readyz",
        tags=["operations"],
        summary="Whether it can work: 503 and the remedy of each check if not",
        responses={HTTPStatus.SERVICE_UNAVAILABLE: {"description": "Not ready", "content": {"application/json": {}}}},
    )
    async def readyz() -> Response:
        checks = {**await _database_checks(app.db), **await _within_patience(app.ready(), "bot")}
        fine = all(remedy is None for remedy in checks.values())
        told = {name: {"ok": remedy is None, "remedy": remedy} for name, remedy in checks.items()}
        status = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
        troubles = await _within_patience(app.troubles(), "surfaces")
        beside = {name: {"ok": remedy is None, "remedy": remedy} for name, remedy in troubles.items()}
        # A process that stood still and runs again can work; while it stands still, it does not answer here at all.
        process = {"ok": watch.trouble is None, "remedy": watch.trouble}
        status_word = "ready" if fine else "not ready"
        body = {"status": status_word, "checks": told, "surfaces": beside, "process": process}
        return JSONResponse(body, status, {"cache-control": "no-store"})


async def _database_checks(db: Database) -> dict[str, str | None]:
    unreachable = "The database does not answer: see that it runs and that DATABASE_URL names it."
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            at_head = await asyncio.to_thread(schema.at_head, db.engine)
    except (SQLAlchemyError, OSError, TimeoutError):
        return {"database": unreachable, "schema": "Unknown while the database does not answer."}
    return {"database": await _writing(db), "schema": None if at_head else "Run `signoff migrate`, then restart."}


async def _writing(db: Database) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await db.try_writing()
    except (SQLAlchemyError, TimeoutError):
        return "The database answers, but takes no writes: see that its disk has room, and that it may be written to."
    return None


async def _within_patience(looking: Awaitable[Mapping[str, str | None]], name: str) -> Mapping[str, str | None]:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await looking
    except TimeoutError:
        return {name: f"No answer within {_CHECK_SECONDS} s: the process is overloaded, or a remote is slow."}


def _add_metrics(api: FastAPI, app: Built) -> None:
    figures = Figures(app.db, app.jobs, app.clock)

    @api.get(
        "/metrics",
        tags=["operations"],
        summary="Figures for Prometheus",
        response_class=PlainTextResponse,
        responses={HTTPStatus.UNAUTHORIZED: {"description": "No bearer token", "content": {"text/plain": {}}}},
    )
    async def metrics(request: Request) -> Response:
        if not _may_read(request, app.settings.metrics_token):
            return Response("A bearer token is needed: see SIGNOFF_METRICS_TOKEN.\n", HTTPStatus.UNAUTHORIZED)
        return Response(await figures.text(), media_type=CONTENT_TYPE)


def _may_read(request: Request, token: SecretStr | None) -> bool:
    offered = request.headers.get("authorization", "").removeprefix("Bearer ")
    return token is None or hmac.compare_digest(offered.encode(), token.get_secret_value().encode())


def _add_documentation(api: FastAPI) -> None:
    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(reference.page(api.openapi()), headers={"content-security-policy": reference.CSP})


def _places(app: Built) -> "Places":
    fixed = {path for route in app.surface_routes if (path := getattr(route, "path", None))}
    return Places(fixed | {"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"}, [a.name for a in app.adapters])


class Places:
    """A path's name in metrics. Strangers choose paths, so what is not ours is all one place."""

    def __init__(self, fixed: set[str], channels: Sequence[str]) -> None:
        self._fixed, self._channels = fixed, [f"/channels/{name}" for name in channels]

    def __call__(self, path: str) -> str:
        if path in self._fixed:
            return path
        return next((each for each in self._channels if path == each or path.startswith(f"{each}/")), "elsewhere")


async def serve(app: Built, *, host: str, port: int) -> None:
    """Listen until SIGTERM or SIGINT, then stop accepting, let what is under way finish, and stop the bot.

    Raises:
        AddressTaken: before anything was started.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    edge = web(app)
    gc.freeze()
    gc.set_threshold(*_COLLECT_AT)
    listener = _listen(host, port)
    log.info("listening", extra={"host": host, "port": listener.getsockname()[1]})
    with listener:
        await Server(edge).serve(sockets=[listener])
    log.info("stopped")


def _listen(host: str, port: int) -> socket.socket:
    """Bound before the bot starts: a second one on the same port must not begin to work."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise AddressTaken(
            f"cannot listen on {host}:{port} ({error.strerror}): set SIGNOFF_HOST, SIGNOFF_PORT"
        ) from error


class Server(uvicorn.Server):
    """uvicorn, told how to behave, and ending with exit code 0 when it is asked to end."""

    def __init__(self, edge: Edge) -> None:
        config = uvicorn.Config(
            edge,
            access_log=False,
            log_config=None,  # bot.logs has seen to it
            server_header=False,
            lifespan="on",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            limit_concurrency=_AT_ONCE,
        )
        super().__init__(config)
        self._edge = edge
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Stop accepting, and end `serve` when what is under way is done. Callable from a signal handler."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._told.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        """Wait to be told; wake once a second for the Date header, where uvicorn wakes ten times."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._edge.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn does, but a signal that was obeyed is not raised again: being asked to stop is no failure."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()
