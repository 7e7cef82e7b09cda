"""Who is let in at /api/messages. Each row of the checklist in one test, with real keys and real HTTP."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from bot.surfaces.teams.guard import BODY_BYTES, Admitted, Guard, Unauthorized
from bot.surfaces.teams.hosts import Hosts
from bot.surfaces.teams.keys import Keys
from tests.fakes.teams import ABSENT, ANA, FakeTeams, SigningKey

NOW = datetime.now(UTC)


class Door:
    """A guard, and what knocks at it."""

    def __init__(self, teams: FakeTeams) -> None:
        self.teams = teams
        self.now = NOW
        self.time = 0.0
        self.guard = self.guarding()
        self.activity: dict[str, Any] = teams.says.says("queue", by=ANA)

    def guarding(self, **changes: Any) -> Guard:
        given = {
            "app_id": self.teams.app_id,
            "tenants": [self.teams.tenant],
            "hosts": Hosts.of(self.teams.url),
            "keys": Keys(self.teams.metadata_url, monotonic=lambda: self.time),
            "clock": lambda: self.now,
        }
        return Guard(**{**given, **changes})

    async def knock(self, sent: str | None = "", /, *, body: bytes | None = None, **changes: Any) -> Admitted:
        """With a good header but for the changes to its claims."""
        if sent == "":
            sent = self.teams.authorization(self.activity, at=NOW.timestamp(), **changes)
        return await self.guard.admit(sent, json.dumps(self.activity).encode() if body is None else body)

    async def refused(self, sent: str | None = "", /, *, body: bytes | None = None, **changes: Any) -> tuple[int, str]:
        with pytest.raises(Unauthorized) as refusal:
            await self.knock(sent, body=body, **changes)
        return refusal.value.status, refusal.value.reason


@pytest.fixture
def door(teams: FakeTeams) -> Door:
    return Door(teams)


async def test_teams_is_let_in_and_known_by_tenant_and_service_url(door: Door) -> None:
    admitted = await door.knock()

    assert admitted.body == door.activity
    assert (admitted.tenant, admitted.service_url) == (door.teams.tenant, door.teams.service_url)
    assert admitted.claims["aud"] == door.teams.app_id


@pytest.mark.parametrize(
    "header",
    [
        *(None, " ", "Bearer", "Bearer ", "bearer abc", "Basic YTpi", "Bearer abc", "Bearer a.b.c"),
        *("Bearer " + "a" * 99_999, "Bearer \x00", "Bearer é.é.é", "Bearer a.b.c.d.e", "Bearer ..", "\ud800"),
    ],
)
async def test_a_header_that_is_no_token_is_refused(door: Door, header: str | None) -> None:
    status, _ = await door.refused(header)

    assert status == 401
    assert door.teams.metadata.looks == 0  # nothing of it reaches Microsoft


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Basic", "", "Bearer Bearer", "MSAuth"])
async def test_a_good_token_under_another_scheme_is_refused(door: Door, scheme: str) -> None:
    token = door.teams.authorization(door.activity).removeprefix("Bearer ")

    assert (await door.refused(f"{scheme} {token}"))[0] == 401


async def test_an_empty_header_is_refused(door: Door) -> None:
    with pytest.raises(Unauthorized, match="unsigned"):
        await door.guard.admit("", b"{}")


async def test_a_key_nobody_published_is_refused(door: Door) -> None:
    assert await door.refused(key=SigningKey(kid="forged")) == (401, "key")


async def test_a_token_without_a_key_id_is_refused(door: Door) -> None:
    header = door.teams.authorization(door.activity, header={"kid": ""})

    assert await door.refused(header) == (401, "key")
    assert await door.refused(f"Bearer {jwt.encode({}, door.teams.key.private, 'RS256')}") == (401, "key")


async def test_another_key_under_a_known_id_is_refused(door: Door) -> None:
    other = SigningKey(kid="another")

    assert await door.refused(key=other, header={"kid": door.teams.key.kid}) == (401, "signature")


@pytest.mark.parametrize("change", ["payload", "signature"])
async def test_a_token_that_was_changed_is_refused(door: Door, change: str) -> None:
    head, payload, signature = door.teams.authorization(door.activity).split(".")
    if change == "payload":
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        payload = base64.urlsafe_b64encode(json.dumps({**claims, "exp": 9e12}).encode()).decode().rstrip("=")
    else:
        signature = signature[:-8] + "AAAAAAAA"

    assert await door.refused(f"{head}.{payload}.{signature}") == (401, "signature")


async def test_a_signature_made_with_the_public_key_as_a_secret_is_refused(door: Door) -> None:
    public = door.teams.key.private.public_key()
    secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    assert await door.refused(_forged(door, "HS256", lambda said: hmac.digest(secret, said, hashlib.sha256))) == (
        401,
        "algorithm",
    )


@pytest.mark.parametrize("algorithm", ["none", "None", "RS512", "PS256", "ES256", ""])
async def test_every_algorithm_but_rs256_is_refused(door: Door, algorithm: str) -> None:
    assert await door.refused(_forged(door, algorithm, lambda said: b"")) == (401, "algorithm")


async def test_a_signature_by_another_algorithm_of_the_right_key_is_refused(door: Door) -> None:
    claims = jwt.decode(door.teams.authorization(door.activity)[7:], options={"verify_signature": False})
    made = jwt.encode(claims, door.teams.key.private, algorithm="RS512", headers={"kid": door.teams.key.kid})

    assert await door.refused(f"Bearer {made}") == (401, "algorithm")


def _forged(door: Door, algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    claims = jwt.decode(door.teams.authorization(door.activity)[7:], options={"verify_signature": False})
    parts = ({"alg": algorithm, "typ": "JWT", "kid": door.teams.key.kid}, claims)
    said = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return f"Bearer {(said + b'.' + base64.urlsafe_b64encode(sign(said)).rstrip(b'=')).decode()}"


@pytest.mark.parametrize("endorsements", [None, (), ("webchat", "directline"), ("msteams2",)])
async def test_a_key_that_may_not_sign_for_teams_is_refused(
    teams: FakeTeams, endorsements: tuple[str, ...] | None
) -> None:
    teams.metadata.keys = [SigningKey(endorsements=endorsements)]

    assert await Door(teams).refused() == (403, "endorsement")


@pytest.mark.parametrize(
    "issuer",
    [
        ABSENT,
        "",
        "https://api.botframework.com/",
        "https://API.botframework.com",
        "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/",
        "https://login.microsoftonline.com/d6d49420-f39b-4df7-a1dc-d59a935871db/v2.0",
        ["https://api.botframework.com"],
        None,
    ],
)
async def test_an_issuer_that_is_not_the_bot_framework_is_refused(door: Door, issuer: object) -> None:
    assert (await door.refused(iss=issuer))[0] == 401


@pytest.mark.parametrize("audience", [ABSENT, "", "00000000-0000-4000-8000-00000000beef", "*", None, ["another"], [""]])
async def test_a_token_for_another_app_is_refused(door: Door, audience: object) -> None:
    assert (await door.refused(aud=audience))[0] == 401


async def test_a_token_for_several_apps_is_refused_though_ours_is_among_them(door: Door) -> None:
    assert await door.refused(aud=[door.teams.app_id, "another"]) == (401, "audience")


@pytest.mark.parametrize("end", [ABSENT, None, "tomorrow", "9999999999", True, [], {}, float("inf"), float("nan")])
async def test_a_token_that_names_no_end_is_refused(door: Door, end: object) -> None:
    assert (await door.refused(exp=end))[0] == 401


async def test_a_token_is_good_until_five_minutes_after_its_end(door: Door) -> None:
    end = int(NOW.timestamp())

    door.now = datetime.fromtimestamp(end + 299, UTC)
    assert await door.knock(exp=end)

    door.now = datetime.fromtimestamp(end + 300, UTC)
    assert await door.refused(exp=end) == (401, "expired")


async def test_a_token_is_good_from_five_minutes_before_its_beginning(door: Door) -> None:
    begin = int(NOW.timestamp())

    door.now = datetime.fromtimestamp(begin, UTC) - timedelta(seconds=300)
    assert await door.knock(nbf=begin)

    door.now -= timedelta(seconds=1)
    assert await door.refused(nbf=begin) == (401, "expired")


@pytest.mark.parametrize("begin", ["yesterday", None, True, [0]])
async def test_a_beginning_that_is_no_time_is_refused(door: Door, begin: object) -> None:
    assert (await door.refused(nbf=begin))[0] == 401


@pytest.mark.parametrize("claim", [ABSENT, "", None, "https://smba.trafficmanager.net/other/", ["x"]])
async def test_a_token_that_is_not_for_this_service_url_is_refused(door: Door, claim: object) -> None:
    assert await door.refused(serviceurl=claim) == (401, "service_url")


@pytest.mark.parametrize("url", [ABSENT, None, "", 7, ["x"], {}])
async def test_an_activity_without_a_service_url_is_refused(door: Door, url: object) -> None:
    del door.activity["serviceUrl"]
    claim = door.teams.service_url
    if url is not ABSENT:
        door.activity["serviceUrl"] = url

    header = door.teams.authorization({}, service_url=claim)

    assert await door.refused(header) == (401, "service_url")
    assert await door.refused(door.teams.authorization({}, serviceurl=None)) == (401, "service_url")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/teams/",
        "http://smba.trafficmanager.net/teams/",
        "http://127.0.0.1:1/teams/",
        "http://127.0.0.1@evil.example/",
        "//smba.trafficmanager.net/",
        "file:///etc/passwd",
    ],
)
async def test_a_service_url_that_is_not_allowed_is_refused_though_it_is_signed(door: Door, url: str) -> None:
    door.activity["serviceUrl"] = url

    assert await door.refused() == (403, "host")


@pytest.mark.parametrize("channel", [ABSENT, None, "", "webchat", "emulator", "MSTEAMS", ["msteams"]])
async def test_an_activity_of_another_channel_is_refused(door: Door, channel: object) -> None:
    door.activity["channelId"] = channel
    if channel is ABSENT:
        del door.activity["channelId"]

    assert await door.refused() == (403, "channel")


async def test_a_tenant_that_is_named_in_one_place_is_enough(door: Door) -> None:
    everything = door.activity
    del everything["channelData"]
    assert (await door.knock()).tenant == door.teams.tenant

    door.activity = door.teams.says.says("queue")
    del door.activity["conversation"]["tenantId"]
    assert (await door.knock()).tenant == door.teams.tenant


@pytest.mark.parametrize(
    ("data", "conversation"),
    [
        ({}, {}),
        (None, None),
        ({"tenant": {"id": "another"}}, {}),
        ({}, {"tenantId": "another"}),
        ({"tenant": {"id": "another"}}, "ours"),
        ("ours", {"tenantId": "another"}),
        ({"tenant": {"id": ""}}, "ours"),
        ({"tenant": {"id": ["x"]}}, "ours"),
        ({"tenant": "x"}, "ours"),
        ("x", "ours"),
        ([], "ours"),
        ("ours", 7),
    ],
)
async def test_an_activity_of_another_tenant_or_of_two_or_of_none_is_refused(
    door: Door, data: object, conversation: object
) -> None:
    if data != "ours":
        door.activity["channelData"] = data
    if conversation != "ours":
        door.activity["conversation"] = conversation

    assert await door.refused() == (403, "tenant")


async def test_a_tenant_is_the_same_in_capitals(door: Door) -> None:
    door.activity["conversation"]["tenantId"] = door.teams.tenant.upper()

    assert (await door.knock()).tenant == door.teams.tenant


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b'"x"', b"7", b"{", b"\xff\xfe", b"{" * 100_000, b"[" * 100_000, b'{"a":' * 20_000),
        b"1" * 10_000,
    ],
    ids=lambda body: body[:6].decode("latin-1"),
)
async def test_a_body_that_is_no_activity_is_refused(door: Door, body: bytes) -> None:
    assert await door.refused(body=body) == (401, "malformed")


async def test_a_body_that_is_larger_than_teams_sends_is_refused(door: Door) -> None:
    door.activity["text"] += "x" * (BODY_BYTES - len(json.dumps(door.activity)))
    assert await door.knock()

    door.activity["text"] += "x"
    assert await door.refused() == (401, "too_large")


async def test_a_body_is_not_read_before_its_signature_is_checked(door: Door) -> None:
    assert await door.refused(key=SigningKey(kid="forged"), body=b"{") == (401, "key")


@pytest.mark.parametrize("keys", [{"keys": "x"}, {"keys": [7, {}, {"kid": "one"}]}, {"no": 1}])
async def test_keys_that_cannot_be_read_let_nobody_in(door: Door, keys: dict[str, Any]) -> None:
    door.teams.metadata.document = keys

    assert await door.refused() == (401, "no_keys")


async def test_whatever_breaks_inside_themade_the_request_stays_outside(door: Door) -> None:
    class Broken(Keys):
        async def key(self, kid: str) -> None:
            raise RuntimeError("boom")

    door.guard = door.guarding(keys=Broken())

    assert await door.refused() == (401, "broken")


@pytest.mark.parametrize("changes", [{"app_id": ""}, {"app_id": " "}, {"tenants": []}, {"tenants": [""]}])
def test_amade_without_an_app_id_or_a_tenant_is_none(teams: FakeTeams, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="app id and a tenant"):
        Door(teams).guarding(**changes)


@pytest.mark.parametrize("size", [1024])
async def test_a_published_key_that_is_too_short_is_none(teams: FakeTeams, size: int) -> None:
    short = SigningKey(kid="short", bits=size)
    teams.metadata.keys.append(short)

    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        header = teams.authorization(Door(teams).activity, key=short)
    assert await Door(teams).refused(header) == (401, "key")
