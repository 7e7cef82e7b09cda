"""The local Slack as the real one is: with its limits, and with the channels of a larger desk.

Run as a process: `python -m bench.slack EVENTS_URL`. Prints one line of JSON with its addresses, as bot.sandbox does.
"""

import asyncio
import json
import signal
import sys
from typing import Final

from bot.sandbox.messages import Channel
from bot.sandbox.server import SandboxServer

CHANNELS: Final = tuple(f"C0DESK{number}" for number in range(10))


async def _serve(events_url: str) -> None:
    sandbox = SandboxServer()
    workspace = sandbox.workspace
    for channel in CHANNELS:
        workspace.channels[channel] = Channel(channel, channel.lower(), members=[workspace.bot_user])
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with sandbox:
        sandbox.connect(events_url)
        print(json.dumps({"url": sandbox.url, "environment": sandbox.environment()}), flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
