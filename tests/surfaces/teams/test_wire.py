"""What goes over the wire to the Bot Connector, as JSON, and what becomes of its answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.credentials import LocalTokens
from bot.surfaces.teams.hosts import Hosts
from bot.surfaces.teams.refs import Ref
from bot.surfaces.teams.wire import Client
from tests.fakes.teams import BO, FakeTeams, Fault, Trouble
from tests.surfaces.test_counting import counted

SUPPORT = "19:support@thread.tacv2"
ENTITY = {
    "type": "https://schema.org/Message",
    "@type": "Message",
    "@context": "https://schema.org",
    "@id": "",
    "additionalType": ["AIGeneratedContent"],
    "citation": [
        {
            "@type": "Claim",
            "position": 1,
            "appearance": {"@type": "DigitalDocument", "name": "Tents", "abstract": "About tents"},
        }
    ],
}
CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Hi", "maxLines": 0}]}


def message(text: str = "A card", **changes: Any) -> dict[str, Any]:
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD, "name": None}
    return {"type": "message", "summary": text, "attachments": [attachment], "entities": [ENTITY], **changes}


class Wire:
    """A client, and what it was made to wait."""

    def __init__(self, teams: FakeTeams, **changes: Any) -> None:
        self.teams = teams
        self.pauses: list[float] = []
        given = {"app_id": teams.app_id, "tokens": LocalTokens(), "hosts": Hosts.of(teams.url), "sleep": self._sleep}
        self.client = Client(**{**given, **changes})

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def create(self, activity: dict[str, Any] | None = None, *, channel: str = SUPPORT) -> Ref:
        return await self.client.create_thread(
            activity or message(), channel=channel, tenant=self.teams.tenant, service_url=self.teams.service_url
        )

    async def each(self) -> dict[str, Callable[[], Any]]:
        """Every call, on a card that hangs."""
        ref = await self.create()
        self.teams.connector.calls.clear()
        return {
            "create": self.create,
            "reply": lambda: self.client.reply(ref, message("Again")),
            "update": lambda: self.client.update(ref, message("Changed")),
            "members": lambda: self.client.members(self.teams.journal.team.id, service_url=self.teams.service_url),
        }


@pytest.fixture
async def wire(teams: FakeTeams) -> AsyncIterator[Wire]:
    made = Wire(teams)
    yield made
    await made.client.stop()


CALLS = ("create", "reply", "update", "members")
POSTS, REPEATABLE = ("create", "reply"), ("update", "members")


async def test_a_thread_is_begun_in_a_channel(wire: Wire) -> None:
    ref = await wire.create()

    [call] = wire.teams.calls("create")
    assert (call.method, call.path) == ("POST", "/teams/v3/conversations")
    assert call.headers["authorization"] == "Bearer local"
    bot = {"id": f"28:{wire.teams.app_id}"}
    assert call.body == {
        "isGroup": True,
        "bot": bot,
        "tenantId": wire.teams.tenant,
        "channelData": {"channel": {"id": SUPPORT}, "tenant": {"id": wire.teams.tenant}},
        "activity": {**message(), "from": bot},
    }
    [posted] = wire.teams.journal.hanging(SUPPORT)
    assert posted.begins_a_thread
    assert ref == Ref(
        conversation=f"{SUPPORT};messageid={posted.id}",
        activity=posted.id,
        tenant=wire.teams.tenant,
        service_url=wire.teams.service_url,
    )


async def test_a_reply_hangs_in_the_thread_of_what_it_replies_to(wire: Wire) -> None:
    root = await wire.create()

    first = await wire.client.reply(root, message("First"))
    second = await wire.client.reply(first, message("Second"))

    assert [posted.activity["summary"] for posted in wire.teams.journal.thread(root.activity)] == ["First", "Second"]
    assert second.thread == root
    [call, _] = wire.teams.calls("reply")
    quoted = f"19%3Asupport%40thread.tacv2%3Bmessageid%3D{root.activity}"
    assert (call.method, call.path) == ("POST", f"/teams/v3/conversations/{quoted}/activities")
    assert call.body == {**message("First"), "from": call.body["from"], "conversation": {"id": root.conversation}}


async def test_a_card_is_redrawn_in_place(wire: Wire) -> None:
    ref = await wire.create()

    for _ in range(2):
        await wire.client.update(ref, message("Sent"))

    [posted] = wire.teams.journal.posted
    assert [version["summary"] for version in posted.versions] == ["A card", "Sent", "Sent"]
    assert {call.path.rpartition("/")[2] for call in wire.teams.calls("update")} == {ref.activity}
    assert posted.activity["id"] == ref.activity


async def test_everyone_in_the_team_is_read_page_by_page_with_what_the_sdk_would_drop(wire: Wire) -> None:
    members = await wire.client.members(wire.teams.journal.team.id, service_url=wire.teams.service_url)

    assert len(members) == len(wire.teams.journal.team.members)
    assert members[1] == BO.member(wire.teams.tenant)
    assert len(wire.teams.calls("members")) == 3


@pytest.mark.parametrize("words", ["ёжик テント ⛺", "\u202e\u0000\ud800 {{DATE()}}", "<at>Bo</at> & {x} %s .a\\.b"])
async def test_what_is_said_arrives_as_it_is(wire: Wire, words: str) -> None:
    ref = await wire.create(message(words, **{"a.b": {"{c}": [words, None, 1.5, True, {}], words: 1}}))

    [posted] = wire.teams.journal.posted
    clean = words.replace("\ud800", "?")
    assert posted.activity["summary"] == clean
    assert posted.activity["a.b"] == {"{c}": [clean, None, 1.5, True, {}], clean: 1}
    assert posted.activity["entities"] == [ENTITY]
    assert posted.cards == [CARD]
    await wire.client.update(ref, message(words))


async def test_a_card_in_japanese_is_not_blown_up_by_escapes(wire: Wire) -> None:
    await wire.create(message("テ" * 5000))

    [call] = wire.teams.calls("create")
    assert int(call.headers["content-length"]) < 20_000


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "trouble",
    [Trouble.ERROR, Trouble.BAD_GATEWAY, Trouble.GATEWAY_TIMEOUT, Trouble.PRECONDITION, Trouble.DROP, Trouble.GARBAGE],
)
async def test_what_may_pass_is_told_from_what_will_not(wire: Wire, call: str, trouble: Trouble) -> None:
    work = (await wire.each())[call]
    wire.teams.faults.add(Fault(trouble), times=99)

    with pytest.raises(SurfaceUnavailable, match=f"^{call}: "):
        await work()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(Trouble.REFUSE, code="BotNotInConversationRoster"), r"forbidden BotNotInConversationRoster \(.*install"),
        (Fault(Trouble.REFUSE, code="MessageWritesBlocked"), r"forbidden MessageWritesBlocked \("),
        (Fault(Trouble.GONE, code="ConversationNotFound"), r"not_found ConversationNotFound \(there is no such"),
        (Fault(Trouble.TOO_BIG, code="MessageSizeTooBig"), r"too_large MessageSizeTooBig \(the card is too long"),
        (Fault(Trouble.REFUSE), r"forbidden$"),
        (Fault(Trouble.REFUSE, code="<b>hostile\n" + "x" * 99), r"forbidden bhostilex{52}$"),
        (Fault(Trouble.REDIRECT, to="https://evil.example/"), r"http_307$"),
    ],
)
async def test_a_refusal_names_teams_own_code_and_what_to_do(wire: Wire, call: str, fault: Fault, words: str) -> None:
    work = (await wire.each())[call]
    wire.teams.faults.add(fault)

    with pytest.raises(SurfaceRefused, match=f"^{call}: {words}"):
        await work()
    assert len(wire.teams.calls(call)) == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("told", "seconds"), [("7", 7.0), ("99999", 3600.0), ("soon", 1.0), ("-1", 0.0)])
async def test_a_rate_limit_says_when_to_come_again(wire: Wire, call: str, told: str, seconds: float) -> None:
    work = (await wire.each())[call]
    wire.teams.faults.add(Fault(Trouble.RATE_LIMITED, retry_after=told))

    with pytest.raises(SurfaceUnavailable) as refusal:
        await work()

    assert refusal.value.retry_after_seconds == seconds
    assert wire.pauses == []


@pytest.mark.parametrize("call", REPEATABLE)
@pytest.mark.parametrize("trouble", [Trouble.PRECONDITION, Trouble.BAD_GATEWAY, Trouble.GATEWAY_TIMEOUT])
async def test_what_may_be_repeated_is_with_growing_pauses(wire: Wire, call: str, trouble: Trouble) -> None:
    work = (await wire.each())[call]
    wire.teams.faults.add(Fault(trouble, call=call), times=3)

    await work()

    assert [round(pause) for pause in wire.pauses[:1]] in ([0], [1])
    first, second, third = wire.pauses
    assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0


@pytest.mark.parametrize("call", POSTS)
async def test_a_post_that_was_certainly_not_taken_is_repeated(wire: Wire, call: str) -> None:
    work = (await wire.each())[call]
    before = len(wire.teams.journal.posted)
    wire.teams.faults.add(Fault(Trouble.PRECONDITION), times=2)

    await work()

    assert len(wire.teams.journal.posted) == before + 1


@pytest.mark.parametrize("call", POSTS)
@pytest.mark.parametrize("trouble", [Trouble.ERROR_AFTER, Trouble.DROP_AFTER])
async def test_a_post_that_may_have_arrived_is_never_repeated_here(wire: Wire, call: str, trouble: Trouble) -> None:
    work = (await wire.each())[call]
    before = len(wire.teams.journal.posted)
    wire.teams.faults.add(Fault(trouble))

    with pytest.raises(SurfaceUnavailable):
        await work()

    assert len(wire.teams.journal.posted) == before + 1
    assert len(wire.teams.calls(call)) == 1


@pytest.mark.parametrize("call", CALLS)
async def test_nobody_waits_for_teams_beyond_the_deadline(teams: FakeTeams, call: str) -> None:
    wire = Wire(teams)
    work = (await wire.each())[call]
    patient, wire.client = wire.client, Wire(teams, deadline_seconds=0.2).client
    teams.faults.add(Fault(Trouble.SLOW))

    with pytest.raises(SurfaceUnavailable, match=f"^{call}: TimeoutError"):
        await work()

    await wire.client.stop()
    await patient.stop()


async def test_repeating_ends_with_the_deadline(teams: FakeTeams) -> None:
    wire = Wire(teams, deadline_seconds=3.0)
    work = (await wire.each())["update"]
    teams.faults.add(Fault(Trouble.BAD_GATEWAY), times=99)

    with pytest.raises(SurfaceUnavailable, match=r"^update: http_502"):
        await work()

    assert len(teams.calls("update")) == 4  # 0.5, 1 and 2 seconds apart, had anybody waited
    await wire.client.stop()


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "http://127.0.0.1:1/teams/", "http://localhost.evil.example/", "", "nonsense"]
)
async def test_no_token_goes_to_a_service_url_that_is_not_allowed(wire: Wire, url: str) -> None:
    ref = Ref(conversation=f"{SUPPORT};messageid=1", activity="1", tenant="t", service_url=url)

    for work in (
        wire.client.create_thread(message(), channel=SUPPORT, tenant="t", service_url=url),
        wire.client.reply(ref, message()),
        wire.client.update(ref, message()),
        wire.client.members(SUPPORT, service_url=url),
    ):
        with pytest.raises(SurfaceRefused, match="service URL"):
            await work


async def test_a_redirect_is_not_followed_with_our_token(wire: Wire) -> None:
    wire.teams.faults.add(Fault(Trouble.REDIRECT, to=f"{wire.teams.url}/teams/v3/conversations"))

    with pytest.raises(SurfaceRefused, match="http_307"):
        await wire.create()

    assert len(wire.teams.calls()) == 1


async def test_an_answer_without_an_id_is_not_taken_for_a_posting(wire: Wire) -> None:
    root = await wire.create()
    wire.teams.journal.post = lambda *_: type("Nothing", (), {"id": "", "conversation": ""})()  # type: ignore[assignment]

    with pytest.raises(SurfaceUnavailable, match="without id"):
        await wire.client.reply(root, message())
    with pytest.raises(SurfaceUnavailable, match="without ids"):
        await wire.create()


async def test_connections_are_kept(wire: Wire) -> None:
    for _ in range(5):
        await wire.create()

    assert len({call.headers["user-agent"] for call in wire.teams.calls()}) == 1
    assert len(wire.teams.connector.ports) == 1


async def test_calls_are_counted_by_what_became_of_them(wire: Wire) -> None:
    def times(result: str) -> float:
        return counted("signoff_teams_calls_total", call="create", result=result)

    before = [times(result) for result in ("ok", "403", "no_answer")]
    wire.teams.faults.add(Fault(Trouble.REFUSE))
    wire.teams.faults.add(Fault(Trouble.DROP))
    for expected in (SurfaceRefused, SurfaceUnavailable):
        with pytest.raises(expected):
            await wire.create()
    await wire.create()

    assert [times(result) for result in ("ok", "403", "no_answer")] == [each + 1 for each in before]


async def test_who_gives_up_waiting_ends_the_call(wire: Wire) -> None:
    wire.teams.faults.add(Fault(Trouble.SLOW))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await wire.create()

    assert json.dumps(wire.teams.calls()[-1].body)
