"""Whatever Claude's API does, an agent gets a draft or a sentence, in time."""

import asyncio
import random
from typing import Any

import pytest

from bot.core.drafts import DraftUnavailable
from bot.drafting import client
from bot.drafting.breaker import FAILURES, REST
from bot.drafting.claude import ClaudeDrafter
from tests.clock import Clock
from tests.drafting.conftest import case, policy, snippet
from tests.fakes.claude import FakeClaude
from tests.fakes.claude_misbehaving import MISBEHAVIOURS, body, failing, hanging
from tests.patience import PATIENCE_SECONDS
from tests.serving import free_port

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("rate_limited", {}, "rate_limited", "Claude's API is limiting our requests at the moment."),
    ("rate_limited", {"retry_after": "Wed, 21 Oct 2099 07:28:00 GMT"}, "rate_limited", "limiting"),
    ("spend_limit", {}, "spend_limit", "The budget for Claude's API is used up."),
    ("overloaded", {}, "overloaded", "Claude is overloaded at the moment."),
    ("failing", {"status": 500}, "api_error", "Claude's API failed (HTTP 500)."),
    ("failing", {"status": 503}, "api_error", "Claude's API failed (HTTP 503)."),
    ("failing", {"status": 400, "kind": "invalid_request_error"}, "bad_request", "refused the request as malformed"),
    ("failing", {"status": 401, "kind": "authentication_error"}, "credentials", "did not accept our key"),
    ("failing", {"status": 402, "kind": "billing_error"}, "spend_limit", "budget"),
    ("failing", {"status": 403, "kind": "permission_error"}, "credentials", "may not use this model"),
    ("failing", {"status": 404, "kind": "not_found_error"}, "model_not_found", "model does not exist"),
    ("failing", {"status": 413, "kind": "request_too_large"}, "too_large", "too long"),
    ("failing", {"status": 418}, "api_error", "HTTP 418"),
    ("refusal", {}, "refusal", "Claude declined to draft a reply to this message."),
    ("max_tokens", {}, "max_tokens", "Claude's draft was cut off before it ended."),
    ("unended", {}, "malformed", "did not come to its end"),
    ("tool_use", {}, "malformed", "did not come to its end"),
    ("truncated_json", {}, "malformed", "no answer"),
    ("html", {}, "malformed", "no answer"),
    ("html_as_json", {}, "malformed", "no answer"),
    ("empty", {}, "malformed", "no answer"),
    ("missing_fields", {}, "malformed", "no answer"),
    ("event_stream", {}, "malformed", "no answer"),
    ("thinking_only", {}, "empty", "without any text"),
    ("no_text", {}, "empty", "without any text"),
    ("dropping", {}, "connection", "could not be reached"),
]


@pytest.mark.parametrize(("do", "given", "reason", "words"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
async def test_a_failure_is_a_sentence_for_the_agent_and_no_triage(
    drafter: ClaudeDrafter, fake: FakeClaude, do: str, given: dict[str, Any], reason: str, words: str
) -> None:
    fake.always(MISBEHAVIOURS[do](**given))

    with pytest.raises(DraftUnavailable) as failed:
        await drafter.draft(case(), [snippet()])

    assert failed.value.reason == reason
    assert words in str(failed.value)
    assert str(failed.value).endswith(".")
    assert await drafter.triage(case()) is None


@pytest.mark.parametrize("kind", ["rate_limited", "spend_limit", "refusal", "html", "truncated_json", "max_tokens"])
async def test_what_will_not_pass_in_a_moment_is_asked_once(
    drafter: ClaudeDrafter, fake: FakeClaude, kind: str
) -> None:
    fake.always(MISBEHAVIOURS[kind]())

    with pytest.raises(DraftUnavailable):
        await asyncio.wait_for(drafter.draft(case(), [snippet()]), timeout=PATIENCE_SECONDS)

    assert len(fake.requests) == 1


@pytest.mark.parametrize("kind", ["overloaded", "dropping"])
async def test_a_passing_failure_is_tried_once_more(drafter: ClaudeDrafter, fake: FakeClaude, kind: str) -> None:
    fake.next(MISBEHAVIOURS[kind]())

    drafted = await drafter.draft(case(), [snippet()])

    assert "30 days" in drafted.text
    assert len(fake.requests) == 2


async def test_a_short_retry_after_is_waited_for(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    fake.next(MISBEHAVIOURS["rate_limited"](retry_after="0"))

    assert (await drafter.draft(case(), [snippet()])).sources


async def test_a_second_passing_failure_is_the_last(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    fake.always(failing(529, "overloaded_error"))

    with pytest.raises(DraftUnavailable):
        await drafter.draft(case(), [snippet()])

    assert len(fake.requests) == 2


async def test_nobody_waits_longer_than_the_deadline(fake: FakeClaude, clock: Clock) -> None:
    drafter = ClaudeDrafter(client("sk-test", fake.url), policy(deadline=0.2, triage_deadline=0.1), clock=clock)
    fake.always(hanging())

    with pytest.raises(DraftUnavailable, match=r"^Claude did not answer within 0\.2 s\.$") as failed:
        await asyncio.wait_for(drafter.draft(case(), [snippet()]), timeout=PATIENCE_SECONDS)

    assert failed.value.reason == "timeout"
    assert await asyncio.wait_for(drafter.triage(case()), timeout=PATIENCE_SECONDS) is None
    await drafter.aclose()


async def test_nobody_listening_is_a_sentence_too(clock: Clock) -> None:
    drafter = ClaudeDrafter(client("sk-test", f"http://127.0.0.1:{free_port()}"), policy(), clock=clock)

    with pytest.raises(DraftUnavailable, match=r"^Claude's API could not be reached\.$"):
        await drafter.draft(case(), [snippet()])

    await drafter.aclose()


async def test_an_overlong_reply_is_no_draft(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    fake.reply = "word " * 5000

    with pytest.raises(DraftUnavailable, match="longer than a reply may be"):
        await drafter.draft(case(), [snippet()])


WEIRD = [
    "null", "[]", "7", '"text"', "{}", "[" * 3000, '{"content": "abc", "stop_reason": "end_turn", "type": "message"}',
    '{"type":"message","content":[null],"stop_reason":"end_turn"}',
    '{"type":"message","content":[7],"stop_reason":"end_turn"}',
    '{"type":"message","content":[{"type":"text","text":null}],"stop_reason":"end_turn"}',
    '{"type":"message","content":[{"type":"text"}],"stop_reason":"end_turn"}',
    '{"type":"message","content":[{"type":"text","text":7}],"stop_reason":"end_turn"}',
    '{"type":"message","content":{"type":"text","text":"x"},"stop_reason":"end_turn"}',
    '{"type":"message","content":[{"type":"hologram","text":"x"}],"stop_reason":"end_turn"}',
    '{"type":"message","content":[],"stop_reason":["end_turn"]}', "\x00", "\ufeff{}", "NaN",
]  # fmt: skip


@pytest.mark.parametrize("content", WEIRD, ids=range(len(WEIRD)))
async def test_a_body_of_any_other_shape_is_no_draft(drafter: ClaudeDrafter, fake: FakeClaude, content: str) -> None:
    fake.always(body(content))

    with pytest.raises(DraftUnavailable):
        await drafter.draft(case(), [snippet()])
    assert await drafter.triage(case()) is None


async def test_bytes_by_chance_are_no_draft(drafter: ClaudeDrafter, fake: FakeClaude, clock: Clock) -> None:
    chance = random.Random(7)
    types = ("application/json", "application/json; charset=nonsense", "text/plain", "", "application/octet-stream")

    for _ in range(60):
        fake.next(body(chance.randbytes(chance.randint(0, 80)), content_type=chance.choice(types)))
        with pytest.raises(DraftUnavailable):
            await drafter.draft(case(), [snippet()])
        clock.pass_(REST.total_seconds())


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [(None, (0, 0)), ({"input_tokens": "many", "output_tokens": -3}, (0, 0)), ({"input_tokens": 5}, (5, 0))],
)
async def test_a_good_answer_with_broken_bookkeeping_is_a_draft(
    drafter: ClaudeDrafter, fake: FakeClaude, usage: object, tokens: tuple[int, int]
) -> None:
    fake.next(MISBEHAVIOURS["saying"]({"type": "text", "text": "Fine."}))
    fake.next(lambda asked: _with_usage(fake, asked, usage))
    await drafter.draft(case(), [snippet()])

    drafted = await drafter.draft(case(), [snippet()])

    assert (drafted.text, drafted.input_tokens, drafted.output_tokens) == ("Fine.", *tokens)


async def _with_usage(fake: FakeClaude, asked: Any, usage: object) -> Any:
    return fake.answer(asked, [{"type": "text", "text": "Fine."}], usage=usage)


async def test_a_model_that_keeps_failing_is_left_alone_for_a_while(
    drafter: ClaudeDrafter, fake: FakeClaude, clock: Clock
) -> None:
    fake.always(MISBEHAVIOURS["html"]())
    for _ in range(FAILURES):
        with pytest.raises(DraftUnavailable):
            await drafter.draft(case(), [snippet()])

    with pytest.raises(DraftUnavailable, match="failed several times") as refused:
        await drafter.draft(case(), [snippet()])

    assert refused.value.reason == "breaker"
    assert len(fake.requests) == FAILURES


async def test_after_its_rest_one_probe_decides(drafter: ClaudeDrafter, fake: FakeClaude, clock: Clock) -> None:
    fake.next(MISBEHAVIOURS["html"](), times=FAILURES + 1)
    for _ in range(FAILURES):
        with pytest.raises(DraftUnavailable):
            await drafter.draft(case(), [snippet()])

    clock.pass_(REST.total_seconds())
    with pytest.raises(DraftUnavailable, match="no answer"):
        await drafter.draft(case(), [snippet()])
    with pytest.raises(DraftUnavailable, match="failed several times"):
        await drafter.draft(case(), [snippet()])
    clock.pass_(REST.total_seconds())

    assert (await drafter.draft(case(), [snippet()])).sources
    assert (await drafter.draft(case(), [snippet()])).sources


async def test_while_the_probe_is_out_others_do_not_wait(fake: FakeClaude, clock: Clock) -> None:
    drafter = ClaudeDrafter(client("sk-test", fake.url), policy(), clock=clock)
    fake.next(MISBEHAVIOURS["html"](), times=FAILURES)
    for _ in range(FAILURES):
        with pytest.raises(DraftUnavailable):
            await drafter.draft(case(), [snippet()])
    clock.pass_(REST.total_seconds())
    fake.next(hanging())
    probe = asyncio.create_task(drafter.draft(case(), [snippet()]))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(fake.requests) == FAILURES:  # noqa: ASYNC110  # until the probe has arrived
            await asyncio.sleep(0.005)

    with pytest.raises(DraftUnavailable, match="failed several times"):
        await drafter.draft(case(), [snippet()])
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)

    assert (await drafter.draft(case(), [snippet()])).sources
    await drafter.aclose()


async def test_refusals_and_cut_drafts_are_no_outage(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    for kind in ("refusal", "max_tokens", "thinking_only") * FAILURES:
        fake.next(MISBEHAVIOURS[kind]())
        with pytest.raises(DraftUnavailable):
            await drafter.draft(case(), [snippet()])

    assert (await drafter.draft(case(), [snippet()])).sources


async def test_an_outage_of_one_model_does_not_stop_another(drafter: ClaudeDrafter, fake: FakeClaude) -> None:
    fake.next(MISBEHAVIOURS["html"](), times=FAILURES)
    for _ in range(FAILURES):
        assert await drafter.triage(case()) is None

    assert await drafter.triage(case()) is None
    assert (await drafter.draft(case(), [snippet()])).sources
    assert len(fake.requests) == FAILURES + 1
