"""The fake refuses what Claude's API refuses, so that a green test means something. Asked with the real SDK."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from tests.fakes.claude import FakeClaude
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
OK: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
FORM = {"type": "json_schema", "schema": {"type": "object", "properties": {}, "additionalProperties": False}}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def user(*content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


def result(**more: Any) -> dict[str, Any]:
    fields = {"type": "search_result", "source": "kb://a#v1", "title": "A", "content": [text("Words.")]}
    return fields | {"citations": {"enabled": True}} | more


@pytest.fixture
async def fake() -> AsyncIterator[FakeClaude]:
    async with FakeClaude() as running:
        yield running


@pytest.fixture
async def claude(fake: FakeClaude) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(api_key="sk-test", base_url=fake.url, max_retries=0) as client:
        yield client


REFUSED = [
    ({"extra_body": {"temperature": 0.2}}, "temperature"),
    ({"extra_body": {"top_p": 0.2}}, "top_p"),
    ({"extra_body": {"top_k": 2}}, "top_k"),
    ({"extra_body": {"surprise": 2}}, "Extra inputs"),
    ({"extra_body": {"max_tokens": None}}, "max_tokens: Field required"),
    ({"extra_body": {"max_tokens": 200_000}}, "out of range"),
    ({"extra_body": {"max_tokens": 0}}, "out of range"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "budget_tokens"),
    ({"thinking": {"type": "disabled"}}, "cannot be disabled"),
    ({"messages": []}, "at least one"),
    ({"messages": [*OK["messages"], {"role": "assistant", "content": "Dear"}]}, "prefill"),
    ({"messages": [{"role": "system", "content": "x"}, *OK["messages"]]}, "top-level 'system'"),
    ({"messages": [*OK["messages"], {"role": "system", "content": "x"}]}, "role 'system' is not supported"),
    ({"tools": [{"name": "t", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}}, "forced tool"),
    ({"tools": [], "tool_choice": {"type": "tool", "name": "t"}}, "forced tool"),
    (user(text("")), "non-empty"),
    ({"system": [text("", cache_control=MARK)]}, "cache_control cannot be set for empty"),
    ({"system": [text("a", cache_control=MARK) for _ in range(5)]}, "maximum of 4"),
    ({"system": [text("a", cache_control=MARK), text("b", cache_control=HOUR)]}, "must not come after"),
    (user(result(source="")), "search_result"),
    (user(result(content=[])), "search_result"),
    (user(result(), result(citations={"enabled": False})), "for all"),
    (user(result()) | {"output_config": {"format": FORM}}, "cannot be combined with citations"),
    ({"output_config": {"effort": "huge"}}, "effort"),
    ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}, "additionalProperties"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_what_the_api_refuses_is_refused(
    claude: anthropic.AsyncAnthropic, fake: FakeClaude, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=words):
        await claude.messages.create(**(OK | change))

    assert len(fake.refused) == 1


ALLOWED = [
    {},
    {"system": [text("a", cache_control=HOUR), text("b", cache_control=MARK), text("c")]},
    user(result(), result(), text("Hi")),
    {"output_config": {"effort": "low", "format": FORM}},
    {"thinking": {"type": "adaptive"}},
    {"model": "claude-haiku-5-5", "thinking": {"type": "disabled"}},
    {"model": "claude-opus-5-5", "messages": [*OK["messages"], {"role": "system", "content": "x"}]},
]


@pytest.mark.parametrize("change", ALLOWED, ids=range(len(ALLOWED)))
async def test_what_the_api_takes_is_answered(claude: anthropic.AsyncAnthropic, change: dict[str, Any]) -> None:
    message = await claude.messages.create(**(OK | change))

    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0


async def test_an_unknown_model_and_a_bad_key_are_told_apart(
    claude: anthropic.AsyncAnthropic, fake: FakeClaude
) -> None:
    with pytest.raises(anthropic.NotFoundError):
        await claude.messages.create(**(OK | {"model": "claude-imaginary-1"}))
    with pytest.raises(anthropic.AuthenticationError):
        await claude.with_options(api_key="revoked").messages.create(**OK)
    async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS) as bare:
        assert (await bare.post(f"{fake.url}/v1/messages", json=OK)).status_code == 401
        keyed = {"x-api-key": "k", "anthropic-version": "2026-10-21"}
        broken = await bare.post(f"{fake.url}/v1/messages", content=b"{", headers=keyed)
        assert broken.status_code == 400


async def test_citations_name_the_source_that_was_sent(claude: anthropic.AsyncAnthropic) -> None:
    message = await claude.messages.create(**(OK | user(result(), text("Hi"))))

    [citation] = [citation for block in message.content for citation in getattr(block, "citations", None) or ()]
    assert citation.type == "search_result_location"
    assert (citation.source, citation.cited_text, citation.search_result_index) == ("kb://a#v1", "Words.", 0)


async def test_models_can_be_listed_and_looked_up(claude: anthropic.AsyncAnthropic) -> None:
    names = [model.id async for model in claude.models.list()]

    assert "claude-sonnet-5-5" in names
    assert (await claude.models.retrieve("claude-haiku-5-5")).lifecycle == "active"
    with pytest.raises(anthropic.NotFoundError):
        await claude.models.retrieve("claude-imaginary-1")
    assert (await claude.messages.count_tokens(model=OK["model"], messages=OK["messages"])).input_tokens >= 0


async def test_it_runs_as_a_process_and_is_scripted_from_outside() -> None:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.claude", "--port", "0", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert running.stdout is not None
    try:
        url = json.loads(await asyncio.wait_for(running.stdout.readline(), timeout=PATIENCE_SECONDS))["url"]
        async with (
            httpx2.AsyncClient(timeout=PATIENCE_SECONDS) as control,
            anthropic.AsyncAnthropic(api_key="k", base_url=url, max_retries=0) as client,
        ):
            await control.post(f"{url}/fake/next", json={"do": "overloaded"})
            with pytest.raises(anthropic.APIStatusError) as overloaded:
                await client.messages.create(**OK)
            assert overloaded.value.status_code == 529
            assert (await client.messages.create(**OK)).content
            assert len((await control.get(f"{url}/fake/requests")).json()["requests"]) == 2
    finally:
        running.terminate()
        await asyncio.wait_for(running.wait(), timeout=PATIENCE_SECONDS)
