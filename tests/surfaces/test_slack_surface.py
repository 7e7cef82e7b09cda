"""Slack as a surface, on the local workspace."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from bot.sandbox import SandboxServer
from bot.sandbox.faults import Fault, Trouble
from bot.sandbox.messages import Message
from bot.surfaces.base import Surface, SurfaceRefused, SurfaceUnavailable
from bot.surfaces.slack.wire import Client
from storage.jobs import Postpone
from storage.tables import Role
from tests.surfaces.cards import drawn_text, ended, said, waiting
from tests.surfaces.contract import PacedContract, SurfaceContract, put_up
from tests.surfaces.recording import Clock, Office, opened


@dataclass
class OnSlack:
    """See contract.Hung."""

    office: Office
    place: str = "C0SUPPORT"

    @property
    def surface(self) -> Surface:
        return self.office.slack.surface

    def _messages(self) -> list[Message]:
        tops = self.office.sandbox.messages(self.place)
        everything = {message.ts: message for top in tops for message in (top, *top.replies)}
        return [everything[ts] for ts in sorted(everything)]

    def keys(self) -> list[str]:
        return [message.metadata["event_payload"]["key"] for message in self._messages() if message.metadata]

    def words(self, ref: str) -> str:
        return drawn_text(self.office.message(ref).blocks)

    def pings(self) -> list[str]:
        return [ping for message in self._messages() for ping in message.pings]

    def in_thread_of(self, ref: str) -> list[str]:
        replies = self.office.message(ref).replies
        return [message.metadata["event_payload"]["key"] for message in replies if message.metadata]

    def lose_the_answer_of_the_next_post(self, *, by_dropping: bool) -> None:
        trouble = Trouble.DROP_AFTER if by_dropping else Trouble.ERROR_AFTER
        self.office.sandbox.faults.add(Fault(trouble, method="chat.postMessage"))

    def refuse_the_next_call(self) -> None:
        self.office.sandbox.faults.add(Fault(Trouble.REFUSE, method="chat.postMessage", code="channel_not_found"))

    def pass_time(self, by: timedelta) -> None:
        self.office.clock.passed += by

    def now(self) -> datetime:
        return self.office.clock()


class TestSlackKeepsTheContract(SurfaceContract):
    @pytest.fixture
    def hung(self, office: Office) -> OnSlack:
        return OnSlack(office)


class TestSlackIsPaced(PacedContract):
    @pytest.fixture
    async def hung(self, sandbox: SandboxServer) -> AsyncIterator[OnSlack]:
        async with opened(sandbox, posts_per_second=1) as office:
            yield OnSlack(office)


async def test_a_message_says_nothing_that_slack_would_parse_or_preview(office: Office) -> None:
    await office.post(waiting(summary="See <https://evil.example|x> & <!here>"))

    (call,) = office.sandbox.calls("chat.postMessage")
    assert call.arguments["text"] == "See &lt;https://evil.example|x&gt; &amp; &lt;!here&gt;"
    assert {name: call.arguments[name] for name in ("mrkdwn", "parse", "unfurl_links", "unfurl_media")} == {
        "mrkdwn": False,
        "parse": "none",
        "unfurl_links": False,
        "unfurl_media": False,
    }


async def test_metadata_carries_the_cards_key_and_nothing_about_the_customer(office: Office) -> None:
    card = waiting()
    _, message = await office.post(card)

    assert message.metadata == {"event_type": "signoff_card", "event_payload": {"key": card.key}}


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.ERROR, ""),
        (Trouble.DROP, ""),
        (Trouble.GARBAGE, ""),
        (Trouble.RATE_LIMITED, ""),
        (Trouble.REFUSE, "internal_error"),
        (Trouble.REFUSE, "fatal_error"),
        (Trouble.REFUSE, "service_unavailable"),
        (Trouble.REFUSE, "request_timeout"),
        (Trouble.REFUSE, "ratelimited"),
    ],
)
async def test_what_may_pass_is_told_from(office: Office, trouble: Trouble, code: str) -> None:
    office.sandbox.faults.add(Fault(trouble, code=code))

    with pytest.raises(SurfaceUnavailable, match=r"^chat\.postMessage: "):
        await office.post(waiting())


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("channel_not_found", "invite it"),
        ("not_in_channel", "invite it"),
        ("is_archived", "archived"),
        ("invalid_blocks", "does not take"),
        ("missing_scope", "install it again"),
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("token_revoked", "install the app again"),
        ("something_new", "something_new"),
    ],
)
async def test_what_a_person_must_look_at(office: Office, code: str, advice: str) -> None:
    office.sandbox.faults.add(Fault(Trouble.REFUSE, code=code))

    with pytest.raises(SurfaceRefused, match=code) as refused:
        await office.post(waiting())

    assert advice in str(refused.value)


async def test_a_card_deleted_from_slack_is_refused_with_clear_words(office: Office) -> None:
    ref, message = await office.post(waiting())
    office.sandbox.workspace.delete(message)

    with pytest.raises(SurfaceRefused, match="the message is gone from Slack"):
        await office.slack.surface.update(ref, ended())


async def test_nothing_is_sent_twice_by_the_client_itself(office: Office) -> None:
    office.sandbox.faults.add(Fault(Trouble.DROP, method="chat.postMessage"))

    with pytest.raises(SurfaceUnavailable):
        await office.post(waiting())

    assert len(office.sandbox.calls("chat.postMessage")) == 1


async def test_slack_silent_for_too_long_is_unavailable(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.surfaces.slack.wire.TIMEOUT_SECONDS", 0.2)
    async with opened(sandbox) as office:
        sandbox.faults.add(Fault(Trouble.SLOW, method="chat.postMessage", seconds=3))

        with pytest.raises(SurfaceUnavailable, match="TimeoutError"):
            await office.post(waiting())


async def test_a_rate_limit_holds_that_channel_for_as_long_as_slack_says_and_no_other(office: Office) -> None:
    card = waiting()
    office.sandbox.faults.add(Fault(Trouble.RATE_LIMITED, method="chat.postMessage", seconds=30))
    with pytest.raises(SurfaceUnavailable) as limited:
        await office.post(card)
    assert limited.value.retry_after_seconds == 30

    with pytest.raises(Postpone) as postponed:
        await office.post(card)
    await office.post(waiting(), place="C0BILLING")

    assert 25 < (postponed.value.until - office.clock()).total_seconds() <= 30
    assert len(office.sandbox.calls("chat.postMessage")) == 2
    office.clock.passed += timedelta(seconds=31)
    await office.post(card)


async def test_two_hundred_posts_and_updates_earn_not_one_429(sandbox: SandboxServer) -> None:
    """Against Slack's own limits, with time passed as the surface asks."""
    clock = Clock()
    sandbox.workspace.clock = clock
    sandbox.limits.clock = clock
    sandbox.limits.enabled = True
    async with opened(sandbox, clock=clock, posts_per_second=1, updates_per_minute=50) as office:
        surface = office.slack.surface
        refs = []
        for number in range(100):
            card = waiting()
            refs.append(await _in_time(clock, lambda c=card, n=number: put_up(
                surface, c, place=("C0SUPPORT", "C0BILLING")[n % 2], thread=None, again=False)))  # fmt: skip
        for ref in refs:
            card = ended(key=f"key {ref}")
            await _in_time(clock, lambda r=ref, c=card: surface.update(r, c))

    assert not sandbox.limits.issued
    assert clock.passed < timedelta(minutes=4)


async def _in_time(clock: Clock, attempt: object) -> str:
    while True:
        try:
            return await attempt()  # type: ignore[operator]
        except Postpone as postponed:
            clock.passed += max(timedelta(), postponed.until - clock())


async def test_members_are_the_groups_and_those_named_without_bots_and_leavers(sandbox: SandboxServer) -> None:
    sandbox.workspace.users["U0CY"].deleted = True
    async with opened(sandbox, agents=("U0FAY", "U0GONE", sandbox.workspace.bot_user)) as office:
        members = {member.external_id: member for member in await office.slack.surface.members()}

    assert {user: member.role for user, member in members.items()} == {
        "U0ANA": Role.AGENT,
        "U0BO": Role.AGENT,
        "U0FAY": Role.AGENT,
        "U0DEE": Role.SUPERVISOR,
        "U0ELI": Role.ADMIN,
    }
    assert members["U0ANA"].name == "Ana Ruiz"
    assert members["U0ANA"].email == "ana@larkspur.example"


async def test_reading_the_members_again_asks_slack_for_the_groups_only(office: Office) -> None:
    await office.slack.surface.members()
    asked = len(office.sandbox.calls("users.info"))

    await office.slack.surface.members()

    assert len(office.sandbox.calls("users.info")) == asked
    assert len(office.sandbox.calls("usergroups.users.list")) == 4


async def test_a_user_group_that_is_not_there_is_a_refusal(sandbox: SandboxServer) -> None:
    async with opened(sandbox, agents_group="S0NOBODY") as office:
        with pytest.raises(SurfaceRefused, match="no_such_subteam"):
            await office.slack.surface.members()


async def test_a_link_leads_to_the_card(office: Office) -> None:
    root, _ = await office.post(waiting())
    reply, _ = await office.post(waiting(), thread=root)

    for ref in (root, reply):
        channel, ts = ref.split("/")[:2]
        asked = {"channel": channel, "message_ts": ts}
        known = (await office.slack.surface._client.call("chat.getPermalink", get=True, **asked))["permalink"]
        assert await office.slack.surface.link(ref) == known


async def test_the_search_for_a_lost_card_is_bounded_in_time_and_pages(office: Office) -> None:
    office.sandbox.faults.add(Fault(Trouble.ERROR_AFTER, method="chat.postMessage"))
    card = waiting()
    with pytest.raises(SurfaceUnavailable):
        await office.post(card)

    await office.slack.surface.post(card, place="C0SUPPORT", thread=None, again=True)

    (call,) = office.sandbox.calls("conversations.history")
    assert 0 < office.clock().timestamp() - float(call.arguments["oldest"]) < 300


async def test_a_card_whose_search_failed_is_not_posted_blindly(office: Office) -> None:
    office.sandbox.faults.add(Fault(Trouble.ERROR, method="conversations.history"))

    with pytest.raises(SurfaceUnavailable):
        await office.slack.surface.post(waiting(), place="C0SUPPORT", thread=None, again=True)

    assert office.sandbox.calls("chat.postMessage") == []


async def test_a_warning_that_cannot_be_given_does_not_fail_the_redraw(office: Office) -> None:
    ref, message = await office.post(waiting())
    await office.sandbox.person("U0ANA").click("edit", on=message)
    office.sandbox.faults.add(Fault(Trouble.ERROR, method="views.update"))

    await office.slack.surface.update(ref, waiting(said=(said(), said("More")), proposal=None))
    await office.slack.surface.update(ref, ended())

    assert "Approved as drafted" in drawn_text(office.message(ref).blocks)


async def test_slack_being_down_does_not_keep_the_bot_from_starting(sandbox: SandboxServer) -> None:
    sandbox.faults.add(Fault(Trouble.ERROR, method="auth.test", times=2))
    async with opened(sandbox) as office:
        asked = len(sandbox.calls("auth.test"))
        for _ in range(3):
            assert "Slack does not answer us" in (await office.slack.trouble() or "")
        assert len(sandbox.calls("auth.test")) == asked, "whoever asks how the bot is does not make it ask Slack"

        office.clock.passed += timedelta(seconds=10)
        assert "Slack does not answer us" in (await office.slack.trouble() or "")
        office.clock.passed += timedelta(seconds=10)
        assert await office.slack.trouble() is None


async def test_no_token_is_in_any_failure(sandbox: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(sandbox) as office:
        sandbox.faults.add(Fault(Trouble.REVOKED, times=None))
        with pytest.raises(SurfaceRefused) as refused:
            await office.post(waiting())
        await office.slack.identity.ask()

    assert sandbox.bot_token not in str(refused.value) + caplog.text


def test_a_client_of_this_machine_uses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    assert Client(token="xoxb-1", api_url="http://127.0.0.1:1/api/").web.proxy is None
    assert Client(token="xoxb-1", api_url="https://slack.com/api/").web.proxy is not None
