"""signoff demo: the whole loop on this machine, without an account, a key or a network.

The bot is the real one, built and served as `signoff run` does. Slack is the local workspace, the drafter is the
offline one, and one page plays the customers and the agents.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import typer
from pydantic import SecretStr
from rich.panel import Panel
from uvicorn.loops.auto import auto_loop_factory

from bot import logs
from bot.app import build
from bot.commands.stage import Kept, Staged
from bot.commands.terminal import now, out, refuse
from bot.host import AddressTaken, serve
from bot.sandbox import SandboxServer, keeping
from bot.sandbox.company.policy import CHAT, CHAT_TITLE, SHOP, SHOP_SECRET
from bot.sandbox.company.policy import policy as larkspur
from bot.sandbox.company.shop import NotTaken, Shop
from bot.sandbox.control import Control
from bot.sandbox.page import Scene, page
from bot.settings import Settings
from storage import schema
from storage.lock import AlreadyRunning, only_one

FOLDER: Final = Path(".demo")
HOST: Final = "127.0.0.1"
_TRIES: Final = 1200
_TRY_EVERY_SECONDS: Final = 0.05
_KEEP_EVERY_SECONDS: Final = 1


def demo(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Where the page opens; 0 takes a free port.")] = 8000,
    sandbox_port: Annotated[int, typer.Option(min=0, max=65_535, help="The local Slack's; 0 takes a free port.")] = 0,
    hold: Annotated[int, typer.Option(min=0, max=300, help="For how many seconds an approval can be undone.")] = 5,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what happened in earlier demos.")] = False,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Begin with nobody waiting.")] = False,
) -> None:
    """Play the whole loop on this machine: no account, no key, no network.

    What happened is kept in .demo/ until --fresh.
    """
    logs.set_up(style="console", level="error")
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    database = f"sqlite+aiosqlite:///{FOLDER / 'signoff.db'}"
    try:
        with only_one(database):
            kept = _remembered(fresh=fresh)
            schema.upgrade(database)
            with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
                runner.run(_play(kept, database, port or _free_port(), sandbox_port, hold=hold, seed=not no_seed))
    except AlreadyRunning:
        refuse("Not started: a demo is already running in this folder. Stop it first (Ctrl-C where it runs).")
    except AddressTaken:
        other = f"signoff demo --port {port + 1 if port < 65_535 else 8000}"
        refuse(f"Not started: something else listens on port {port}. Stop it, or choose another port: {other}")


async def _play(kept: Kept, database: str, port: int, sandbox_port: int, *, hold: int, seed: bool) -> None:
    """Everything, until Ctrl-C or SIGTERM."""
    address = f"http://{HOST}:{port}"
    shop = Shop(kept.shop_secret, now, inbox=f"{address}/channels/{SHOP}/messages", lines=kept.lines)
    async with _workspace(kept, shop, sandbox_port) as sandbox:
        sandbox.connect(f"{address}/slack/events")
        policy = larkspur(reply_url=f"{sandbox.url}/shop/replies", hold_seconds=hold)
        app = build(_settings(kept, database, port, sandbox), policy)
        scene = Scene(chat=f"/channels/{CHAT}/", chatTitle=CHAT_TITLE, shop=True, holdSeconds=hold)
        routes = [*page(scene), *Control(sandbox).routes(), *shop.page_routes()]
        keeper = asyncio.create_task(_keep(kept, sandbox, shop), name="keeper")
        opener = asyncio.create_task(_open(address, shop if seed and kept.is_new else None), name="opener")
        try:
            await serve(Staged(app, routes), host=HOST, port=port)
        finally:
            for task in (keeper, opener):
                task.cancel()
            await asyncio.gather(keeper, opener, return_exceptions=True)
            _write(kept, sandbox, shop)
    out.print("The demo has stopped. `signoff demo` goes on where it was; `--fresh` begins anew.")


@asynccontextmanager
async def _workspace(kept: Kept, shop: Shop, port: int) -> AsyncIterator[SandboxServer]:
    """The local Slack, with what it held last time."""
    sandbox = SandboxServer(port=port, routes=[shop.reply_route()])
    shop.changed = sandbox.workspace.changed
    if kept.workspace is not None:
        keeping.restore(sandbox.workspace, kept.workspace)
    try:
        await sandbox.start()
    except OSError:
        refuse(f"Not started: something else listens on port {port}. Choose another with --sandbox-port, or none.")
    try:
        yield sandbox
    finally:
        await sandbox.stop()


def _settings(kept: Kept, database: str, port: int, sandbox: SandboxServer) -> Settings:
    """As the environment would give them; every value is given here, so that a real installation's never count."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        DATABASE_URL=database,
        SIGNOFF_CONFIG=Path("signoff.toml"),
        SIGNOFF_SECRET=SecretStr(kept.secret),
        SIGNOFF_HOST=HOST,
        SIGNOFF_PORT=port,
        SIGNOFF_LOG="console",
        SIGNOFF_LOG_LEVEL="error",
        SIGNOFF_METRICS_TOKEN=None,
        SLACK_API_URL=sandbox.api_url,
        SLACK_BOT_TOKEN=SecretStr(sandbox.bot_token),
        SLACK_SIGNING_SECRET=SecretStr(sandbox.signing_secret),
        SLACK_APP_TOKEN=None,
        ANTHROPIC_API_KEY=None,
        ANTHROPIC_BASE_URL=None,
    )
    settings._channel_secrets[SHOP_SECRET] = (SecretStr(kept.shop_secret),)
    return settings


async def _open(address: str, shop: Shop | None) -> None:
    """Say where the page is, once it is there; then the waiting customers write, where a shop is given."""
    async with aiohttp.ClientSession() as http:
        for _ in range(_TRIES):
            if await _answers(http, f"{address}/healthz"):
                break
            await asyncio.sleep(_TRY_EVERY_SECONDS)
    out.print(Panel(_WELCOME.format(address=address), title="Signoff", expand=False, padding=(1, 3)))
    if shop is not None:
        try:
            await shop.begin()
        except NotTaken as refused:
            out.print(f"The waiting customers could not write: {refused}.")


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    with suppress(aiohttp.ClientError):
        async with http.get(url) as answer:
            return answer.status == 200
    return False


_WELCOME: Final = """\
The demo runs. Open [bold]{address}[/bold]

On the left you are a customer, on the right a support agent in Slack.
Nothing leaves this machine: no account, no key, no network.

Ctrl-C stops it."""


async def _keep(kept: Kept, sandbox: SandboxServer, shop: Shop) -> None:
    """Write down what happened soon after it did, so that even a killed demo can go on."""
    version = -1
    while True:
        version = await sandbox.workspace.next_change(version)
        _write(kept, sandbox, shop)
        await asyncio.sleep(_KEEP_EVERY_SECONDS)


def _write(kept: Kept, sandbox: SandboxServer, shop: Shop) -> None:
    keeping.write(FOLDER / "kept.json", kept.json(keeping.kept(sandbox.workspace), shop.lines))


def _remembered(*, fresh: bool) -> Kept:
    """The last demo in this folder; a new one where there is none, or `fresh`."""
    path = FOLDER / "kept.json"
    if not fresh and path.exists():
        try:
            return Kept.read(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            refuse(f"Not started: {path} was written by another version. Begin anew: signoff demo --fresh")
    for old in FOLDER.iterdir():
        if old.suffix != ".lock":
            old.unlink()
    return Kept.new()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
