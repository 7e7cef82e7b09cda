"""The Bot Connector's REST API, as much of it as a bot in a team uses."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.teams.faults import STATUS, Faults, Trouble
from tests.fakes.teams.journal import Journal
from tests.fakes.teams.limits import Limits
from tests.fakes.teams.refusals import of_activity, of_place


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as it came."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Connector:
    journal: Journal
    tenant: str
    limited: bool = False
    page: int = 2  # members a page
    takes: Callable[[str], bool] = lambda token: True  # whether it is a token of ours
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    calls: list[Call] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)  # of the callers' connections
    released: asyncio.Event = field(default_factory=asyncio.Event)  # lets slow answers go

    def add_to(self, app: web.Application, prefix: str) -> None:
        conversations = f"{prefix}/v3/conversations"
        app.router.add_post(conversations, self._create)
        app.router.add_post(f"{conversations}/{{conversation}}/activities", self._reply)
        app.router.add_put(f"{conversations}/{{conversation}}/activities/{{activity}}", self._update)
        app.router.add_get(f"{conversations}/{{conversation}}/pagedmembers", self._members)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        async def create(body: Any) -> web.Response:
            given = body.get("channelData") or {}
            channel = (given.get("channel") or {}).get("id", "")
            if body.get("bot", {}).get("id", "")[:3] != "28:" or not body.get("isGroup"):
                return _error(400, "BadArgument")
            if refusal := of_place(self.journal, channel) or of_activity(body.get("activity")):
                return _error(*refusal)
            posted = self.journal.post(body["activity"], None, channel)
            return web.json_response({"id": posted.conversation, "activityId": posted.id}, status=201)

        return await self._answer("create", request, create)

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        async def reply(body: Any) -> web.Response:
            conversation = request.match_info["conversation"]
            if refusal := of_place(self.journal, conversation) or of_activity(body):
                return _error(*refusal)
            begins = ";messageid=" not in conversation and conversation in self.journal.team.channels
            posted = self.journal.post(body, None if begins else conversation, conversation)
            return web.json_response({"id": posted.id}, status=201)

        return await self._answer("reply", request, reply)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        async def update(body: Any) -> web.Response:
            conversation, activity = request.match_info["conversation"], request.match_info["activity"]
            if refusal := of_place(self.journal, conversation) or of_activity(body):
                return _error(*refusal)
            posted = self.journal.find(conversation, activity)
            if posted is None:
                return _error(404, "ActivityNotFoundInConversation")
            posted.versions.append(body)
            return web.json_response({"id": posted.id})

        return await self._answer("update", request, update)

    async def _members(self, request: web.Request) -> web.StreamResponse:
        async def members(_: Any) -> web.Response:
            if refusal := of_place(self.journal, request.match_info["conversation"]):
                return _error(*refusal)
            begin = int(request.query.get("continuationToken", "0"))
            people = self.journal.team.members[begin : begin + self.page]
            page: dict[str, Any] = {"members": [person.member(self.tenant) for person in people]}
            if begin + self.page < len(self.journal.team.members):
                page["continuationToken"] = str(begin + self.page)
            return web.json_response(page)

        return await self._answer("members", request, members)

    async def _answer(self, name: str, request: web.Request, work: Any) -> web.StreamResponse:
        text = await request.text()
        body = json.loads(text) if text else None
        headers = {key.lower(): value for key, value in request.headers.items()}
        call = Call(name=name, method=request.method, path=request.raw_path, headers=headers, body=body)
        self.calls.append(call)
        if request.transport is not None:
            self.ports.add(request.transport.get_extra_info("peername")[1])
        fault = self.faults.take(name)
        if not self.takes(call.token):
            return _error(401, "Unauthorized")
        if self.limited and not self.limits.take(request.match_info.get("conversation", ""), reading=name == "members"):
            return _error(429, "TooManyRequests", {"Retry-After": "1"})
        match fault.trouble if fault else None:
            case None:
                return await work(body)
            case Trouble.DROP:
                return _dropped(request)
            case Trouble.DROP_AFTER:
                await work(body)
                return _dropped(request)
            case Trouble.ERROR_AFTER:
                await work(body)
                return _error(502, "BadGateway")
            case Trouble.SLOW:
                answer = await work(body)
                await self.released.wait()
                return answer
            case Trouble.GARBAGE:
                return web.Response(text="<html>It works!</html>", content_type="text/html")
            case Trouble.REDIRECT:
                return web.Response(status=307, headers={"Location": fault.to})
            case trouble:
                headers = {"Retry-After": fault.retry_after} if trouble is Trouble.RATE_LIMITED else {}
                return _error(STATUS[trouble], fault.code, headers)


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": {"code": code, "message": f"said by the fake: {code}"}} if code else {}
    return web.json_response(body, status=status, headers=headers)


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
