"""The demo's parts that are no play: the bot with the page among its routes, and what a demo remembers."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from starlette.routing import BaseRoute

from adapters.base import Adapter
from bot.app import App, Clock
from bot.metrics import Worker
from bot.sandbox.company.shop import Line
from bot.settings import Settings
from storage.database import Database


@dataclass(frozen=True)
class Staged:
    """The bot as the host knows it, with more routes beside its own."""

    app: App
    routes: Sequence[BaseRoute]

    @property
    def name(self) -> str:
        return self.app.name

    @property
    def db(self) -> Database:
        return self.app.db

    @property
    def jobs(self) -> Worker:
        return self.app.jobs

    @property
    def adapters(self) -> Sequence[Adapter]:
        return self.app.adapters

    @property
    def settings(self) -> Settings:
        return self.app.settings

    @property
    def clock(self) -> Clock:
        return self.app.clock

    @property
    def surface_routes(self) -> Sequence[BaseRoute]:
        return [*self.app.surface_routes, *self.routes]

    async def start(self) -> None:
        await self.app.start()

    async def stop(self) -> None:
        await self.app.stop()

    async def ready(self) -> Mapping[str, str | None]:
        return await self.app.ready()

    async def troubles(self) -> Mapping[str, str | None]:
        return await self.app.troubles()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the next demo in the same folder goes on with, besides the database."""

    secret: str  # signs the web chat's visitors
    shop_secret: str
    lines: dict[str, list[Line]]  # of the shop's app
    workspace: dict[str, Any] | None  # None: nothing happened there yet

    @classmethod
    def new(cls) -> Self:
        shop_secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        return cls(secret=secrets.token_urlsafe(48), shop_secret=shop_secret, lines={}, workspace=None)

    @classmethod
    def read(cls, told: dict[str, Any]) -> Self:
        """Raises: KeyError or TypeError where another version wrote it."""
        lines = {name: [Line(**line) for line in lines] for name, lines in told["lines"].items()}
        return cls(secret=told["secret"], shop_secret=told["shop_secret"], lines=lines, workspace=told["workspace"])

    @property
    def is_new(self) -> bool:
        return self.workspace is None

    def json(self, workspace: dict[str, Any], lines: dict[str, list[Line]]) -> dict[str, Any]:
        return {
            "secret": self.secret,
            "shop_secret": self.shop_secret,
            "lines": {name: [asdict(line) for line in each] for name, each in lines.items()},
            "workspace": workspace,
        }
