"""botbuilder's adapter in our host: turns that the guard let in, and a connector for each service URL, kept.

What of botbuilder-core is used and what is not, and why: docs/decisions/006.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botbuilder.core import CloudAdapterBase, InvokeResponse, TurnContext
from botbuilder.schema import Activity, ActivityTypes, ConversationAccount
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import (
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
)
from msrest.pipeline import AsyncPipeline
from msrest.serialization import Model

from bot.surfaces.base import SurfaceRefused
from bot.surfaces.teams.connector_http import Sender
from bot.surfaces.teams.credentials import SCOPE, Credentials
from bot.surfaces.teams.hosts import LOGIN_URL, Hosts

JSON = dict[str, Any]
CONNECTORS_MOST: Final = 50
_CALLER: Final = "urn:botframework:azure"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """To an invoke: the HTTP status, and the body as it is sent."""

    status: int
    body: JSON


class Verbatim(Model):
    """JSON that goes through the SDK's serializer as it is. Its models drop whatever Teams learnt after 2020."""

    _validation: Mapping[str, Any] = {}

    def __init__(self, body: Mapping[str, Any]) -> None:
        names = {f"field_{index}": name for index, name in enumerate(body)}
        self._attribute_map = {
            field: {"key": name.replace(".", "\\."), "type": "object"} for field, name in names.items()
        }
        self.__dict__.update({field: body[name] for field, name in names.items()})


class Connectors(ConnectorFactory):
    """botbuilder makes a client, with its own connections and its own token, for every turn."""

    def __init__(self, *, app_id: str, credentials: Credentials, hosts: Hosts, sender: Sender) -> None:
        self._app_id, self._credentials, self._hosts, self._sender = app_id, credentials, hosts, sender
        self._known: OrderedDict[str, ConnectorClient] = OrderedDict()

    async def create(self, service_url: str, audience: str | None = None) -> ConnectorClient:
        """Raises SurfaceRefused for a service URL that must not see our token."""
        if not self._hosts.allow(service_url):
            raise SurfaceRefused("forbidden: the service URL is none of those allowed")
        known = self._known.pop(service_url, None) or await self._new(service_url)
        self._known[service_url] = known
        while len(self._known) > CONNECTORS_MOST:
            self._known.popitem(last=False)
        return known

    async def _new(self, service_url: str) -> ConnectorClient:
        bearer = await self._credentials.create_credentials(self._app_id, SCOPE, LOGIN_URL, True)
        client = ConnectorClient(bearer, base_url=service_url)
        # Last, for the constructor chains the same policy into a pipeline of its own.
        client.config.pipeline = AsyncPipeline([client.config.user_agent_policy, bearer], self._sender)
        return client


class _Authentication(BotFrameworkAuthentication):
    """Nobody is let in here: bot.surfaces.teams.guard did that, or did not."""

    def __init__(self, connectors: Connectors) -> None:
        self._connectors = connectors

    async def authenticate_request(self, activity: Activity, auth_header: str) -> AuthenticateRequestResult:
        raise PermissionError("only the guard admits requests")

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        raise PermissionError("only the guard admits requests")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> Connectors:
        return self._connectors

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """We sign nobody in."""


class Adapter(CloudAdapterBase):
    """Turns of activities that were admitted. What is in them is read from the JSON, never from the SDK's models."""

    def __init__(self, connectors: Connectors) -> None:
        super().__init__(_Authentication(connectors))
        self._connectors = connectors

    async def turn(
        self, body: Mapping[str, Any], claims: Mapping[str, Any], listen: Callable[[], Awaitable[Answer | None]]
    ) -> Answer | None:
        """What `listen` says, after botbuilder's middleware; None where nothing but an acknowledgement is due."""
        admitted = AuthenticateRequestResult()
        admitted.claims_identity = ClaimsIdentity(dict(claims), True)
        admitted.audience, admitted.caller_id = SCOPE, _CALLER
        admitted.connector_factory = self._connectors

        async def on_turn(context: TurnContext) -> None:
            answer = await listen()
            if answer is not None:
                value = InvokeResponse(status=answer.status, body=answer.body)
                await context.send_activity(Activity(type=ActivityTypes.invoke_response, value=value))

        response = await self.process_activity(admitted, _essentials(body), on_turn)
        return None if response is None else Answer(status=int(response.status), body=response.body or {})


def _essentials(body: Mapping[str, Any]) -> Activity:
    """As much of an activity as a turn needs: the rest of it could break the SDK's deserializer."""
    conversation = body.get("conversation")
    account = conversation.get("id") if isinstance(conversation, Mapping) else None
    return Activity(
        type=_text(body.get("type")),
        id=_text(body.get("id")),
        name=_text(body.get("name")),
        channel_id=_text(body.get("channelId")),
        service_url=_text(body.get("serviceUrl")),
        conversation=ConversationAccount(id=_text(account)),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
