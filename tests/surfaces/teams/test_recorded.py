"""Activities that Microsoft recorded of its own Teams: the guard and botbuilder's turn take them as they are."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.surfaces.teams.adapter import Adapter, Answer, Connectors
from bot.surfaces.teams.connector_http import Sender, client
from bot.surfaces.teams.credentials import Credentials, LocalTokens
from bot.surfaces.teams.guard import Guard, Unauthorized
from bot.surfaces.teams.hosts import DEFAULT_HOSTS, Hosts
from bot.surfaces.teams.keys import Keys
from tests.data import shared
from tests.fakes.teams import FakeTeams


@pytest.fixture
def recorded() -> list[dict[str, Any]]:
    lines = gzip.decompress(shared("teams/activities.jsonl.gz").read_bytes()).decode().split("\n")
    return [line["payload"] for line in map(json.loads, filter(None, lines)) if line["channel"] == "msteams"]


def tenant_of(activity: dict[str, Any]) -> str | None:
    named = (activity.get("channelData") or {}).get("tenant", {}).get("id")
    return named or (activity.get("conversation") or {}).get("tenantId")


async def test_what_was_recorded_is_let_in_and_taken(teams: FakeTeams, recorded: list[dict[str, Any]]) -> None:
    http, hosts = client(local=True), Hosts.of(*DEFAULT_HOSTS)
    credentials = Credentials(teams.app_id, LocalTokens())
    adapter = Adapter(Connectors(app_id=teams.app_id, credentials=credentials, hosts=hosts, sender=Sender(http)))
    keys, tenants = Keys(teams.metadata_url), {tenant for each in recorded if (tenant := tenant_of(each))}
    guard = Guard(app_id=teams.app_id, tenants=tenants, hosts=hosts, keys=keys, clock=lambda: datetime.now(UTC))

    async def listen() -> Answer | None:
        return None

    taken = 0
    for activity in recorded:
        header, body = teams.authorization(activity), json.dumps(activity).encode()
        if tenant_of(activity) is None or not activity.get("serviceUrl"):
            with pytest.raises(Unauthorized):
                await guard.admit(header, body)
            continue
        admitted = await guard.admit(header, body)
        answer = await adapter.turn(admitted.body, admitted.claims, listen)
        assert (answer is not None) == (activity["type"] == "invoke")
        taken += 1

    assert taken >= 20
    await http.aclose()
