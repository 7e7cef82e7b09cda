"""Our own tokens: from Entra, over HTTPS, seldom, and never in the way of the event loop."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.surfaces.base import SurfaceRefused, SurfaceUnavailable
from bot.surfaces.teams.credentials import Credentials, EntraTokens, LocalTokens
from bot.surfaces.teams.hosts import Hosts
from bot.surfaces.teams.wire import Client
from tests.fakes.teams import APP_ID, FakeTeams, Fault, Trouble

SUPPORT = "19:support@thread.tacv2"


@pytest.fixture
async def teams(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTeams]:
    """One whose Bot Connector takes no tokens but those its Entra gave."""
    async with FakeTeams(any_token=False) as fake:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", fake.certificate)  # the one way to have MSAL trust a certificate
        yield fake


class Time:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def tokens(
    teams: FakeTeams, *, password: str | None = None, tenant: str | None = None, time: Time | None = None
) -> EntraTokens:
    return EntraTokens(
        app_id=teams.app_id,
        password=password or teams.password,
        tenant=tenant or teams.tenant,
        login_url=teams.login_url,
        monotonic=time or Time(),
    )


async def post(client: Client, teams: FakeTeams) -> None:
    activity = {"type": "message", "text": "Hello"}
    await client.create_thread(activity, channel=SUPPORT, tenant=teams.tenant, service_url=teams.service_url)


async def test_everybody_shares_one_token_until_shortly_before_its_end(teams: FakeTeams) -> None:
    time = Time()
    source = tokens(teams, time=time)

    assert set(await asyncio.gather(*(source.token() for _ in range(20)))) == {"entra-1"}
    time.seconds = 3600 - 301
    assert await source.token() == "entra-1"
    assert (teams.login.discoveries, len(teams.login.given)) == (1, 1)


async def test_a_token_that_ends_soon_is_replaced(teams: FakeTeams) -> None:
    teams.login.lasts_seconds = 200  # less than MSAL itself keeps one for
    time = Time()
    source = tokens(teams, time=time)

    await source.token()
    time.seconds = 2.0

    assert await source.token() == "entra-2"
    assert teams.login.discoveries == 1


async def test_the_event_loop_goes_on_while_entra_takes_its_time(teams: FakeTeams) -> None:
    teams.login.held.clear()
    asked = asyncio.create_task(tokens(teams).token())

    async with asyncio.timeout(10):
        await teams.login.reached.wait()  # by this very loop: nothing blocks it
    assert not asked.done()
    teams.login.held.set()

    assert await asked == "entra-1"


@pytest.mark.parametrize("turns", [3])
async def test_several_posts_cost_one_discovery_and_one_token(teams: FakeTeams, turns: int) -> None:
    client = Client(app_id=teams.app_id, tokens=tokens(teams), hosts=Hosts.of(teams.url))

    for _ in range(turns):
        await post(client, teams)

    assert (teams.login.discoveries, teams.login.given) == (1, ["entra-1"])
    assert {call.token for call in teams.calls()} == {"entra-1"}
    await client.stop()


async def test_a_token_that_teams_refuses_is_replaced_once(teams: FakeTeams) -> None:
    client = Client(app_id=teams.app_id, tokens=tokens(teams), hosts=Hosts.of(teams.url))
    await post(client, teams)
    teams.faults.add(Fault(Trouble.BAD_TOKEN))

    await post(client, teams)

    assert [call.token for call in teams.calls()] == ["entra-1", "entra-1", "entra-2"]
    teams.faults.add(Fault(Trouble.BAD_TOKEN, code="Unauthorized"), times=2)
    with pytest.raises(SurfaceRefused, match=r"^create: unauthorized Unauthorized \(.*bot resource"):
        await post(client, teams)
    await client.stop()


async def test_a_wrong_secret_is_refused_with_what_to_do(teams: FakeTeams) -> None:
    with pytest.raises(SurfaceRefused) as refusal:
        await tokens(teams, password="another").token()

    words = str(refusal.value)
    assert words.startswith("token: invalid_client AADSTS7000215 (the client secret is wrong: set MICROSOFT_APP_PASS")
    assert "another" not in words


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"error": "unauthorized_client", "error_description": "AADSTS700016: no such app"}, SurfaceRefused),
        (401, {"error": "invalid_client", "error_description": "AADSTS7000222: expired"}, SurfaceRefused),
        (400, {}, SurfaceRefused),
        (400, {"error": "temporarily_unavailable"}, SurfaceUnavailable),
        (503, {"error": "server_error"}, SurfaceUnavailable),
    ],
)
async def test_errors_of_entra_are_told_apart(
    teams: FakeTeams, status: int, error: dict[str, str], kind: type[Exception]
) -> None:
    teams.login.error = (status, error)

    with pytest.raises(kind, match=r"^token: "):
        await tokens(teams).token()


async def test_entra_out_of_reach_is_tried_again_later(teams: FakeTeams) -> None:
    source = tokens(teams)
    teams.login.broken = True
    with pytest.raises(SurfaceUnavailable, match=r"^token: "):
        await source.token()

    teams.login.broken = False

    assert await source.token() == "entra-1"


async def test_a_tenant_that_does_not_exist_names_the_setting(teams: FakeTeams) -> None:
    with pytest.raises(SurfaceUnavailable, match="MICROSOFT_APP_TENANT_ID"):
        await tokens(teams, tenant="00000000-0000-4000-8000-00000000dead").token()


@pytest.mark.parametrize("missing", ["app_id", "password", "tenant"])
def test_nothing_is_asked_for_without_an_app_id_a_password_and_a_tenant(missing: str) -> None:
    given = {"app_id": "a", "password": "b", "tenant": "c"} | {missing: " "}

    with pytest.raises(ValueError, match="app id"):
        EntraTokens(**given)


async def test_botbuilder_is_told_that_authentication_is_on_and_for_our_app_alone() -> None:
    credentials = Credentials(APP_ID, LocalTokens())

    assert not await credentials.is_authentication_disabled()
    assert [await credentials.is_valid_app_id(app) for app in (APP_ID, "", "another")] == [True, False, False]
    with pytest.raises(PermissionError):
        await credentials.create_credentials("another", "", "", True)
    assert not await Credentials("", LocalTokens()).is_valid_app_id("")
