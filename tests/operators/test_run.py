"""`signoff run` for real: the bot in a process of its own, with a local Slack and a signed webhook."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from standardwebhooks import Webhook

from bot.sandbox import SandboxServer
from bot.sandbox.messages import Message
from tests.operators.conftest import ROOT, WEBHOOK_SECRET
from tests.operators.running import Process, running
from tests.patience import PATIENCE_SECONDS

MARKER = "zanzibar-tent-pole"
TOML = """
[desk]
quiet_seconds = 0
knowledge = "knowledge"
[slack]
channel = "C0SUPPORT"
agents_group = "S0AGENTS"
posts_per_second = 100
[channels.orders]
kind = "webhook"
secret_env = "ORDERS_WEBHOOK_SECRET"
"""


@pytest.fixture
async def slack() -> AsyncIterator[SandboxServer]:
    async with SandboxServer() as sandbox:
        for channel in sandbox.workspace.channels.values():
            channel.members = [*{*channel.members, sandbox.workspace.bot_user}]
        yield sandbox


@pytest.fixture
def environment(desk: Path, slack: SandboxServer) -> dict[str, str]:
    (desk / "signoff.toml").write_text(TOML)
    (desk / "knowledge").mkdir()
    (desk / "knowledge" / "tents.md").write_text("# Tent poles\n\nA broken tent pole is replaced for free.\n")
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "SIGNOFF_PORT": "0",
        "SIGNOFF_LOG_LEVEL": "debug",
    }


async def written(http: httpx2.AsyncClient) -> httpx2.Response:
    """A customer's message through the webhook, signed."""
    said = {
        "conversation": "t1",
        "customer": {"id": "ada", "name": f"Ada {MARKER}", "email": f"{MARKER}@larkspur.example"},
        "text": f"My {MARKER} broke, what now?",
    }
    body, key, at = json.dumps(said), f"msg_{uuid4().hex}", datetime.now(UTC)
    signature = Webhook(WEBHOOK_SECRET).sign(key, at, body)
    headers = {"webhook-id": key, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return await http.post("/channels/orders/messages", content=body, headers=headers)


@asynccontextmanager
async def ready(bot: Process) -> AsyncIterator[httpx2.AsyncClient]:
    address = await asyncio.to_thread(bot.address)
    async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as http:
        answer = await http.get("/readyz")
        assert answer.status_code == 200, answer.text
        yield http


async def posted(slack: SandboxServer) -> list[Message]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (cards := slack.messages("C0SUPPORT")):  # noqa: ASYNC110  # another process posts it
            await asyncio.sleep(0.05)
    return cards


async def test_it_serves_the_loop_stops_when_asked_and_logs_no_customers_words(
    desk: Path, slack: SandboxServer, environment: dict[str, str]
) -> None:
    with running("bot", "run", "--migrate", folder=desk, **environment) as bot:
        async with ready(bot) as http:
            slack.connect(str(http.base_url.join("/slack/events")))
            answer = await written(http)
            assert answer.status_code == 202, bot.said
            cards = await posted(slack)
            refused = await http.post("/channels/orders/messages", content=MARKER)
            malformed = await http.post("/slack/events", content=f"payload={MARKER}")
            metrics = (await http.get("/metrics")).text

        bot.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(bot.ended)

    assert code == 0, bot.said
    assert MARKER in str(cards[0])  # the card has the words, so they went all the way
    assert (refused.status_code, malformed.status_code) == (401, 401)
    assert "signoff_reviews_pending 1.0" in metrics
    watched = re.findall(r"`(signoff_\w+)", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    assert set(watched) <= set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE)), "the page names what is there"
    for arrow in ("message received", "draft kept", "card posted"):
        assert [line for line in bot.said if f'"event": "{arrow}"' in line], (arrow, bot.said)
    assert not [line for line in bot.said if MARKER in line]
    assert not [line for line in bot.said if slack.bot_token in line or slack.signing_secret in line]


async def test_a_second_process_is_refused_while_the_first_one_works(
    desk: Path, slack: SandboxServer, environment: dict[str, str]
) -> None:
    with running("bot", "run", "--migrate", folder=desk, **environment) as bot:
        async with ready(bot) as http:
            with running("bot", "run", folder=desk, **environment) as second:
                code = await asyncio.to_thread(second.ended)

            assert code == 1
            assert f"process {bot.process.pid} is already running" in " ".join(second.said)
            assert (await http.get("/healthz")).status_code == 200


async def test_a_slack_that_refuses_the_token_does_not_end_in_a_traceback_with_it(
    desk: Path, slack: SandboxServer, environment: dict[str, str]
) -> None:
    environment["SLACK_BOT_TOKEN"] = "xoxb-wrong-token"

    with running("bot", "run", "--migrate", folder=desk, **environment) as bot:
        await asyncio.to_thread(bot.heard, "listening")
        bot.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(bot.ended)

    assert "xoxb-wrong-token" not in " ".join(bot.said)
