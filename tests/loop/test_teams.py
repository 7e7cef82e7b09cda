"""A customer writes, and an agent presses in Teams or in Slack: one conversation, shown in both, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from bot.app import build
from bot.surfaces.teams.hosts import Microsoft
from tests.fakes.teams import ANA, BO, FakeTeams, Fault, Person, Posted, Trouble
from tests.loop.running import Loop, offered, running, shown
from tests.serving import until
from tests.surfaces.teams.cards.drawn import button, verbs, words

SUPPORT = "19:support@thread.tacv2"
ZOE = Person(id="29:1zoe", aad="00000000-0000-4000-8000-0000000000f0", name="Zoe", email="zoe@larkspur.example")


@dataclass
class Both:
    """The loop with its Slack, and a team beside it."""

    loop: Loop
    teams: FakeTeams

    @property
    def posted(self) -> list[Posted]:
        """The cards in the channel, by the order of posting."""
        return self.teams.journal.hanging(SUPPORT)

    async def card(self, verb: str = "approve") -> Posted:
        """The newest card in Teams that offers this, as soon as there is one."""
        await until(lambda: any(verb in verbs(each.cards[0]) for each in self.posted))
        return [each for each in self.posted if verb in verbs(each.cards[0])][-1]

    async def press(
        self, on: Posted, verb: str, *, by: Person = ANA, id: str | None = None, **inputs: str
    ) -> dict[str, Any]:
        press = self.teams.says.press(
            on, verb, button(on.versions[0]["attachments"], verb)["data"] | inputs, by=by, id=id
        )
        answer = await self.teams.deliver(press, to=f"{self.loop.url}/api/messages")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def says(self, on: Posted, what: str) -> None:
        """Wait until the card says so, to everyone."""
        await until(lambda: what in words(on.cards[0]))


@pytest.fixture
async def teams(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTeams]:
    async with FakeTeams(any_token=False) as fake:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", fake.certificate)  # the one way to have MSAL trust a certificate
        yield fake


@pytest.fixture
async def both(sqlite_url: str, teams: FakeTeams) -> AsyncIterator[Both]:
    section = {
        "team": teams.journal.team.id,
        "channel": SUPPORT,
        "group": teams.journal.team.aad_group,
        "service_url": teams.service_url,
    }
    environment = {
        "MICROSOFT_APP_ID": teams.app_id,
        "MICROSOFT_APP_PASSWORD": teams.password,
        "MICROSOFT_APP_TENANT_ID": teams.tenant,
    }
    microsoft = Microsoft(metadata_url=teams.metadata_url, login_url=teams.login_url, graph_url=teams.graph_url)
    async with running(sqlite_url, teams=section, environment=environment, microsoft=microsoft) as loop:
        yield Both(loop, teams)


async def test_what_is_approved_in_teams_is_delivered_word_for_word_and_everyone_sees_it(both: Both) -> None:
    both.loop.claude.reply = "It ships today."
    await both.loop.customer_says("Where is my order?")
    posted = await both.card()
    in_slack = await both.loop.card()
    assert "Where is my order?" in words(posted.cards[0])
    assert "It ships today." in words(posted.cards[0])

    answer = await both.press(posted, "approve")

    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    assert "Approved as drafted by Ana Ruiz" in words(answer["value"])
    assert await both.loop.receiver.until(1) == ["It ships today."]
    await both.says(posted, "Delivered")
    assert "Approved as drafted by Ana Ruiz" in words(posted.cards[0])
    assert "approve" not in verbs(posted.cards[0])
    await both.loop.card_says(in_slack, "Delivered")
    assert "Approved as drafted by Ana Ruiz" in shown(in_slack)
    assert not offered(in_slack) & {"approve", "edit"}
    [decision] = await both.loop.decisions()
    assert decision.surface == "teams"


async def test_what_is_approved_in_slack_is_redrawn_in_teams_and_a_press_there_comes_too_late(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    posted = await both.card()

    await both.loop.ana.click("approve", on=await both.loop.card())
    await both.says(posted, "Approved as drafted by Ana Ruiz")
    late = await both.press(posted, "approve", by=BO)

    assert late["statusCode"] == 400
    assert "Ana Ruiz approved this" in late["value"]["message"]
    assert len(await both.loop.receiver.until(1)) == 1
    assert len(await both.loop.decisions()) == 1


async def test_an_edit_in_the_card_in_teams_is_what_the_customer_reads(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    posted = await both.card()

    await both.press(posted, "edit", edit_text="It ships tomorrow.", edit_choice="wrong_fact")

    assert await both.loop.receiver.until(1) == ["It ships tomorrow."]


async def test_a_stranger_is_refused_and_nothing_happens(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    posted = await both.card()

    answer = await both.press(posted, "approve", by=ZOE)

    assert answer["value"]["code"] == "not_allowed"
    assert "Only support agents can decide here" in answer["value"]["message"]
    assert await both.loop.decisions() == []
    await both.loop.settled()
    assert both.loop.receiver.posts == []


async def test_a_press_delivered_again_changes_nothing(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    posted = await both.card()

    answers = await asyncio.gather(*(both.press(posted, "approve", id="f:same") for _ in range(3)))
    await both.says(posted, "Delivered")
    await both.loop.settled()
    versions = len(posted.versions)
    again = await both.press(posted, "approve", id="f:same")
    await both.loop.settled()

    assert {answer["statusCode"] for answer in [*answers, again]} == {200}
    assert len(await both.loop.decisions()) == 1
    assert len(both.loop.receiver.posts) == 1
    assert len(posted.versions) == versions


async def test_two_agents_in_teams_and_slack_at_the_same_moment_send_one_reply(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    posted, in_slack = await both.card(), await both.loop.card()

    await asyncio.gather(both.press(posted, "approve", by=BO), both.loop.ana.click("approve", on=in_slack))
    await both.says(posted, "Delivered")
    await both.loop.settled()

    assert len(both.loop.receiver.posts) == 1
    assert len(await both.loop.decisions()) == 1


async def test_the_next_question_hangs_in_the_thread_of_the_first(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    first = await both.card()
    await both.press(first, "approve")
    await both.says(first, "Delivered")

    await both.loop.customer_says("And my stove?")

    second = await both.card()
    assert second.root == first.id
    assert "And my stove?" in words(second.cards[0])


async def test_while_teams_is_away_slack_goes_on_and_the_card_comes_later(both: Both) -> None:
    both.teams.faults.add(Fault(Trouble.ERROR, calls=("create", "reply", "update")), times=1000)
    await both.loop.customer_says("Where is my order?")

    in_slack = await both.loop.card()
    await both.loop.ana.click("approve", on=in_slack)
    await both.loop.card_says(in_slack, "Delivered")
    assert both.posted == []
    both.teams.faults.waiting.clear()

    await until(lambda: bool(both.posted))
    await both.says(both.posted[-1], "Delivered")


async def test_a_wrong_category_moves_the_card_only_where_it_has_another_channel(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    posted = await both.card("recategorise")

    await both.press(posted, "recategorise", recategorise_choice="billing")
    await both.loop.settled()

    assert [each.id for each in both.posted] == [posted.id]
    assert "Billing" in words(posted.cards[0])
    assert len(both.loop.cards) == 2


async def test_the_queue_in_the_chat_lists_what_waits_with_a_link_to_the_card(both: Both) -> None:
    await both.loop.customer_says("Where is my order?")
    posted = await both.card()
    chat = both.teams.says.chat(ANA)
    both.teams.journal.chats.add(chat)

    asked = await both.teams.deliver(both.teams.says.says("queue"), to=f"{both.loop.url}/api/messages")

    assert asked.status_code == 202
    [answer] = [each for each in both.teams.journal.posted if each.conversation == chat]
    assert "1 waiting, 0 yours" in words(answer.cards[0])
    assert f"/{posted.id}?tenantId=" in str(answer.cards[0])


async def test_who_is_not_teams_is_turned_away(both: Both) -> None:
    answer = await both.loop.http.post("/api/messages", json=both.teams.says.says("queue"))

    assert (answer.status_code, answer.text) == (401, "invalid request")


async def test_how_teams_is_stands_beside_slack(both: Both) -> None:
    surfaces = (await both.loop.http.get("/readyz")).json()["surfaces"]

    assert surfaces["teams"] == {"ok": True, "remedy": None}


async def test_without_an_app_id_nothing_is_built_that_others_could_reach(both: Both) -> None:
    settings = both.loop.app.settings.model_copy(update={"microsoft_app_id": None})
    exposed = settings.model_copy(update={"host": "0.0.0.0"})

    for given, insecure_local in ((settings, False), (exposed, True)):
        with pytest.raises(ValueError, match="MICROSOFT_APP_ID"):
            build(given, both.loop.app.policy, insecure_local=insecure_local)
