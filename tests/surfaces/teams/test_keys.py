"""Microsoft's keys: kept for a day, found when they turn, and not asked for by whoever can forge a key's id."""

import asyncio

import pytest

from bot.surfaces.teams.keys import Keys, KeysUnavailable
from tests.fakes.teams import FakeTeams, SigningKey

DAY = 24 * 3600.0


class Time:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def keys(teams: FakeTeams, time: Time) -> Keys:
    return Keys(teams.metadata_url, monotonic=time)


async def test_keys_are_read_once_for_everybody(teams: FakeTeams, keys: Keys) -> None:
    found = await asyncio.gather(*(keys.key("one") for _ in range(20)))

    assert all(each is not None and each.endorsements == {"msteams", "webchat"} for each in found)
    assert teams.metadata.looks == 1


async def test_keys_are_read_again_after_a_day(teams: FakeTeams, keys: Keys, time: Time) -> None:
    await keys.key("one")
    time.seconds += DAY - 1
    await keys.key("one")
    assert teams.metadata.looks == 1

    time.seconds += 1
    await keys.key("one")

    assert teams.metadata.looks == 2


async def test_a_new_key_is_found_at_once(teams: FakeTeams, keys: Keys, time: Time) -> None:
    await keys.key("one")
    teams.metadata.keys.append(SigningKey(kid="two"))
    time.seconds += 300

    assert await keys.key("two") is not None
    assert teams.metadata.looks == 2


async def test_forged_key_ids_reach_microsoft_once_in_five_minutes(teams: FakeTeams, keys: Keys, time: Time) -> None:
    await keys.key("one")

    for minute in range(10):
        found = await asyncio.gather(*(keys.key(f"forged-{minute}-{index}") for index in range(20)))
        assert found == [None] * 20
        time.seconds += 60

    assert teams.metadata.looks == 2


async def test_a_key_that_was_withdrawn_is_gone_after_a_day(teams: FakeTeams, keys: Keys, time: Time) -> None:
    await keys.key("one")
    teams.metadata.keys = [SigningKey(kid="two")]

    time.seconds += DAY

    assert await keys.key("one") is None


async def test_the_known_keys_serve_for_two_days_while_microsoft_is_out_of_reach(
    teams: FakeTeams, keys: Keys, time: Time
) -> None:
    await keys.key("one")
    teams.metadata.broken = True

    time.seconds += 2 * DAY
    for _ in range(20):
        assert await keys.key("one") is not None
    assert teams.metadata.looks == 2  # once a minute

    time.seconds += DAY + 1
    with pytest.raises(KeysUnavailable):
        await keys.key("one")


async def test_without_any_keys_microsoft_is_asked_every_few_seconds(teams: FakeTeams, keys: Keys, time: Time) -> None:
    teams.metadata.broken = True
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            await keys.key("one")
    assert teams.metadata.looks == 1

    teams.metadata.broken = False
    time.seconds += 5

    assert await keys.key("one") is not None


async def test_keys_are_not_read_from_an_unencrypted_address(teams: FakeTeams, keys: Keys) -> None:
    teams.metadata.url = "http://keys.example"

    with pytest.raises(KeysUnavailable):
        await keys.key("one")


async def test_a_key_that_is_not_for_signatures_is_none(teams: FakeTeams, keys: Keys) -> None:
    teams.metadata.document = {
        "keys": [
            {**SigningKey(kid="one").jwk(), "use": "enc"},
            {**SigningKey(kid="three").jwk(), "kty": "EC"},
            {**SigningKey(kid="four").jwk(), "n": "nonsense"},
            SigningKey(kid="two").jwk(),
        ]
    }

    assert await keys.key("two") is not None
    assert [await keys.key(kid) for kid in ("one", "three", "four")] == [None] * 3
