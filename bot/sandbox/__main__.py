"""The sandbox as a process of its own: one line of JSON with its addresses, then it serves until it is stopped."""

import argparse
import asyncio
import json
import signal

from bot.sandbox.server import SandboxServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--bot-url", help="the bot's request URL; without it the bot connects by Socket Mode")
    parser.add_argument("--bot-token")
    parser.add_argument("--app-token")
    parser.add_argument("--signing-secret")
    parser.add_argument("--no-limits", action="store_true", help="never answer 429 by itself")
    parser.add_argument("--retry-scale", type=float, default=1.0, help="shortens the waits between retries of events")
    parser.add_argument("--seed", type=int, default=0, help="of the faults that strike by chance")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(chosen: argparse.Namespace) -> None:
    sandbox = SandboxServer(
        host=chosen.host,
        port=chosen.port,
        limited=not chosen.no_limits,
        retry_scale=chosen.retry_scale,
        seed=chosen.seed,
        bot_token=chosen.bot_token,
        app_token=chosen.app_token,
        signing_secret=chosen.signing_secret,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with sandbox:
        if chosen.bot_url:
            sandbox.connect(chosen.bot_url)
        print(
            json.dumps({"url": sandbox.url, "api_url": sandbox.api_url, "environment": sandbox.environment()}),
            flush=True,
        )
        await stopped.wait()


if __name__ == "__main__":
    main()
