"""Where our token may go."""

import pytest

from bot.surfaces.teams.hosts import DEFAULT_HOSTS, DEFAULT_SERVICE_URL, Hosts


@pytest.mark.parametrize(
    "url",
    [
        DEFAULT_SERVICE_URL,
        "https://smba.trafficmanager.net",
        "https://smba.trafficmanager.net/emea/00000000-0000-4000-8000-000000007e4a/",
        "https://SMBA.trafficmanager.net:443/teams",
    ],
)
def test_microsofts_own_addresses_are_allowed(url: str) -> None:
    assert Hosts.of(*DEFAULT_HOSTS).allow(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "smba.trafficmanager.net",
        "//smba.trafficmanager.net/",
        "http://smba.trafficmanager.net/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://evil.example/smba.trafficmanager.net",
        "https://evil.example#https://smba.trafficmanager.net",
        "https://evil.example?https://smba.trafficmanager.net",
        "https://smba.trafficmanager.net@evil.example/",
        "https://user@smba.trafficmanager.net/",
        "https://evil.example\\@smba.trafficmanager.net/",
        "https://smba.traffic\nmanager.net/",
        "https://smba.trafficmanager.net\t/",
        " https://smba.trafficmanager.net/",
        "https://smba.trafficmanager.net./",
        "https://smba.trafficmanager.net:8443/",
        "https://smba.trafficmanager.net:99999/",
        "https://smba.trafficmanager.net/{conversationId.__class__}/",
        "https://smba.trafficmanager.net/?x=",
        "https://smbа.trafficmanager.net/",
        "https://[::1/",
        "javascript:alert(1)",
    ],
)
def test_anything_that_could_be_read_as_another_address_is_not(url: str) -> None:
    assert not Hosts.of(*DEFAULT_HOSTS).allow(url)


@pytest.mark.parametrize(
    "address", ["", "evil.example", "http://evil.example", "https://a.example/path", "ftp://a.example"]
)
def test_an_address_that_nobody_should_trust_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        Hosts.of(address)


def test_a_local_teams_may_have_any_port_and_is_known_as_local() -> None:
    local = Hosts.of("http://localhost")

    assert local.allow("http://localhost:56150/_connector")
    assert not local.allow("http://127.0.0.1:56150/_connector")
    assert local.all_local
    assert not Hosts.of("http://localhost", *DEFAULT_HOSTS).all_local
