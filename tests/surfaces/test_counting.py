"""What Slack's side refused or could not use is counted, by a reason that never comes from outside."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from prometheus_client import REGISTRY

from bot.core.decisions import Answer, Verdict
from bot.sandbox.faults import Fault, Trouble
from bot.surfaces.base import SurfaceUnavailable
from tests.surfaces.cards import waiting
from tests.surfaces.recording import Office
from tests.surfaces.test_door import FORM, JSON, knock, press


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def future() -> bytes:
    payload = {"type": "from_the_future", "callback_id": "not_ours", "user": {"id": "U0ANA"}, "team": {"id": "T1"}}
    return urlencode({"payload": json.dumps(payload)}).encode()


@pytest.mark.parametrize(
    ("reason", "body", "kind", "headers"),
    [
        ("unsigned", press(), FORM, {"X-Slack-Signature": ""}),
        ("bad_signature", press(), FORM, {"X-Slack-Signature": "v0=" + "0" * 64}),
        ("stale", press(), FORM, {"X-Slack-Request-Timestamp": "1"}),
        ("malformed", b"{", JSON, {}),
        ("malformed", b"payload=%7B", FORM, {}),
        ("unhandled", future(), FORM, {}),
        ("app_rate_limited", json.dumps({"type": "app_rate_limited"}).encode(), JSON, {}),
        ("tampered", press("nonsense"), FORM, {}),
        ("unknown_action", press(actions=[{"type": "button", "action_id": "x", "block_id": "b"}]), FORM, {}),
    ],
)
async def test_a_request_not_acted_upon_is_counted_by_why(
    office: Office, reason: str, body: bytes, kind: str, headers: dict[str, Any]
) -> None:
    before = counted("signoff_slack_rejected_total", reason=reason)

    await knock(office, body, kind, **headers)

    assert counted("signoff_slack_rejected_total", reason=reason) == before + 1
    assert office.desk.presses == []


@pytest.mark.parametrize("answer", Answer)
async def test_every_press_is_counted_by_what_the_presser_was_answered(office: Office, answer: Answer) -> None:
    _, message = await office.post(waiting())
    office.desk.verdicts = [Verdict(answer=answer, words="Bo was first.")]
    before = counted("signoff_presses_total", answer=answer)

    await office.sandbox.person("U0ANA").click("approve", on=message)

    assert counted("signoff_presses_total", answer=answer) == before + 1


async def test_a_form_is_counted_when_it_is_opened_by_an_outsider_and_when_it_is_sent(office: Office) -> None:
    _, message = await office.post(waiting())
    office.desk.verdicts = [Verdict(answer=Answer.NOT_FOUND, words="This card is not known any more.")]
    opened, sent = (counted("signoff_presses_total", answer=each) for each in ("not_allowed", "not_found"))

    await office.sandbox.person("U0FAY").click("edit", on=message)
    await office.sandbox.person("U0ANA").click("edit", on=message)
    await office.sandbox.person("U0ANA").submit()

    assert counted("signoff_presses_total", answer="not_allowed") == opened + 1
    assert counted("signoff_presses_total", answer="not_found") == sent + 1


async def test_calls_to_slack_are_counted_by_how_they_went(office: Office) -> None:
    def calls(result: str) -> float:
        return counted("signoff_slack_calls_total", method="chat.postMessage", result=result)

    before = [calls(result) for result in ("ok", "ratelimited", "no_answer")]
    for trouble in (Trouble.RATE_LIMITED, Trouble.DROP):
        office.sandbox.faults.add(Fault(trouble, method="chat.postMessage", seconds=0))
        with pytest.raises(SurfaceUnavailable):
            await office.post(waiting(), place="C0BILLING" if trouble is Trouble.DROP else "C0SUPPORT")
    await office.post(waiting(), place="C0VIP")

    after = [calls(result) for result in ("ok", "ratelimited", "no_answer")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]
