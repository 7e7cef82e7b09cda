"""What the bot answers to words, and what else Teams tells it."""

import json
from datetime import timedelta

import httpx2
import pytest

from bot.core.cards import Queue
from bot.core.decisions import Presser, Redraft
from bot.surfaces.teams.guard import BODY_BYTES
from bot.surfaces.teams.verbs import queue_asked
from storage.database import Unavailable
from tests.fakes.teams import ANA, CY, FakeTeams, Fault, Posted, Trouble
from tests.surfaces.cards import waiting
from tests.surfaces.teams.cards.drawn import words
from tests.surfaces.teams.test_presses_in_teams import shown
from tests.surfaces.teams.working import SUPPORT, Team, known_as, working


def read(posted: list[Posted]) -> str:
    """The one answer."""
    [answer] = posted
    return words(answer.cards[0])


async def test_the_queue_is_told_in_the_chat_and_refreshed_there(team: Team) -> None:
    ana = known_as(team.teams, ANA)
    team.desk.queues[ana] = Queue(agent="Ana Ruiz", mine=(), waiting=(), waiting_total=7)

    posted = await team.say("Queue")
    assert "7 waiting, 0 yours" in read(posted)
    assert posted[0].conversation == team.teams.says.chat(ANA)

    team.desk.queues[ana] = Queue(agent="Ana Ruiz", mine=(), waiting=(), waiting_total=8)
    asked = queue_asked()
    answer = await team.invoke(team.teams.says.press(posted[0], asked["verb"], asked["data"]))
    assert "8 waiting" in words(shown(answer))


async def test_the_status_is_told_to_agents_only(team: Team) -> None:
    assert "claude-sonnet-5-5" in read(await team.say("status"))
    assert "Only support agents" in read(await team.say("status", by=CY))


async def test_pausing_and_resuming_are_requests_of_the_person(team: Team) -> None:
    assert "Paused until" in read(await team.say("pause billing 30m"))
    assert "Drafting again" in read(await team.say("resume billing"))

    [pause] = team.desk.pauses
    assert pause.who == Presser(surface="teams", external_id=known_as(team.teams, ANA))
    assert (pause.category, pause.length) == ("billing", timedelta(minutes=30))
    assert team.desk.resumed == ["billing"]


@pytest.mark.parametrize("said", ["help", "dance", "pause moon 1h", "resume moon"])
async def test_help_lists_the_commands_after_what_was_wrong(team: Team, said: str) -> None:
    assert "pause [category] [30m|2h]" in read(await team.say(said))


async def test_a_mention_in_a_cards_thread_asks_for_another_draft(team: Team) -> None:
    ref, posted = await team.post(waiting())
    team.desk.threads[ref] = waiting()

    answer = await team.say("shorter, please", conversation=posted.conversation)

    assert "Another draft is on its way." in read(answer)
    assert team.desk.decisions == [Redraft("shorter, please")]
    assert answer[0].root == posted.id


async def test_a_mention_anywhere_else_is_answered_with_what_there_is(team: Team) -> None:
    assert "pause [category]" in read(await team.say("queue", conversation=SUPPORT))
    assert team.desk.presses == []


async def test_an_answer_that_does_not_arrive_breaks_nothing(team: Team) -> None:
    team.teams.faults.add(Fault(Trouble.REFUSE, call="reply"))

    assert await team.say("help") == []


async def test_whoever_adds_the_app_to_their_chat_is_told_what_there_is(team: Team) -> None:
    chat = team.teams.says.chat(ANA)
    team.teams.journal.chats.add(chat)
    said = team.teams.says.says("", conversation=chat) | {"type": "installationUpdate", "action": "add"}
    said["conversation"]["conversationType"] = "personal"

    assert (await team.deliver(said)).status_code == 202

    assert "resume [category]" in read(team.teams.journal.posted)


async def test_the_roster_is_read_again_when_the_team_changes(team: Team) -> None:
    says = team.teams.says
    for activity in (says.installed(), says.installed(type="conversationUpdate")):
        assert (await team.deliver(activity)).status_code == 202

    assert team.desk.rosters == ["teams", "teams"]


async def test_without_a_database_what_nobody_waits_for_may_come_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(surface: str) -> None:
        raise Unavailable(None, None, OSError("away"))

    monkeypatch.setattr(team.desk, "roster_changed", away)

    assert (await team.deliver(team.teams.says.installed())).status_code == 503


async def test_who_is_not_teams_is_turned_away(team: Team) -> None:
    said = team.teams.says.says("queue")
    signed = team.teams.authorization(said)
    as_json = {"content-type": "application/json"}
    async with httpx2.AsyncClient(trust_env=False) as http:
        answers = [
            await http.post(team.url, json=said),
            await http.post(team.url, json=said, headers={"authorization": "Bearer forged"}),
            await http.post(team.url, content=b"{}", headers={"authorization": signed, "content-type": "text/plain"}),
            await http.post(team.url, content=b"x" * (BODY_BYTES + 1), headers={"authorization": signed, **as_json}),
            await http.post(team.url, content=b"[]", headers={"authorization": signed, **as_json}),
        ]

    assert [answer.status_code for answer in answers] == [401, 401, 415, 413, 401]
    assert {answer.text for answer in answers} == {"invalid request"}
    assert team.teams.journal.posted == []


async def test_a_local_teams_is_believed_without_a_signature_about_its_tenant_and_nobody_elses(
    teams: FakeTeams,
) -> None:
    said = teams.says.says("help")
    teams.journal.chats.add(teams.says.chat(ANA))
    far, other = {"serviceUrl": "https://smba.trafficmanager.net/teams/"}, {"channelId": "webchat"}
    stranger = {"channelData": {"tenant": {"id": "another"}}}
    async with working(teams, local=True) as team, httpx2.AsyncClient(trust_env=False) as http:
        answers = [await http.post(team.url, json=said | change) for change in (far, other, stranger, {})]
        simple = await http.post(team.url, content=json.dumps(said), headers={"content-type": "text/plain"})

    assert [answer.status_code for answer in answers] == [403, 403, 403, 202]
    assert simple.status_code == 415  # any web page could have sent it
    assert "resume [category]" in read(teams.journal.posted)


async def test_without_an_app_id_no_teams_elsewhere_is_believed(teams: FakeTeams) -> None:
    with pytest.raises(ValueError, match="only a Teams on this machine"):
        async with working(teams, local=True, service_url="https://smba.trafficmanager.net/teams/"):
            pass
