"""Trouble on demand, and Slack's rate limits: what the bot meets, and what was done all the same."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Fault, SandboxServer, Trouble
from bot.sandbox.faults import Faults
from bot.sandbox.limits import Limits
from tests.clock import Clock


async def post(client: AsyncWebClient, text: str = "x", channel: str = "C0SUPPORT") -> Any:
    return await client.chat_postMessage(channel=channel, text=text)


@pytest.mark.parametrize(
    ("trouble", "status", "stored"),
    [(Trouble.RATE_LIMITED, 429, 0), (Trouble.ERROR, 500, 0), (Trouble.ERROR_AFTER, 500, 1)],
)
async def test_an_error_status_with_and_without_the_message_stored(
    sandbox: SandboxServer, client: AsyncWebClient, trouble: Trouble, status: int, stored: int
) -> None:
    sandbox.faults.add(Fault(trouble, method="chat.postMessage", seconds=7))

    with pytest.raises(SlackApiError) as caught:
        await post(client)
    after = await post(client, "again")

    assert caught.value.response.status_code == status
    assert caught.value.response.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert len(sandbox.messages("C0SUPPORT")) == stored + 1
    assert after["ok"]
    assert sandbox.faults.struck == [("chat.postMessage", trouble)]


@pytest.mark.parametrize(("trouble", "stored"), [(Trouble.DROP, 0), (Trouble.DROP_AFTER, 1)])
async def test_the_connection_is_really_closed(
    sandbox: SandboxServer, client: AsyncWebClient, trouble: Trouble, stored: int
) -> None:
    sandbox.faults.add(Fault(trouble, method="chat.postMessage"))

    with pytest.raises(aiohttp.ClientError):
        await post(client)

    assert len(sandbox.messages("C0SUPPORT")) == stored
    assert (sandbox.calls()[0].status, sandbox.calls()[0].fault) == (0, trouble.value)


async def test_a_client_that_sends_again_by_itself_posts_twice(sandbox: SandboxServer) -> None:
    """The SDK's default: why the bot must not use it for posting."""
    handler = AsyncConnectionErrorRetryHandler(max_retry_count=1)
    client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[handler])
    sandbox.faults.add(Fault(Trouble.DROP_AFTER, method="chat.postMessage"))

    await post(client)

    assert len(sandbox.messages("C0SUPPORT")) == 2


async def test_a_dropped_connection_leaves_the_others_alone(sandbox: SandboxServer) -> None:
    sandbox.faults.add(Fault(Trouble.DROP, method="chat.postMessage"))
    headers = {"Authorization": f"Bearer {sandbox.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as one, aiohttp.ClientSession(headers=headers) as other:
        async with other.post(f"{sandbox.api_url}auth.test") as answer:
            await answer.read()
        with pytest.raises(aiohttp.ClientError):
            await one.post(f"{sandbox.api_url}chat.postMessage", json={"channel": "C0SUPPORT", "text": "x"})
        async with other.post(f"{sandbox.api_url}auth.test") as answer:
            assert (await answer.json())["ok"]


async def test_a_slow_answer_comes_after_it_was_done(sandbox: SandboxServer, client: AsyncWebClient) -> None:
    sandbox.faults.add(Fault(Trouble.SLOW, method="chat.postMessage", seconds=30))
    posting = asyncio.create_task(post(client))

    await sandbox.until(lambda: sandbox.messages("C0SUPPORT"))
    assert not posting.done()

    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)


async def test_any_error_code_a_revoked_token_and_a_page_of_html(
    sandbox: SandboxServer, client: AsyncWebClient
) -> None:
    sandbox.faults.add(Fault(Trouble.REFUSE, code="channel_is_archived"))
    sandbox.faults.add(Fault(Trouble.REVOKED))
    sandbox.faults.add(Fault(Trouble.GARBAGE))
    told = []
    for _ in range(3):
        with pytest.raises(SlackApiError) as caught:
            await post(client)
        data = caught.value.response.data
        told.append(data.get("error") if isinstance(data, dict) else None)

    assert told[:2] == ["channel_is_archived", "token_revoked"]
    assert sandbox.messages("C0SUPPORT") == []


def test_faults_count_skip_and_chance_by_seed() -> None:
    faults = Faults()
    faults.add(Fault(Trouble.ERROR, method="chat.update", times=2, skip=1))
    assert [faults.strike("chat.update") is not None for _ in range(5)] == [False, True, True, False, False]
    assert faults.strike("chat.postMessage") is None

    def struck(seed: int) -> list[bool]:
        chancy = Faults(seed)
        chancy.add(Fault(Trouble.ERROR, times=None, probability=0.5))
        return [chancy.strike("any") is not None for _ in range(50)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 10 < sum(struck(1)) < 40


@pytest.mark.parametrize(
    ("method", "tier", "at_once"),
    [("chat.postMessage", None, 4), ("chat.update", 3, 50), ("views.open", 4, 100), ("users.list", 2, 20)],
)
def test_so_many_at_once_and_then_a_wait(method: str, tier: int | None, at_once: int) -> None:
    limits = Limits(Clock())

    waits = [limits.retry_after(method, tier, "C1") for _ in range(at_once + 2)]

    assert waits[:at_once] == [None] * at_once
    assert all(wait is not None and wait >= 1 for wait in waits[at_once:])
    assert limits.issued == {method: 2}


def test_posts_go_once_a_second_per_channel_and_300_a_minute_together() -> None:
    clock = Clock()
    limits = Limits(clock)

    for _ in range(4):
        assert limits.retry_after("chat.postMessage", None, "C1") is None
    assert limits.retry_after("chat.postMessage", None, "C1") == 1
    clock.now += timedelta(seconds=1)
    assert limits.retry_after("chat.postMessage", None, "C1") is None
    assert limits.retry_after("chat.postMessage", None, "C1") == 1

    others = [limits.retry_after("chat.postMessage", None, f"D{n}") for n in range(310)]
    assert 290 < others.count(None) < 301


def test_the_workspace_as_a_whole_refills_at_its_rate() -> None:
    clock = Clock()
    limits = Limits(clock)
    for n in range(300):
        assert limits.retry_after("chat.postMessage", None, f"C{n}") is None

    clock.now += timedelta(seconds=2)
    waits = [limits.retry_after("chat.postMessage", None, f"D{n}") for n in range(12)]

    assert waits == [None] * 10 + [1, 1]


def test_a_refused_post_costs_the_channel_nothing() -> None:
    clock = Clock()
    limits = Limits(clock, posts_per_minute=60, posts_at_once=2, posts_per_second_and_channel=0.01)
    for n in range(60):
        assert limits.retry_after("chat.postMessage", None, f"D{n}") is None

    assert limits.retry_after("chat.postMessage", None, "C1") == 1
    clock.now += timedelta(seconds=2)
    assert [limits.retry_after("chat.postMessage", None, "C1") for _ in range(3)] == [None, None, 100]


def test_the_limits_can_be_turned_off() -> None:
    limits = Limits(Clock(), enabled=False)

    assert {limits.retry_after("chat.postMessage", None, "C1") for _ in range(1000)} == {None}
    assert not limits.issued


async def test_a_limited_method_is_answered_429_and_counted() -> None:
    async with SandboxServer() as sandbox:
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])
        for _ in range(4):
            await post(client)
        with pytest.raises(SlackApiError) as caught:
            await post(client)
        elsewhere = await post(client, channel="C0BILLING")

    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert caught.value.response["error"] == "ratelimited"
    assert elsewhere["ok"]
    assert sandbox.limits.issued["chat.postMessage"] == 1
    assert json.dumps(sandbox.calls()[4].answer) == '{"ok": false, "error": "ratelimited"}'
