"""signoff run: the bot."""

import asyncio
from typing import Annotated

import typer
from uvicorn.loops.auto import auto_loop_factory

from bot import logs
from bot.app import build
from bot.commands.terminal import MIGRATE, configured, database_errors, refuse
from bot.core.policy import Policy
from bot.host import AddressTaken, serve
from bot.settings import Settings
from storage import schema
from storage.database import Database
from storage.lock import AlreadyRunning, only_one


def run(
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring the database to the newest schema first.")] = False,
    insecure_local: Annotated[
        bool, typer.Option("--insecure-local", help="Believe a local Teams, which signs nothing; on loopback only.")
    ] = False,
) -> None:
    """Run the bot, from signoff.toml and the environment, until SIGTERM or Ctrl-C.

    What is under way then is finished or promised again: nothing heard is lost.
    """
    settings, policy = configured(insecure_local=insecure_local)
    logs.set_up(style=settings.log, level=settings.log_level, secrets=settings.secrets())
    try:
        with database_errors(), only_one(settings.database_url):
            if migrate:
                schema.upgrade(settings.database_url)
            with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
                runner.run(_run(settings, policy, insecure_local=insecure_local))
    except AlreadyRunning as running:
        refuse(f"Not started: {running}. Stop it first, or give this one a DATABASE_URL of its own.")
    except AddressTaken as taken:
        refuse(f"Not started: {taken}.")


async def _run(settings: Settings, policy: Policy, *, insecure_local: bool) -> None:
    async with Database(settings.database_url) as db:
        behind = not schema.at_head(db.engine)
    if behind:
        refuse(f"Not started. {MIGRATE} Or start with `signoff run --migrate`.")
    app = build(settings, policy, insecure_local=insecure_local)
    await serve(app, host=settings.host, port=settings.port)
