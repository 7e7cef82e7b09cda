"""What presses are measured against: a Bolt app that only acknowledges, served as the bot is served.

Run as a process: `python -m bench.bare`, with SLACK_SIGNING_SECRET in the environment. Prints its port.
"""

import asyncio
import os
import re
import socket

import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.loops.auto import auto_loop_factory

from bench.said import SLACK_PATH
from bench.wire import HOST


def bare(signing_secret: str) -> Starlette:
    """Signature checked, payload parsed, listener found, 200. Bolt's defaults but for the authorization, which is
    given, as the bot's is: no call to Slack."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token="xoxb-bare", bot_id="B0", bot_user_id="U0")

    app = AsyncApp(signing_secret=signing_secret, authorize=authorize, process_before_response=True)

    @app.action(re.compile(".*"))
    async def pressed(ack: AsyncAck) -> None:
        await ack()

    handler = AsyncSlackRequestHandler(app)

    async def events(request: Request) -> Response:
        return await handler.handle(request)

    return Starlette(routes=[Route(SLACK_PATH, events, methods=["POST"])])


async def _serve() -> None:
    listener = socket.create_server((HOST, 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)
    app = bare(os.environ["SLACK_SIGNING_SECRET"])
    # The settings of bot.host.Server, as far as they touch a request.
    config = uvicorn.Config(
        app, access_log=False, log_config=None, server_header=False, lifespan="off", limit_concurrency=2000
    )
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_serve())
