"""The shop's own app: hands its customers' messages to Signoff and takes the replies, both by signed webhook.

It is what any product does that uses the webhook channel, with the Standard Webhooks library and nothing of ours.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import standardwebhooks
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.company.waiting import WAITING, Customer
from bot.sandbox.control import local

NAME: Final = "Larkspur’s app"
_FILES: Final = "https://files.larkspur.example"
_TIMEOUT_SECONDS: Final = 20
_BURST_SECONDS: Final = 0.3
_BODY_BYTES: Final = 500_000
_TEXT_CHARS: Final = 20_000


class NotTaken(Exception):
    """Signoff did not take a message. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One message of a conversation in the shop's app."""

    id: str
    outgoing: bool  # from the desk to the customer
    author: str
    text: str
    at: float  # seconds since 1970


@dataclass
class Shop:
    """The app. `changed` is called whenever something arrived, so that pages look again."""

    secret: str
    clock: Callable[[], datetime]
    changed: Callable[[], None] = lambda: None
    customers: Sequence[Customer] = WAITING
    inbox: str = ""  # Signoff's address for messages; set before the first one
    down: bool = False
    lines: dict[str, list[Line]] = field(default_factory=dict)  # by conversation

    def __post_init__(self) -> None:
        self._webhook = standardwebhooks.Webhook(self.secret)

    # -- sending -------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Every waiting customer writes, in order."""
        for customer in self.customers:
            for number, text in enumerate(customer.writes):
                await self.say(customer, text, photo=customer.photo if number == 0 else None)
                await asyncio.sleep(_BURST_SECONDS)

    async def say(self, customer: Customer, text: str, *, photo: str | None = None) -> None:
        """Hand over a customer's message.

        Raises:
            NotTaken: nothing is kept then; saying it again is safe.
        """
        message_id = f"msg_{secrets.token_hex(10)}"
        body = json.dumps(
            {
                "conversation": customer.conversation,
                "customer": {
                    "id": customer.conversation,
                    "name": customer.name,
                    "email": customer.email,
                    "tier": customer.tier,
                },
                "text": text,
                "attachments": [{"name": photo, "url": f"{_FILES}/{photo}"}] if photo else [],
            }
        )
        await self._post(message_id, body)
        self._keep(customer.conversation, Line(id=message_id, outgoing=False, author="", text=text, at=self._seconds()))

    async def _post(self, message_id: str, body: str) -> None:
        at = self.clock().astimezone(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, at, body),
        }
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.post(self.inbox, data=body.encode(), headers=headers) as answer,
            ):
                if answer.status != 202:
                    raise NotTaken(f"Signoff answered {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotTaken(f"Signoff did not answer ({type(error).__name__})") from error

    # -- receiving -----------------------------------------------------------------------------------------------

    async def receive(self, request: Request) -> Response:
        """A reply from Signoff: checked, kept once by its id, acknowledged."""
        if self.down:
            return JSONResponse({"error": "down for maintenance"}, 503)
        body = await request.body()
        if len(body) > _BODY_BYTES:
            return JSONResponse({"error": "too large"}, 413)
        try:
            told: Any = self._webhook.verify(body, dict(request.headers))
        except standardwebhooks.WebhookVerificationError:
            return JSONResponse({"error": "wrong signature"}, 401)
        reply_id, conversation = str(told["id"]), str(told["conversation"])
        if all(line.id != reply_id for line in self.lines.get(conversation, ())):
            line = Line(
                id=reply_id, outgoing=True, author=str(told["author"]), text=str(told["text"]), at=self._seconds()
            )
            self._keep(conversation, line)
        return JSONResponse({"id": reply_id})

    # -- what the page sees --------------------------------------------------------------------------------------

    async def seen(self, _: Request) -> Response:
        customers = [
            {
                "conversation": customer.conversation,
                "name": customer.name,
                "tier": customer.tier,
                "about": customer.about,
                "lines": [asdict(line) for line in self.lines.get(customer.conversation, ())],
            }
            for customer in self.customers
        ]
        return JSONResponse({"name": NAME, "down": self.down, "customers": customers})

    async def _said(self, request: Request) -> Response:
        told = await request.json()
        customer = next((each for each in self.customers if each.conversation == told["conversation"]), None)
        if customer is None:
            raise LookupError("no such customer")
        try:
            await self.say(customer, str(told["text"])[:_TEXT_CHARS])
        except NotTaken as refused:
            return JSONResponse({"ok": False, "error": f"{refused}. Try again?"})
        return JSONResponse({"ok": True})

    async def _switched(self, request: Request) -> Response:
        self.down = bool((await request.json())["down"])
        self.changed()
        return JSONResponse({"ok": True, "down": self.down})

    def page_routes(self) -> list[Route]:
        """For the page only: what the app shows, writing as a customer, and going down."""
        return [
            Route("/demo/shop", local(self.seen), methods=["GET"]),
            Route("/demo/shop/say", local(self._said), methods=["POST"]),
            Route("/demo/shop/down", local(self._switched), methods=["POST"]),
        ]

    def reply_route(self) -> Route:
        """Where Signoff posts replies."""
        return Route("/shop/replies", self.receive, methods=["POST"])

    def _keep(self, conversation: str, line: Line) -> None:
        self.lines.setdefault(conversation, []).append(line)
        self.changed()

    def _seconds(self) -> float:
        return self.clock().timestamp()
