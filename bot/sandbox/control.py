"""The sandbox's own API under `/sandbox/`: the page draws from it, and hands at a distance use it.

Everything is JSON. Bodies must be sent as `application/json`; requests from other origins than loopback are refused.
Errors are `{"ok": false, "error": "..."}` with 400 (bad request), 404 (no such thing) or 403.

`GET /sandbox/state?as=U0ANA` is everything the page needs to draw for that user::

    {"version": 17,                          # grows with every change; the stream tells it
     "team": {"id", "name", "domain"},
     "me": USER, "users": [USER, ...],
     "bot": {"user_id", "bot_id", "name", "connected": true},
     "usergroups": [{"id", "handle", "name", "users": ["U0ANA", ...]}],
     "channels": [{"id", "name", "kind": "channel" | "group" | "im", "topic", "members": [...],
                   "with": "U..." | null,    # the other one of a direct message
                   "messages": [MESSAGE, ...]}],     # the newest 200, oldest first; replies are in their parents
     "ephemerals": [MESSAGE, ...],           # only this user sees them; "channel" and "thread_ts" say where
     "views": [VIEW, ...],                   # this user's modal stack, bottom first: draw the last
     "home": VIEW | null,                    # the app's Home tab as published for this user
     "notices": ["...", ...]}                # errors this user's Slack client showed, oldest first

USER: `{"id", "name", "real_name", "title", "initials", "color": "1264a3", "avatar": "/sandbox/avatar/U0ANA.svg",
"is_bot", "is_admin", "deleted"}`.

MESSAGE is Slack's message (`type`, `user`, `bot_id`?, `text`, `ts`, `blocks`?, `thread_ts`?, `edited`?, `metadata`?,
`files`?, `reactions`? as `[{"name", "users", "count"}]`, `reply_count`?, `subtype`?) and always `"channel"`,
`"ephemeral": bool`, `"broadcast": bool`, `"pings": [...]` (whom it notifies), `"values"` (below), and for parents
`"replies": [MESSAGE, ...]`. A broadcast reply is in its parent's replies and once more in `messages`.

VIEW is Slack's view (`id`, `type`: "modal" | "home", `title`, `submit`, `close`, `blocks`, `callback_id`, `hash`,
`private_metadata`, `notify_on_close`, ...) and `"values"` and `"errors": {block_id: text}`, shown under the inputs.

`values` is `state.values` of Slack: `{block_id: {action_id: {"type", "value" | "selected_option" | ...}}}`: what the
user has typed or chosen so far. Every block has a `block_id`, every interactive element an `action_id`.

`GET /sandbox/stream?as=U0ANA` is server-sent events: `data: {"version": 17}` at once and after every change.

Actions are POSTs. Each body has `"as": "U0ANA"`. PLACE is `{"channel": "C..", "ts": "1.2"}` for a message (ephemeral
ones too), `{"home": true}` for the Home tab, or nothing for the modal on top::

    /sandbox/message   {channel, text, thread_ts?, broadcast?}     channel may be the bot's user id: direct message
    /sandbox/click     {action_id, block_id?, PLACE}               a button
    /sandbox/choose    {action_id, block_id?, values: [..], PLACE} menu, overflow, radio, checkboxes, date, user...
                                                                   (options by their value; [] takes it back)
    /sandbox/type      {action_id, block_id?, text, PLACE}         a text input
    /sandbox/suggest   {action_id, query, PLACE}                   -> {"ok": true, "options": [...]}
    /sandbox/submit    {values?: {block_id: {action_id: X}}}       X: text, or a list of chosen values; set first
    /sandbox/close     {}                                          the modal's Cancel or X
    /sandbox/home      {}                                          open App Home: the bot is told and publishes
    /sandbox/command   {channel, command: "/signoff", text}
    /sandbox/shortcut  {callback_id, channel?, ts?}
    /sandbox/react     {channel, ts, name}
    /sandbox/dismiss   {channel, ts}                               hide an ephemeral message

and answers what the user sees: SEEN = `{"ok": bool, "error": text | null, "errors": {block_id: text},
"view": VIEW | null, "ephemerals": [MESSAGE, ...], "message": MESSAGE | null, "version": 18}`.
`ok` is false with `error` when the bot did not answer in time, with `errors` when the modal refused.

For operators of the sandbox (no `as`)::

    GET  /sandbox/calls?method=chat.postMessage      what the bot asked: {"calls": [{method, arguments, status, ...}]}
    GET  /sandbox/deliveries?kind=message            what the bot was handed, with status and attempt
    GET  /sandbox/wire?limit=60                      both in their order: {"wire": [{"number", "to": "bot" | "slack",
                                                     "what", "status", "ok", "note", "told", "answer"}, ...]}
    GET  /sandbox/figures    {"issued_429": {method: n}, "calls": n, "posts": n, "faults": [[method, trouble], ...]}
    POST /sandbox/connect    {url}                   the bot's request URL
    POST /sandbox/faults     {trouble, method?, times?, skip?, probability?, seconds?, code?}; DELETE clears them all
    POST /sandbox/limits     {enabled?, posts_per_second_and_channel?, posts_at_once?, posts_per_minute?}
    POST /sandbox/usergroup  {id, users: [...]}
    POST /sandbox/rate-limited  {}                   tell the bot app_rate_limited
    POST /sandbox/disconnect {reason?}               end the Socket Mode connections
"""

import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.sandbox.acts import ACTIONS, Action
from bot.sandbox.drawn import drawn_state, drawn_wire
from bot.sandbox.faults import Fault, Trouble
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.server import SandboxServer

BODY_BYTES = 1_000_000
Endpoint = Callable[[Request], Awaitable[Response]]
LIMITS = ("enabled", "posts_per_second_and_channel", "posts_at_once", "posts_per_minute")


class Control:
    """The routes, over one sandbox."""

    def __init__(self, sandbox: "SandboxServer") -> None:
        self.sandbox = sandbox
        self.workspace = sandbox.workspace

    def routes(self) -> list[Route]:
        def get(path: str, endpoint: Endpoint) -> Route:
            return Route(f"/sandbox/{path}", local(endpoint), methods=["GET"])

        def post(path: str, endpoint: Endpoint) -> Route:
            return Route(f"/sandbox/{path}", local(endpoint), methods=["POST"])

        return [
            get("state", self.state),
            get("stream", self.stream),
            get("calls", self.calls),
            get("deliveries", self.deliveries),
            get("wire", self.wire),
            get("figures", self.figures),
            get("avatar/{user}.svg", self.avatar),
            post("connect", self.connect),
            post("faults", self.add_fault),
            Route("/sandbox/faults", local(self.clear_faults), methods=["DELETE"]),
            post("limits", self.set_limits),
            post("usergroup", self.set_usergroup),
            post("rate-limited", self.rate_limited),
            post("disconnect", self.disconnect),
            *(post(name, self.acting(action)) for name, action in ACTIONS.items()),
        ]

    # -- looking -------------------------------------------------------------------------------------------------

    async def state(self, request: Request) -> Response:
        return JSONResponse(
            drawn_state(
                self.workspace,
                _user(self.sandbox, request.query_params.get("as")),
                connected=self.sandbox.delivery.connected,
            )
        )

    async def stream(self, request: Request) -> Response:
        return StreamingResponse(
            self._versions(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _versions(self) -> AsyncIterator[str]:
        """Ends when the sandbox stops; a client that went away ends it too."""
        told = -1
        while not self.sandbox.stopping:
            told = await self.workspace.next_change(told)
            yield f'data: {{"version": {told}}}\n\n'

    async def calls(self, request: Request) -> Response:
        found = self.workspace.calls(request.query_params.get("method"))
        return JSONResponse({"calls": [asdict(call) for call in found]})

    async def deliveries(self, request: Request) -> Response:
        found = self.workspace.deliveries(request.query_params.get("kind"))
        return JSONResponse({"deliveries": [asdict(delivered) for delivered in found]})

    async def wire(self, request: Request) -> Response:
        most = max(1, int(request.query_params.get("limit", "60")))
        return JSONResponse({"wire": drawn_wire(self.workspace, most)})

    async def figures(self, _: Request) -> Response:
        posts = sum(len(channel.messages) for channel in self.workspace.channels.values())
        return JSONResponse(
            {
                "issued_429": dict(self.sandbox.limits.issued),
                "calls": len(self.workspace.journal.calls),
                "posts": posts,
                "faults": [list(entry) for entry in self.sandbox.faults.struck],
            }
        )

    async def avatar(self, request: Request) -> Response:
        user = self.workspace.users.get(request.path_params["user"])
        if user is None:
            raise LookupError("no such user")
        return Response(user.avatar(), media_type="image/svg+xml", headers={"Cache-Control": "max-age=3600"})

    # -- operating -----------------------------------------------------------------------------------------------

    async def connect(self, request: Request) -> Response:
        self.sandbox.connect(str((await _json(request))["url"]))
        return JSONResponse({"ok": True})

    async def add_fault(self, request: Request) -> Response:
        body = await _json(request)
        self.sandbox.faults.add(Fault(**{**body, "trouble": Trouble(str(body.get("trouble")))}))
        return JSONResponse({"ok": True})

    async def clear_faults(self, _: Request) -> Response:
        self.sandbox.faults.clear()
        return JSONResponse({"ok": True})

    async def set_limits(self, request: Request) -> Response:
        body = await _json(request)
        for name in LIMITS:
            if name in body:
                setattr(self.sandbox.limits, name, bool(body[name]) if name == "enabled" else float(body[name]))
        self.sandbox.limits.buckets.clear()
        return JSONResponse({"ok": True})

    async def set_usergroup(self, request: Request) -> Response:
        body = await _json(request)
        self.workspace.regroup(str(body["id"]), [str(user) for user in body["users"]])
        return JSONResponse({"ok": True})

    async def rate_limited(self, _: Request) -> Response:
        answer = await self.sandbox.delivery.rate_limited()
        return JSONResponse({"ok": answer.reason is None, "status": answer.status})

    async def disconnect(self, request: Request) -> Response:
        await self.sandbox.sockets.disconnect(str((await _json(request)).get("reason", "refresh_requested")))
        return JSONResponse({"ok": True})

    # -- acting --------------------------------------------------------------------------------------------------

    def acting(self, action: Action) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            body = await _json(request)
            person = self.sandbox.person(_user(self.sandbox, body.get("as")))
            told = await action(self.workspace, person, body)
            return JSONResponse({**told, "version": self.workspace.version})

        return endpoint


def local(endpoint: Endpoint) -> Endpoint:
    """Only for this machine's own pages and programs, and with every mistake of the asker as a 4xx."""

    async def guarded(request: Request) -> Response:
        origin = request.headers.get("origin")
        named = [f"//{request.headers.get('host', '')}"] + ([origin] if origin is not None else [])
        if not all(map(_is_loopback, named)):
            return _no("only for this machine", 403)
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return JSONResponse(refusal.json(), status_code=400)
        except LookupError as error:
            return _no(f"not found: {error}", 404)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            return _no(f"bad request: {error}", 400)

    return guarded


def _is_loopback(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name, or no address at all, such as "//["
        return False


def _no(why: str, status: int) -> Response:
    return JSONResponse({"ok": False, "error": why}, status_code=status)


def _user(sandbox: "SandboxServer", user: Any) -> str:
    if not isinstance(user, str) or user not in sandbox.workspace.users:
        raise LookupError(f"no user {user!r}: say who you are with as")
    return user


async def _json(request: Request) -> JSON:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ValueError("send application/json")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            raise ValueError("body too large")
    told = json.loads(body or b"{}")
    if not isinstance(told, dict):
        raise ValueError("send an object")
    return told
