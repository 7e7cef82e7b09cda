"""Which service URLs we talk to: our token goes there, so an activity's word alone is not enough."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

DEFAULT_SERVICE_URL: Final = "https://smba.trafficmanager.net/teams/"  # for the first contact; activities name newer
DEFAULT_HOSTS: Final = ("https://smba.trafficmanager.net",)
METADATA_URL: Final = "https://login.botframework.com/v1/.well-known/openidconfiguration"
LOGIN_URL: Final = "https://login.microsoftonline.com"
GRAPH_URL: Final = "https://graph.microsoft.com"
_FORM: Final = re.compile(r"https?://[A-Za-z0-9._~:/%\[\]-]{1,500}")  # no query, no user, no braces: paths are appended
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Microsoft:
    """Where Microsoft's side is, but for the service URL: other addresses only for a local one."""

    metadata_url: str = METADATA_URL  # of the keys that requests to us are signed by
    login_url: str = LOGIN_URL
    graph_url: str = GRAPH_URL


@dataclass(frozen=True)
class _Origin:
    scheme: str
    host: str
    port: int | None  # None: any, for loopback only


@dataclass(frozen=True)
class Hosts:
    """Origins that may be sent our token: https, or http to this machine for a local Teams."""

    origins: frozenset[_Origin]

    @classmethod
    def of(cls, *addresses: str) -> Self:
        """From addresses such as `https://smba.trafficmanager.net`. Raises ValueError for one nobody should trust."""
        return cls(frozenset(map(_origin, addresses)))

    def allow(self, url: str) -> bool:
        """Whether this very text, as others will read it too, leads to one of them."""
        parts = _split(url)
        if parts is None or parts.hostname is None:
            return False
        port = parts.port or _PORTS[parts.scheme]
        return any(
            (parts.scheme, parts.hostname) == (each.scheme, each.host) and each.port in (None, port)
            for each in self.origins
        )

    @property
    def all_local(self) -> bool:
        return all(each.host in _LOOPBACK for each in self.origins)


def is_loopback(url: str) -> bool:
    parts = _split(url)
    return parts is not None and parts.hostname in _LOOPBACK


def _origin(address: str) -> _Origin:
    parts = _split(address)
    if parts is None or parts.hostname is None or parts.path.strip("/"):
        raise ValueError(f"not the address of a host, as in https://smba.trafficmanager.net: {address!r}")
    local = parts.hostname in _LOOPBACK
    if parts.scheme == "http" and not local:
        raise ValueError(f"our token would travel unencrypted: {address!r} must begin with https://")
    return _Origin(parts.scheme, parts.hostname, parts.port or (None if local else _PORTS[parts.scheme]))


def _split(url: str) -> SplitResult | None:
    """None for what is no plain web address. urlsplit forgives line ends and users, which other readers do not."""
    if _FORM.fullmatch(url) is None:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
