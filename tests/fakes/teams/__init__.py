"""Microsoft's side of Teams over real HTTP: Entra, the keys, the Bot Connector with a team behind it, and its requests.

`async with FakeTeams() as teams:` and point the bot at `teams.service_url`, `teams.metadata_url` and, over HTTPS with
`teams.certificate` trusted, `teams.login_url`. Nothing here is our own code: what a bot may say is judged anew.
"""

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2
from aiohttp import web
from aiohttp.typedefs import Handler

from tests.fakes.teams import signing
from tests.fakes.teams.activities import Activities
from tests.fakes.teams.certificates import certificate
from tests.fakes.teams.connector import Call, Connector
from tests.fakes.teams.faults import Fault, Faults, Trouble
from tests.fakes.teams.graph import Graph
from tests.fakes.teams.journal import ANA, BO, CY, DEE, ELI, Journal, Person, Posted, Team
from tests.fakes.teams.login import Login, Metadata
from tests.fakes.teams.signing import ABSENT, SigningKey

__all__ = [
    "ABSENT",
    "ANA",
    "APP_ID",
    "BO",
    "CY",
    "DEE",
    "ELI",
    "Call",
    "FakeTeams",
    "Fault",
    "Journal",
    "Person",
    "Posted",
    "SigningKey",
    "Team",
    "Trouble",
]

APP_ID = "00000000-0000-4000-8000-00000000a44d"
PASSWORD = "a secret of the fake's"
TENANT = "00000000-0000-4000-8000-000000007e4a"


@dataclass
class FakeTeams:
    app_id: str = APP_ID
    password: str = PASSWORD
    tenant: str = TENANT
    limited: bool = False  # answers 429 beyond the pace Teams takes
    any_token: bool = True  # False: only those its Entra gave
    port: int = 0
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.login = Login(self.app_id, self.password, self.tenant)
        self.metadata = Metadata()
        self.connector = Connector(
            self.journal,
            self.tenant,
            limited=self.limited,
            takes=lambda token: bool(token) and (self.any_token or token in self.login.given),
        )

        self.graph = Graph(self.journal, self.connector.faults)

    @property
    def faults(self) -> Faults:
        return self.connector.faults

    @property
    def key(self) -> SigningKey:
        return self.metadata.keys[0]

    def calls(self, name: str = "") -> list[Call]:
        return [call for call in self.connector.calls if name in ("", call.name)]

    def authorization(self, activity: Any, *, key: SigningKey | None = None, **changes: Any) -> str:
        """The header the Bot Connector sends that activity with; `changes` go to the token's claims."""
        url = activity.get("serviceUrl", "") if isinstance(activity, dict) else ""
        given = {"app_id": self.app_id, "service_url": url} | changes
        return f"Bearer {signing.token(key or self.key, **given)}"

    async def deliver(self, activity: dict[str, Any], *, to: str) -> httpx2.Response:
        """Send the bot an activity, signed. The answer to an invoke is what the presser sees."""
        headers = {"authorization": self.authorization(activity), "content-type": "application/json; charset=utf-8"}
        return await self._http.post(to, content=json.dumps(activity), headers=headers, timeout=30)

    async def __aenter__(self) -> Self:
        self._transports: set[asyncio.Transport] = set()
        self._http = httpx2.AsyncClient(trust_env=False, verify=False)
        plain = web.Application(client_max_size=4_000_000, middlewares=[self._noted])
        secure = web.Application(middlewares=[self._noted])
        self.connector.add_to(plain, "/teams")
        self.metadata.add_to(plain)
        self.graph.add_to(plain)
        self.login.add_to(secure)
        self._runners = [web.AppRunner(app, access_log=None, shutdown_timeout=1) for app in (plain, secure)]
        for runner in self._runners:
            await runner.setup()
        await web.TCPSite(self._runners[0], "127.0.0.1", self.port).start()
        await web.TCPSite(self._runners[1], "127.0.0.1", 0, ssl_context=certificate().context).start()
        self.url, self.certificate = f"http://127.0.0.1:{_port(self._runners[0])}", certificate().file
        self.service_url = f"{self.url}/teams/"
        self.graph.url = self.graph_url = self.url
        self.metadata.url, self.login.url = self.url, f"https://localhost:{_port(self._runners[1])}"
        self.metadata_url, self.login_url = f"{self.url}/v1/.well-known/openidconfiguration", self.login.url
        self.says = Activities(self.app_id, self.tenant, self.service_url, self.journal.team)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connector.released.set()
        await self._http.aclose()
        for transport in self._transports:  # TLS would wait for the other side's goodbye
            transport.abort()
        for runner in self._runners:
            await runner.cleanup()

    @web.middleware
    async def _noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        return await handler(request)


def _port(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])
