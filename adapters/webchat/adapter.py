"""The web chat's routes, and how a reply reaches the pages that are open."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response

from adapters.base import TEXT_CHARS, Receive, Reply, Transcript
from adapters.bodies import parse, read_body
from adapters.refusals import Reason, Refusal, channel_route
from adapters.webchat import files
from adapters.webchat.allowances import Allowance, Meter
from adapters.webchat.messages import PostedSession, PostedWords, thread_of
from adapters.webchat.origins import Origins
from adapters.webchat.streams import Live, Reading, Seating, Streams, shown
from adapters.webchat.visitors import Visitor, Visitors

BODY_BYTES: Final = 512 * 1024
REREAD_SECONDS: Final = 5.0
CONVERSATIONS: Final = 9_999
PER_VISITOR: Final = Allowance(burst=10, per_minute=20)  # messages
PER_VISITOR_CHARS: Final = Allowance(burst=2 * TEXT_CHARS, per_minute=20_000)  # of those messages' text
PER_ADDRESS: Final = Allowance(burst=60, per_minute=120)  # requests of any kind
SEATING: Final = Seating()
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


class WebChat:
    """A channel in the customer's browser. The transcript is what they see: a reply is there before it is sent."""

    repeats_safely = True

    def __init__(
        self,
        *,
        name: str,
        title: str,
        receive: Receive,
        transcript: Transcript,
        secret: str,
        clock: Callable[[], datetime],
        wall: Callable[[], datetime] | None = None,  # the machine's own, for what is signed; None: `clock`
        tell: Callable[[str], Awaitable[None]]
        | None = None,  # wakes this thread's pages elsewhere; None: there are none
        identity_secret: str | None = None,  # what the site signs identities with; None: `secret`
        allowed_origins: Sequence[str] = (),  # other sites that may embed the chat
        company: str = "Larkspur Supply",  # whose chat it is, on the page that it serves itself
        per_visitor: Allowance = PER_VISITOR,
        per_visitor_chars: Allowance = PER_VISITOR_CHARS,
        per_address: Allowance = PER_ADDRESS,
        seating: Seating = SEATING,
        reread_seconds: float = REREAD_SECONDS,
    ) -> None:
        self.name = name
        self.title = title
        self._receive = receive
        self._transcript = transcript
        self._visitors = Visitors(
            channel=name, secret=secret, identity_secret=identity_secret or secret, clock=wall or clock
        )
        self._origins = Origins(allowed_origins)
        self._by_visitor = Meter(per_visitor, clock=clock)
        self._chars_by_visitor = Meter(per_visitor_chars, clock=clock)
        self._by_address = Meter(per_address, clock=clock)
        self._streams = Streams(transcript=transcript, clock=clock, seating=seating, reread_seconds=reread_seconds)
        self._company = company
        self._tell = tell
        self.routes = self._routes()

    def _routes(self) -> APIRouter:
        router = APIRouter(
            route_class=channel_route(self.name, self._origins.mark),
            tags=[f"channel: {self.name}"],
            include_in_schema=False,
        )
        for path, served in self._files().items():
            router.add_api_route(path, served.answer, methods=["GET"])
        router.add_api_route("/session", self._session, methods=["POST"])
        router.add_api_route("/messages", self._write, methods=["POST"], status_code=HTTPStatus.ACCEPTED)
        router.add_api_route("/messages", self._read, methods=["GET"])
        router.add_api_route("/stream", self._stream, methods=["GET"])
        for path in ("/session", "/messages", "/stream"):
            router.add_api_route(path, self._preflight, methods=["OPTIONS"])
        return router

    def _files(self) -> dict[str, files.Served]:
        policy = files.content_security(self._origins.allowed)
        page = files.page(title=self.title, company=self._company)
        return {
            "/": files.Served(page, "text/html", content_security_policy=policy),
            "/page.css": files.Served((files.STATIC / "page.css").read_text(encoding="utf-8"), "text/css"),
            "/widget.js": files.Served(files.widget(), "text/javascript", cross_origin_resource_policy="cross-origin"),
        }

    async def _preflight(self, request: Request) -> Response:
        return self._origins.preflight(request)

    async def _session(self, request: Request, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        """A token for this browser, and the newest conversation of its visitor."""
        self._admit(request)
        asked = parse(PostedSession, await read_body(request, most_bytes=BODY_BYTES))
        if asked.identity is not None:
            visitor = self._visitors.vouched(asked.identity)
        elif authorization:
            visitor = self._visitors.renewed(self._visitors.read(authorization))
        else:
            visitor = self._visitors.stranger()
        return {
            "token": self._visitors.token(visitor),
            "expires_at": visitor.expires_at.isoformat(),
            "visitor": visitor.id,
            "name": visitor.identity.name if visitor.identity else None,
            "identified": visitor.identity is not None,
            "conversation": await self._newest_conversation(visitor, asked.conversation),
        }

    async def _newest_conversation(self, visitor: Visitor, known: int) -> int:
        """Another device of theirs may have begun later ones. Numbers are used without gaps, so leaps find it."""

        async def begun(number: int) -> bool:
            return number <= CONVERSATIONS and bool(await self._transcript(thread_of(visitor, number), 0))

        newest, leap = known, 1
        while await begun(newest + leap):
            newest += leap
            leap *= 2
        while leap > 1:
            leap //= 2
            if await begun(newest + leap):
                newest += leap
        return newest

    async def _write(self, request: Request, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        visitor = self._known(request, authorization)
        self._by_visitor.take(visitor.id)
        words = parse(PostedWords, await read_body(request, most_bytes=BODY_BYTES))
        self._chars_by_visitor.take(visitor.id, len(words.text))
        received = await self._receive(words.inbound(channel=self.name, visitor=visitor))
        self._streams.wake(thread_of(visitor, words.conversation))
        return {
            "message_id": received.message_id,
            "conversation_id": received.conversation_id,
            "repeated": received.repeated,
        }

    async def _read(
        self, request: Request, authorization: Annotated[str, Header()] = "", conversation: str = "1", after: str = "0"
    ) -> dict[str, Any]:
        visitor = self._known(request, authorization)
        reading = Reading(_number(after))
        lines = await self._transcript(thread_of(visitor, _number(conversation)), reading.mark)
        return {"lines": [shown(line) for line, _ in reading.fresh(lines)], "after": reading.mark}

    async def _stream(
        self,
        request: Request,
        authorization: Annotated[str, Header()] = "",
        last_event_id: Annotated[str, Header()] = "",
        conversation: str = "1",
        after: str = "0",
    ) -> Live:
        visitor = self._known(request, authorization)
        begin = _number(last_event_id or after)
        thread = thread_of(visitor, _number(conversation))
        seat = self._streams.take_seat(thread=thread, visitor=visitor.id, address=_address(request))
        return self._streams.live(seat, after=begin, until=visitor.expires_at)

    def _admit(self, request: Request) -> None:
        self._origins.check(request)
        self._by_address.take(_address(request))

    def _known(self, request: Request, authorization: str) -> Visitor:
        self._admit(request)
        return self._visitors.read(authorization)

    async def send(self, reply: Reply) -> str:
        """The reply is in the transcript already: wake the pages that show it. Repeated, they find nothing new."""
        self.wake(reply.thread)
        if self._tell is not None:
            await self._tell(reply.thread)
        return reply.key

    def wake(self, thread: str) -> None:
        """There is something new: pages here that show this thread read it again."""
        self._streams.wake(thread)

    def wake_all(self) -> None:
        """There may be something new anywhere."""
        self._streams.wake_all()

    def hang_up(self) -> None:
        """End all live streams. A server that waits for its connections calls this before it waits."""
        self._streams.hang_up()

    async def close(self) -> None:
        self.hang_up()


def _number(value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, Reason.INVALID, "A number is expected here.")
    return int(value)


def _address(request: Request) -> str:
    """Who asks, as far as an address tells. Of IPv6 the network: one household has 2^64 addresses."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host
    return str(address.ipv4_mapped or f"{int(address) >> 64:x}::/64")
