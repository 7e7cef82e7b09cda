"""botbuilder's turn, in our host: what the guard let in comes through, and only that."""

from typing import Any

import pytest

from bot.surfaces.base import SurfaceRefused
from bot.surfaces.teams.adapter import Adapter, Answer, Connectors, Verbatim
from bot.surfaces.teams.connector_http import Sender, client
from bot.surfaces.teams.credentials import Credentials, LocalTokens
from bot.surfaces.teams.hosts import Hosts
from tests.fakes.teams import APP_ID, FakeTeams

CLAIMS = {"aud": APP_ID, "iss": "https://api.botframework.com"}
CARD = {
    "statusCode": 200,
    "type": "application/vnd.microsoft.card.adaptive",
    "value": {"type": "AdaptiveCard", "body": []},
}


@pytest.fixture
async def connectors(teams: FakeTeams) -> Any:
    http = client(local=True)
    credentials = Credentials(APP_ID, LocalTokens())
    yield Connectors(app_id=APP_ID, credentials=credentials, hosts=Hosts.of(teams.url), sender=Sender(http))
    await http.aclose()


@pytest.fixture
def adapter(connectors: Connectors) -> Adapter:
    return Adapter(connectors)


def press(teams: FakeTeams) -> dict[str, Any]:
    posted = teams.journal.post({"type": "message"}, None, "19:support@thread.tacv2")
    return teams.says.press(posted, "approve", {"v": 1})


async def test_a_card_is_answered_as_it_is(teams: FakeTeams, adapter: Adapter) -> None:
    async def listen() -> Answer:
        return Answer(status=200, body=CARD)

    assert await adapter.turn(press(teams), CLAIMS, listen) == Answer(status=200, body=CARD)
    assert teams.calls() == []  # nothing is asked of anybody for it


async def test_a_message_is_acknowledged_without_words(teams: FakeTeams, adapter: Adapter) -> None:
    heard = []

    async def listen() -> None:
        heard.append(1)

    assert await adapter.turn(teams.says.says("queue"), CLAIMS, listen) is None
    assert heard == [1]


async def test_an_invoke_nobody_answers_is_told_so(teams: FakeTeams, adapter: Adapter) -> None:
    async def listen() -> None: ...

    answer = await adapter.turn(press(teams), CLAIMS, listen)

    assert answer is not None
    assert answer.status == 501


async def test_what_breaks_in_a_listener_is_the_hosts_to_see(teams: FakeTeams, adapter: Adapter) -> None:
    async def listen() -> None:
        raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        await adapter.turn(press(teams), CLAIMS, listen)


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "not a time", "localTimestamp": 7, "entities": "x", "attachments": {"a": 1}},
        {"conversation": "x", "from": [], "recipient": 5},
        {"id": {}, "name": [], "type": "message", "value": None},
        {"membersAdded": 7, "channelData": "x", "textFormat": ["xml"]},
    ],
)
async def test_no_activity_breaks_the_turn_by_what_else_is_in_it(
    teams: FakeTeams, adapter: Adapter, change: dict[str, Any]
) -> None:
    async def listen() -> None: ...

    assert await adapter.turn({**teams.says.says("queue"), **change}, CLAIMS, listen) is None


async def test_botbuilders_own_door_is_shut(teams: FakeTeams, adapter: Adapter) -> None:
    with pytest.raises(PermissionError, match="only the guard"):
        await adapter.process_activity(teams.authorization(press(teams)), object(), None)
    with pytest.raises(PermissionError, match="only the guard"):
        await adapter.bot_framework_authentication.authenticate_streaming_request("", "")


async def test_a_connector_is_kept_for_each_service_url_and_made_for_none_else(
    teams: FakeTeams, connectors: Connectors
) -> None:
    first = await connectors.create(teams.service_url)

    assert await connectors.create(teams.service_url, "whatever audience") is first
    assert await connectors.create(f"{teams.service_url}other/") is not first
    with pytest.raises(SurfaceRefused, match="service URL"):
        await connectors.create("https://evil.example/")


async def test_connectors_are_not_collected_without_end(teams: FakeTeams, connectors: Connectors) -> None:
    first = await connectors.create(teams.service_url)

    for index in range(60):
        await connectors.create(f"{teams.service_url}{index}/")

    assert await connectors.create(teams.service_url) is not first


def test_json_passes_the_sdk_as_it_is() -> None:
    body = {"@id": "", "a.b": [{"c": None}], "additional_properties": 1, "from": {"id": "28:x"}, "new": {"since": 2026}}

    assert Verbatim(body).serialize() == body
