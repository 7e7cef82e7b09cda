"""The sandbox as a process of its own, as the benchmark and the crash tests start it."""

import asyncio
import json
import sys

from slack_sdk.web.async_client import AsyncWebClient

from tests.patience import PATIENCE_SECONDS


async def test_it_prints_its_addresses_serves_and_ends_when_told_to() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.sandbox", "--no-limits", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told = json.loads(await asyncio.wait_for(process.stdout.readline(), timeout=PATIENCE_SECONDS))
    client = AsyncWebClient(token=told["environment"]["SLACK_BOT_TOKEN"], base_url=told["api_url"])

    answered = await client.auth_test()
    process.terminate()
    code = await asyncio.wait_for(process.wait(), timeout=PATIENCE_SECONDS)

    assert answered["team"] == "Larkspur Supply"
    assert code == 0
