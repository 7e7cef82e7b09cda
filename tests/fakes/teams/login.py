"""Entra and the Bot Framework's OpenID metadata: who gives us tokens, and by which keys requests to us are signed."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from tests.fakes.teams.signing import SigningKey

SCOPES: Final = ("https://api.botframework.com/.default", "https://graph.microsoft.com/.default")


@dataclass
class Login:
    app_id: str
    password: str
    tenant: str
    url: str = ""  # https
    lasts_seconds: int = 3600
    given: list[str] = field(default_factory=list)  # tokens, in order
    discoveries: int = 0
    error: tuple[int, dict[str, str]] | None = None  # answered instead of a token
    broken: bool = False  # answers nothing but 503
    held: asyncio.Event = field(default_factory=asyncio.Event)  # tokens are given while it is set
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.held.set()

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._discover)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)

    async def _discover(self, request: web.Request) -> web.Response:
        self.discoveries += 1
        if self.broken:
            return web.Response(status=503)
        if request.match_info["tenant"] != self.tenant:
            error = {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."}
            return web.json_response(error, status=400)
        base = f"{self.url}/{self.tenant}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.reached.set()
        await self.held.wait()
        if self.broken:
            return web.Response(status=503)
        if self.error is not None:
            return web.json_response(self.error[1], status=self.error[0])
        if form.get("client_id") != self.app_id or form.get("client_secret") != self.password:
            error = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
            return web.json_response(error, status=401)
        if form.get("scope") not in SCOPES:
            return web.json_response({"error": "invalid_scope"}, status=400)
        made = f"entra-{next(self._count)}"
        self.given.append(made)
        return web.json_response({"token_type": "Bearer", "expires_in": self.lasts_seconds, "access_token": made})


@dataclass
class Metadata:
    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey()])
    url: str = ""
    looks: int = 0  # at the list of keys
    broken: bool = False
    document: dict[str, Any] | None = None  # said instead of the list of keys

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/v1/.well-known/openidconfiguration", self._metadata)
        app.router.add_get("/v1/.well-known/keys", self._keys)

    async def _metadata(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": "https://api.botframework.com",
                "jwks_uri": f"{self.url}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, request: web.Request) -> web.Response:
        self.looks += 1
        if self.broken:
            return web.Response(status=503)
        return web.json_response(self.document or {"keys": [key.jwk() for key in self.keys]})
