"""`/api/<method>`: one request of the bot, from its token to its answer, with limits and faults on the way."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.faults import Fault, Faults, Trouble
from bot.sandbox.journal import Call
from bot.sandbox.limits import Limits
from bot.sandbox.replies import respond
from bot.sandbox.webapi import METHODS, Arguments, Method
from bot.sandbox.wire import JSON, Refusal
from bot.sandbox.workspace import Workspace

BODY_BYTES = 2_000_000
UPLOAD_BYTES = 20_000_000
PUBLIC_FAULTS = {Trouble.ERROR, Trouble.DROP, Trouble.RATE_LIMITED, Trouble.REFUSE, Trouble.REVOKED, Trouble.GARBAGE}


class TooLarge(Exception):
    """More bytes than anybody may send."""


class DroppedResponse(Response):
    """No answer at all: the connection is closed."""

    def __init__(self, drop: Callable[[Any], bool]) -> None:
        super().__init__(status_code=500)
        self._drop = drop

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self._drop(scope):
            await super().__call__(scope, receive, send)


@dataclass
class Api:
    """The bot's side door: Web API, response_urls, uploads. `drop` closes the connection of a request."""

    workspace: Workspace
    faults: Faults
    limits: Limits
    bot_token: str
    app_token: str
    drop: Callable[[Any], bool]

    async def call(self, request: Request) -> Response:
        name = request.path_params["method"]
        try:
            arguments = await _arguments(request)
        except TooLarge:
            return JSONResponse({"ok": False, "error": "request_too_large"}, status_code=413)
        except Refusal as refusal:
            return self._answered(name, Arguments({}), refusal.json())
        method = METHODS.get(name)
        try:
            self._admit(request, arguments, method)
        except Refusal as refusal:
            return self._answered(name, arguments, refusal.json())
        assert method is not None
        fault = self.faults.strike(name)
        if fault and fault.trouble in PUBLIC_FAULTS:
            return self._hit(name, arguments, fault)
        wait = self.limits.retry_after(name, method.tier, arguments.text("channel"))
        if wait is not None:
            return self._limited(name, arguments, wait, None)
        try:
            answer = method.run(self.workspace, arguments)
        except Refusal as refusal:
            answer = refusal.json()
        except RecursionError:  # nested deeper than any block or view is
            answer = Refusal("invalid_arguments").json()
        return await self._finished(name, arguments, answer, fault)

    def _admit(self, request: Request, arguments: Arguments, method: Method | None) -> None:
        """Raises: Refusal `not_authed`, `invalid_auth`, `unknown_method`, `not_allowed_token_type`, `missing_scope`."""
        if method is not None and method.token is None:
            return
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        token = token if kind.lower() == "bearer" else arguments.text("token") or ""
        if not token:
            raise Refusal("not_authed")
        if token not in (self.bot_token, self.app_token):
            raise Refusal("invalid_auth")
        if method is None:
            raise Refusal("unknown_method")
        if (token == self.app_token) is not (method.token == "app"):
            raise Refusal("not_allowed_token_type")
        if method.scope and method.scope not in self.workspace.scopes:
            raise Refusal("missing_scope", needed=method.scope, provided=",".join(sorted(self.workspace.scopes)))

    def _hit(self, name: str, arguments: Arguments, fault: Fault) -> Response:
        """A fault that strikes before anything is done."""
        match fault.trouble:
            case Trouble.RATE_LIMITED:
                self.limits.issued[name] += 1
                return self._limited(name, arguments, max(1, round(fault.seconds)), fault)
            case Trouble.REFUSE:
                return self._answered(name, arguments, {"ok": False, "error": fault.code}, fault)
            case Trouble.REVOKED:
                return self._answered(name, arguments, {"ok": False, "error": "token_revoked"}, fault)
            case Trouble.GARBAGE:
                self._record(name, arguments, 200, None, fault)
                return Response("<html><body>Slack is having trouble</body></html>", media_type="text/html")
            case Trouble.DROP:
                self._record(name, arguments, 0, None, fault)
                return DroppedResponse(self.drop)
            case _:
                return self._broken(name, arguments, fault)

    async def _finished(self, name: str, arguments: Arguments, answer: JSON, fault: Fault | None) -> Response:
        """What was done is answered, unless a fault says otherwise."""
        match fault.trouble if fault else None:
            case Trouble.ERROR_AFTER:
                assert fault is not None
                return self._broken(name, arguments, fault)
            case Trouble.DROP_AFTER:
                self._record(name, arguments, 0, None, fault)
                return DroppedResponse(self.drop)
            case Trouble.SLOW:
                assert fault is not None
                response = self._answered(name, arguments, answer, fault)
                await asyncio.sleep(fault.seconds)
                return response
        return self._answered(name, arguments, answer, fault)

    def _broken(self, name: str, arguments: Arguments, fault: Fault) -> Response:
        self._record(name, arguments, 500, None, fault)
        return JSONResponse({"ok": False, "error": "internal_error"}, status_code=500)

    def _limited(self, name: str, arguments: Arguments, seconds: int, fault: Fault | None) -> Response:
        answer = {"ok": False, "error": "ratelimited"}
        self._record(name, arguments, 429, answer, fault)
        return JSONResponse(answer, status_code=429, headers={"Retry-After": str(seconds)})

    def _answered(self, name: str, arguments: Arguments, answer: JSON, fault: Fault | None = None) -> Response:
        self._record(name, arguments, 200, answer, fault)
        return JSONResponse(answer)

    def _record(self, name: str, arguments: Arguments, status: int, answer: JSON | None, fault: Fault | None) -> None:
        told = {key: value for key, value in arguments.given.items() if key != "token"}
        trouble = fault.trouble.value if fault else None
        self.workspace.journal.called(Call(method=name, arguments=told, status=status, answer=answer, fault=trouble))
        self.workspace.changed()

    # -- the other addresses the bot was given -------------------------------------------------------------------

    async def response_url(self, request: Request) -> Response:
        try:
            body = json.loads(await _body(request, BODY_BYTES))
            if not isinstance(body, dict):
                raise Refusal("invalid_payload")
            hook = self.workspace.hooks.use(request.path_params["token"])
        except TooLarge:
            return PlainTextResponse("request_too_large", status_code=413)
        except ValueError:
            return PlainTextResponse("invalid_payload", status_code=400)
        except Refusal as refusal:
            return JSONResponse(refusal.json(), status_code=404)
        try:
            respond(self.workspace, hook, body)
        except Refusal as refusal:
            return self._answered("response_url", Arguments(body), refusal.json())
        self._record("response_url", Arguments(body), 200, {"ok": True}, None)
        return PlainTextResponse("ok")

    async def upload(self, request: Request) -> Response:
        """The second step of a file upload: the bytes, raw or as a form's only file is not told apart."""
        file = self.workspace.files.get(request.path_params["file_id"])
        if file is None:
            return PlainTextResponse("file_not_found", status_code=404)
        try:
            data = await _body(request, UPLOAD_BYTES)
        except TooLarge:
            return PlainTextResponse("request_too_large", status_code=413)
        self.workspace.uploads[file["id"]] = data
        return PlainTextResponse(f"OK - {len(data)}")

    async def file(self, request: Request) -> Response:
        data = self.workspace.uploads.get(request.path_params["file_id"])
        if data is None:
            return PlainTextResponse("file_not_found", status_code=404)
        return Response(data, media_type="application/octet-stream", headers={"Content-Disposition": "attachment"})


async def _arguments(request: Request) -> Arguments:
    """Query, form and JSON together, as slack_sdk uses them all. Raises: TooLarge, Refusal `invalid_json`."""
    given: JSON = dict(request.query_params)
    body = await _body(request, BODY_BYTES)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind == "application/json":
        try:
            told = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refusal("invalid_json") from error
        if not isinstance(told, dict):
            raise Refusal("json_not_object")
        given.update(told)
    elif body and kind == "application/x-www-form-urlencoded":
        given.update(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    elif body:
        raise Refusal("invalid_post_type")
    return Arguments(given)


async def _body(request: Request, most: int) -> bytes:
    """Raises: TooLarge before reading more than `most` bytes."""
    if request.headers.get("content-length", "0").isdigit() and int(request.headers.get("content-length", "0")) > most:
        raise TooLarge
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)
