"""Our own tokens for the Bot Connector: Entra's, fetched off the event loop and kept until shortly before they end."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import msal
import requests
from botframework.connector.auth import ServiceClientCredentialsFactory
from msal.exceptions import MsalServiceError
from msrest.pipeline import AsyncHTTPPolicy, Request, Response

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.connector_http import Answered
from bot.surfaces.teams.hosts import LOGIN_URL

SCOPE: Final = "https://api.botframework.com/.default"
TIMEOUT_SECONDS: Final = 8
EARLY_SECONDS: Final = 300.0
ADVICE: Final = {  # https://learn.microsoft.com/entra/identity-platform/reference-error-codes
    "AADSTS7000215": "the client secret is wrong: set MICROSOFT_APP_PASSWORD to the secret's value, not its id",
    "AADSTS7000222": "the client secret has expired: make a new one and set MICROSOFT_APP_PASSWORD",
    "AADSTS700016": "the tenant has no such app: check MICROSOFT_APP_ID and MICROSOFT_APP_TENANT_ID",
    "AADSTS90002": "there is no such tenant: check MICROSOFT_APP_TENANT_ID",
}
_TEMPORARY: Final = ("temporarily_unavailable", "server_error", "throttled", "slow_down")
_CODE: Final = re.compile(r"AADSTS\d{4,9}")


class Tokens(Protocol):
    """Where a token for the Bot Connector comes from."""

    async def token(self) -> str:
        """Raises SurfaceUnavailable, SurfaceRefused."""

    async def forget(self, token: str) -> None:
        """The Bot Connector did not take this one: the next is a new one."""


class LocalTokens:
    """For a local Teams, which looks at none."""

    async def token(self) -> str:
        return "local"

    async def forget(self, token: str) -> None: ...


class EntraTokens:
    """Client credentials of a single-tenant app. One discovery, then one request an hour, whoever needs it."""

    def __init__(
        self,
        *,
        app_id: str,
        password: str,
        tenant: str,
        scope: str = SCOPE,
        login_url: str = LOGIN_URL,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError for an empty app id, password or tenant."""
        if not (app_id.strip() and password.strip() and tenant.strip()):
            raise ValueError("Teams needs an app id, its password and its tenant")
        self._app_id, self._password, self._scope, self._monotonic = app_id, password, scope, monotonic
        self._authority, self._known = f"{login_url.rstrip('/')}/{tenant}", login_url == LOGIN_URL
        self._app: Any = None
        self._http = _Session()
        self._token, self._until = "", 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        if self._stands():
            return self._token
        async with self._asking:
            if not self._stands():
                answer = await asyncio.to_thread(self._ask)
                self._token, self._until = _taken(answer, self._monotonic())
            return self._token

    async def forget(self, token: str) -> None:
        async with self._asking:
            if token == self._token:
                self._token = ""
                await asyncio.to_thread(self._app.remove_tokens_for_client)

    def _stands(self) -> bool:
        return bool(self._token) and self._monotonic() < self._until

    def _ask(self) -> dict[str, Any]:
        """Synchronous, with the network in it."""
        try:
            if self._app is None:
                self._app = msal.ConfidentialClientApplication(
                    self._app_id,
                    client_credential=self._password,
                    authority=self._authority,
                    instance_discovery=None if self._known else False,  # or it would ask Microsoft about a local host
                    http_client=self._http,
                )
            answer: dict[str, Any] = self._app.acquire_token_for_client(scopes=[self._scope])
        except (requests.RequestException, MsalServiceError) as error:
            raise SurfaceUnavailable(f"token: {type(error).__name__}") from error
        except ValueError as error:  # MSAL's, for a tenant it cannot discover and for an answer that is not JSON
            raise SurfaceUnavailable("token: no usable answer (check MICROSOFT_APP_TENANT_ID)") from error
        finally:
            self._http.close()  # the next is in an hour
        return answer


class _Session(requests.Session):
    def request(self, *given: Any, **options: Any) -> requests.Response:
        return super().request(*given, **{"timeout": TIMEOUT_SECONDS, **options})


def _taken(answer: dict[str, Any], now: float) -> tuple[str, float]:
    """The token, and until when it serves."""
    token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
    if isinstance(token, str) and token:
        return token, now + max(float(seconds) - EARLY_SECONDS, 1.0)
    error, told = str(answer.get("error", "no_token"))[:60], _CODE.search(str(answer.get("error_description", "")))
    words = f"token: {error}" + (f" {told[0]}" if told else "")
    if error in _TEMPORARY:
        raise SurfaceUnavailable(words)
    raise SurfaceRefused(words + (f" ({ADVICE[told[0]]})" if told and told[0] in ADVICE else ""))


class Bearer(AsyncHTTPPolicy):
    """Puts the token on each request; a refused one is replaced once."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    async def send(self, request: Request, **config: Any) -> Response:
        token = await self._tokens.token()
        try:
            return await self._with(token, request, **config)
        except Answered as answer:
            if answer.status != 401:
                raise
        await self._tokens.forget(token)
        return await self._with(await self._tokens.token(), request, **config)

    async def _with(self, token: str, request: Request, **config: Any) -> Response:
        request.http_request.headers["Authorization"] = f"Bearer {token}"
        return await self.next.send(request, **config)


class Credentials(ServiceClientCredentialsFactory):
    """The same for botbuilder, whose own asks Entra anew each turn and lets everybody in for an empty app id."""

    def __init__(self, app_id: str, tokens: Tokens) -> None:
        self._app_id, self._tokens = app_id, tokens

    async def is_valid_app_id(self, app_id: str) -> bool:
        return bool(app_id) and app_id == self._app_id

    async def is_authentication_disabled(self) -> bool:
        return False

    async def create_credentials(
        self, app_id: str, oauth_scope: str, login_endpoint: str, validate_authority: bool
    ) -> Bearer:
        if not await self.is_valid_app_id(app_id):
            raise PermissionError("not our app id")
        return Bearer(self._tokens)
