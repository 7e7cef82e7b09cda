"""The Bot Connector at the wire: JSON in, JSON out, and every failure as one of two kinds.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import httpx2

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.adapter import JSON, Adapter, Connectors, Verbatim
from bot.surfaces.teams.connector_http import Answered, Sender, client, json_of
from bot.surfaces.teams.credentials import Credentials, Tokens
from bot.surfaces.teams.hosts import Hosts
from bot.surfaces.teams.metrics import CALLS
from bot.surfaces.teams.refs import Ref, in_thread

T = TypeVar("T")

ATTEMPT_SECONDS: Final = 10.0
DEADLINE_SECONDS: Final = 15.0  # for all attempts of one call
FIRST_PAUSE_SECONDS: Final = 0.5
PAGE: Final = 500
PAGES_MOST: Final = 50
# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit: repeat with backoff. A 412 did nothing;
# after the others nobody knows, so what would be done twice is left to whoever comes again and looks first.
UNDONE: Final = frozenset({412})
PASSING: Final = frozenset({412, 502, 503, 504})
_TEMPORARY: Final = PASSING | {408, 429, 500}
_WORDS: Final = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 413: "too_large"}
ADVICE: Final = {
    "BotNotInConversationRoster": "the app is not in this team: install it there",
    "MessageWritesBlocked": "the app may not write there: install it in the team, or allow it in the channel",
    "BotDisabledByAdmin": "an administrator has blocked the app in Teams",
    "ConversationNotFound": "there is no such channel or chat, or the app is not in it",
    "ActivityNotFoundInConversation": "the message is gone from Teams: somebody deleted it",
    "MessageSizeTooBig": "the card is too long",
    "BadSyntax": "Teams does not take this card",
    "BotNotRegistered": "no bot resource has this app id: check MICROSOFT_APP_ID",
}
NOT_OURS: Final = "Teams does not take our token: check that the bot resource has this app id and tenant"


class Client:
    """The Bot Connector with our token. Use it until `stop`.

    Sends an activity as given but for who it is from. Nothing that might have arrived is sent again here.
    """

    def __init__(
        self,
        *,
        app_id: str,
        tokens: Tokens,
        hosts: Hosts,
        deadline_seconds: float = DEADLINE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot = {"id": f"28:{app_id}"}
        self._deadline, self._sleep = deadline_seconds, sleep
        self._http = client(local=hosts.all_local)
        credentials = Credentials(app_id, tokens)
        self._connectors = Connectors(app_id=app_id, credentials=credentials, hosts=hosts, sender=Sender(self._http))
        self.adapter = Adapter(self._connectors)

    async def stop(self) -> None:
        await self._http.aclose()

    async def create_thread(self, activity: Mapping[str, Any], *, channel: str, tenant: str, service_url: str) -> Ref:
        """Begin a thread in a channel of a team the app is installed in.

        Raises:
            SurfaceUnavailable: no or an unusable answer, or a temporary error; it may still hang there.
            SurfaceRefused: Teams said no for good.
        """
        asked = {
            "isGroup": True,
            "bot": self._bot,
            "tenantId": tenant,
            "channelData": {"channel": {"id": channel}, "tenant": {"id": tenant}},
            "activity": {**activity, "from": self._bot},
        }

        async def create() -> JSON:
            conversations = (await self._connectors.create(service_url)).conversations
            return json_of(await conversations.create_conversation(Verbatim(asked), raw=True))

        made = await self._call("create", create, again=UNDONE)
        conversation, root = _text(made, "id"), _text(made, "activityId")
        if conversation and not root:
            root = conversation.partition(";messageid=")[2]
        if not conversation or not root:
            raise SurfaceUnavailable("create: an answer without ids")
        thread = conversation if ";messageid=" in conversation else in_thread(conversation, root)
        return Ref(conversation=thread, activity=root, tenant=tenant, service_url=service_url)

    async def reply(self, to: Ref, activity: Mapping[str, Any]) -> Ref:
        """Post in the thread, or the chat, of a message. Raises like `create_thread`."""
        asked = {**activity, "from": self._bot, "conversation": {"id": to.conversation}}

        async def send() -> JSON:
            conversations = (await self._connectors.create(to.service_url)).conversations
            return json_of(await conversations.send_to_conversation(to.conversation, Verbatim(asked), raw=True))

        sent = await self._call("reply", send, again=UNDONE)
        activity_id = _text(sent, "id")
        if not activity_id:
            raise SurfaceUnavailable("reply: an answer without id")
        return Ref(conversation=to.conversation, activity=activity_id, tenant=to.tenant, service_url=to.service_url)

    async def update(self, ref: Ref, activity: Mapping[str, Any]) -> None:
        """Replace a message of ours, for everyone. Harmless to repeat. Raises like `create_thread`."""
        asked = {**activity, "id": ref.activity, "from": self._bot, "conversation": {"id": ref.conversation}}

        async def put() -> JSON:
            conversations = (await self._connectors.create(ref.service_url)).conversations
            return json_of(
                await conversations.update_activity(ref.conversation, ref.activity, Verbatim(asked), raw=True)
            )

        await self._call("update", put, again=PASSING)

    async def members(self, conversation: str, *, service_url: str) -> list[JSON]:
        """Everyone in a team (the id of its General channel) or chat, whole. Raises like `create_thread`."""
        found: list[JSON] = []
        after: str | None = None
        for _ in range(PAGES_MOST):
            page = await self._page(conversation, after, service_url)
            members = page.get("members")
            found += [each for each in members if isinstance(each, dict)] if isinstance(members, list) else []
            after = _text(page, "continuationToken") or None
            if after is None:
                return found
        raise SurfaceUnavailable("members: more pages than a team has")

    async def _page(self, conversation: str, after: str | None, service_url: str) -> JSON:
        async def get() -> JSON:
            conversations = (await self._connectors.create(service_url)).conversations
            return json_of(await conversations.get_conversation_paged_members(conversation, PAGE, after, raw=True))

        return await self._call("members", get, again=PASSING)

    async def _call(self, call: str, work: Callable[[], Awaitable[T]], *, again: frozenset[int]) -> T:
        """The answer, within the deadline. `again`: the statuses after which it is tried once more before that."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._deadline
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(min(loop.time() + ATTEMPT_SECONDS, ends)):
                    result = await work()
            except Answered as answer:
                CALLS.labels(call=call, result=str(answer.status)).inc()
                if answer.status not in again or loop.time() + pause >= ends:
                    raise _failure(call, answer) from answer
            except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
                CALLS.labels(call=call, result="no_answer").inc()
                raise SurfaceUnavailable(f"{call}: {type(error).__name__}") from error
            else:
                CALLS.labels(call=call, result="ok").inc()
                return result
            await self._sleep(pause * random.uniform(0.5, 1.0))
            pause *= 2


def _failure(call: str, answer: Answered) -> SurfaceUnavailable | SurfaceRefused:
    words = " ".join(part for part in (_WORDS.get(answer.status, f"http_{answer.status}"), answer.code) if part)
    if answer.status in _TEMPORARY or answer.status > 500:
        return SurfaceUnavailable(f"{call}: {words}", retry_after_seconds=answer.retry_after_seconds)
    advice = ADVICE.get(answer.code) or (NOT_OURS if answer.status == 401 else "")
    return SurfaceRefused(f"{call}: {words}" + (f" ({advice})" if advice else ""))


def _text(body: JSON, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
