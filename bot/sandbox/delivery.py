"""Handing things to the bot: signed HTTP or Socket Mode, three seconds each, events again when they fail."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox import payloads
from bot.sandbox.events import subscribed
from bot.sandbox.faults import Faults, Trouble
from bot.sandbox.journal import Delivered
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.wire import JSON
from bot.sandbox.workspace import Workspace

DEADLINE_SECONDS = 3.0
RETRY_WAITS_SECONDS = (0.0, 60.0, 300.0)  # https://docs.slack.dev/apis/events-api#retries
REORDER_SECONDS = 1.0  # how long a reordered event waits for the next one
JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What the bot said. `reason` is None when it acknowledged in time, else Slack's word for the failure."""

    status: int = 0
    body: Any = None  # parsed when it was JSON, else text; "" when empty
    reason: str | None = None
    no_retry: bool = False


class Delivery:
    """One bot's inbox. `retry_scale` shortens the waits between retries for tests."""

    def __init__(
        self,
        workspace: Workspace,
        faults: Faults,
        sockets: SocketMode,
        *,
        signing_secret: str,
        retry_scale: float = 1.0,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self.request_url: str | None = None
        self.retry_scale = retry_scale
        self.deadline_seconds = deadline_seconds
        self._workspace = workspace
        self._faults = faults
        self._sockets = sockets
        self._secret = signing_secret.encode()
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._waiting = 0  # of those under way, how many only wait for their next retry
        self._held: JSON | None = None
        workspace.tell = self.tell

    @property
    def connected(self) -> bool:
        return self.request_url is not None or self._sockets.connected

    @property
    def undelivered(self) -> int:
        """Events on their way to the bot, those that wait for their next retry included."""
        return len(self._under_way)

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=10)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))

    async def stop(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def quiet(self, *, timeout_seconds: float = 60) -> None:
        """Return once nothing is being delivered, waits for retries aside. Raises: TimeoutError."""
        await self._workspace.until(lambda: len(self._under_way) <= self._waiting, timeout_seconds=timeout_seconds)

    async def verify(self) -> Answer:
        """url_verification, as when a request URL is entered in Slack's settings: it must echo the challenge."""
        challenge = {"token": payloads.VERIFICATION_TOKEN, "challenge": "sandbox-challenge", "type": "url_verification"}
        return await self._post(JSON_TYPE, json.dumps(challenge).encode(), {})

    async def rate_limited(self) -> Answer:
        """The callback that tells an app that it gets too many events."""
        told = {
            "token": payloads.VERIFICATION_TOKEN,
            "type": "app_rate_limited",
            "team_id": self._workspace.team_id,
            "minute_rate_limited": int(self._workspace.clock().timestamp()) // 60 * 60,
            "api_app_id": self._workspace.app_id,
        }
        answer = await self._post(JSON_TYPE, json.dumps(told).encode(), {})
        self._record("app_rate_limited", told, 0, answer)
        return answer

    # -- events --------------------------------------------------------------------------------------------------

    def tell(self, event: JSON) -> None:
        """Send an event on its way; a bot that never connected is not told."""
        if not self.connected or not subscribed(event, self._workspace.subscriptions):
            return
        told = payloads.envelope(self._workspace, event)
        fault = self._faults.strike_event(str(event["type"]))
        if fault and fault.trouble is Trouble.REORDER and self._held is None:
            self._held = told
            asyncio.get_running_loop().call_later(REORDER_SECONDS, self._let_go)
            return
        self._begin(told)
        if fault and fault.trouble is Trouble.DUPLICATE:
            self._begin(told)
        self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None and self._session and not self._session.closed:
            self._begin(held)

    def _begin(self, told: JSON) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(told))
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._workspace.changed()

    async def _deliver(self, told: JSON) -> None:
        reason = None
        for attempt, wait in enumerate((None, *RETRY_WAITS_SECONDS)):
            if wait is not None:
                self._waiting += 1
                self._workspace.changed()
                try:
                    await asyncio.sleep(wait * self.retry_scale)
                finally:
                    self._waiting -= 1
            answer = await self._hand_over_event(told, attempt, reason)
            self._record(str(told["event"]["type"]), told, attempt, answer)
            if answer.reason is None or answer.no_retry:
                return
            reason = answer.reason

    async def _hand_over_event(self, told: JSON, attempt: int, reason: str | None) -> Answer:
        if self.request_url is None:
            return await self._through_socket("events_api", told, attempt, reason)
        headers = {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": str(reason)} if attempt else {}
        return await self._post(JSON_TYPE, json.dumps(told).encode(), headers)

    # -- interactions --------------------------------------------------------------------------------------------

    async def interact(self, payload: JSON) -> Answer:
        """A press, submission or the like: once, never retried."""
        if self.request_url is None:
            answer = await self._through_socket("interactive", payload, 0, None)
        else:
            form = urlencode({"payload": json.dumps(payload)}).encode()
            answer = await self._post(FORM_TYPE, form, {})
        self._record(str(payload["type"]), payload, 0, answer)
        return answer

    async def run(self, command: dict[str, str]) -> Answer:
        """A slash command: once, never retried."""
        if self.request_url is None:
            answer = await self._through_socket("slash_commands", command, 0, None)
        else:
            answer = await self._post(FORM_TYPE, urlencode(command).encode(), {})
        self._record("slash_command", command, 0, answer)
        return answer

    # -- wires ---------------------------------------------------------------------------------------------------

    def signed(self, body: bytes) -> dict[str, str]:
        """The two headers of Slack's signature, over the time the bot's own clock should show."""
        at = str(int(time.time()))
        digest = hmac.new(self._secret, b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}

    async def _post(self, content_type: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self._session is None or self.request_url is None:
            return Answer(reason="connection_failed")
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0", **self.signed(body), **headers}
        try:
            async with asyncio.timeout(self.deadline_seconds):
                async with self._session.post(
                    self.request_url, data=body, headers=headers, allow_redirects=False
                ) as response:
                    text = (await response.read()).decode(errors="replace")
        except TimeoutError:
            return Answer(reason="http_timeout")
        except aiohttp.ClientError:
            return Answer(reason="connection_failed")
        failed = None if 200 <= response.status < 300 else "http_error"
        no_retry = response.headers.get("x-slack-no-retry") == "1"
        return Answer(response.status, _parsed(text, response.content_type), failed, no_retry)

    async def _through_socket(self, kind: str, payload: JSON, attempt: int, reason: str | None) -> Answer:
        try:
            body = await self._sockets.send(
                kind, payload, attempt=attempt, reason=reason, timeout_seconds=self.deadline_seconds
            )
        except TimeoutError:
            return Answer(reason="timeout")
        except ConnectionError:
            return Answer(reason="connection_failed")
        return Answer(200, "" if body is None else body)

    def _record(self, kind: str, payload: JSON, attempt: int, answer: Answer) -> None:
        self._workspace.journal.handed(
            Delivered(kind=kind, payload=payload, attempt=attempt, status=answer.status, reason=answer.reason)
        )
        self._workspace.changed()


def _parsed(text: str, content_type: str) -> Any:
    if content_type != JSON_TYPE or not text:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
