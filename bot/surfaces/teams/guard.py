"""Who may talk to /api/messages: Microsoft's Bot Connector alone, about our tenants.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

import json
import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import jwt

from bot.surfaces.teams.hosts import Hosts
from bot.surfaces.teams.keys import Key, Keys, KeysUnavailable
from bot.surfaces.teams.metrics import REJECTED

log = logging.getLogger(__name__)

ISSUER: Final = "https://api.botframework.com"
CHANNEL: Final = "msteams"
BODY_BYTES: Final = 1_000_000  # Teams' own messages are 100 kB; inputs of a card come on top
TOKEN_CHARS: Final = 16_000
LEEWAY_SECONDS: Final = 300
_UNCHECKED: Final[Any] = {  # by the library, with its own clock: all of it is checked here
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class Unauthorized(Exception):
    """Not from Teams, or not about us: answered with `status`, counted by `reason`, and told nothing more."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status, self.reason = status, reason


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A request that is from Teams. `body` is what was sent, as it was sent: what is in it is still hostile."""

    body: Mapping[str, Any]
    claims: Mapping[str, Any]
    tenant: str  # in lower case
    service_url: str  # of an allowed host


class Guard:
    """`admit` every request before anything in it is believed."""

    def __init__(
        self, *, app_id: str, tenants: Collection[str], hosts: Hosts, keys: Keys, clock: Callable[[], datetime]
    ) -> None:
        """Raises ValueError without an app id or a tenant: an empty one would let everybody in."""
        if not app_id.strip() or not tenants or not all(tenant.strip() for tenant in tenants):
            raise ValueError("Teams needs an app id and a tenant")
        self._app_id = app_id
        self._tenants = frozenset(tenant.casefold() for tenant in tenants)
        self._hosts, self._keys, self._clock = hosts, keys, clock

    async def admit(self, authorization: str | None, body: bytes) -> Admitted:
        """Raises Unauthorized, and nothing else whatever was sent."""
        try:
            return await self._admit(authorization, body)
        except Unauthorized as refusal:
            REJECTED.labels(reason=refusal.reason).inc()
            raise
        except KeysUnavailable as error:
            REJECTED.labels(reason="no_keys").inc()
            raise Unauthorized(401, "no_keys") from error
        except Exception as error:  # whatever a stranger can break here, they stay outside
            log.warning("a request broke its check", extra={"failure": type(error).__name__})
            REJECTED.labels(reason="broken").inc()
            raise Unauthorized(401, "broken") from error

    async def _admit(self, authorization: str | None, body: bytes) -> Admitted:
        token = _bearer(authorization)
        key = await self._key(token)
        claims = self._claims(token, key)
        activity = _activity(body)
        service_url = activity.get("serviceUrl")
        if not isinstance(service_url, str) or not service_url or claims.get("serviceurl") != service_url:
            raise Unauthorized(401, "service_url")
        if not self._hosts.allow(service_url):
            raise Unauthorized(403, "host")
        if activity.get("channelId") != CHANNEL:
            raise Unauthorized(403, "channel")
        if CHANNEL not in key.endorsements:
            raise Unauthorized(403, "endorsement")
        tenant = _tenant(activity, self._tenants)
        return Admitted(body=activity, claims=claims, tenant=tenant, service_url=service_url)

    async def _key(self, token: str) -> Key:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise Unauthorized(401, "malformed") from error
        kid = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(kid, str) or not kid:
            raise Unauthorized(401, "algorithm" if header.get("alg") != "RS256" else "key")
        key = await self._keys.key(kid)
        if key is None:
            raise Unauthorized(401, "key")
        return key

    def _claims(self, token: str, key: Key) -> dict[str, Any]:
        try:
            claims = jwt.decode(token, key.public, algorithms=["RS256"], options=_UNCHECKED)
        except jwt.PyJWTError as error:
            raise Unauthorized(401, "signature") from error
        if claims.get("iss") != ISSUER:
            raise Unauthorized(401, "issuer")
        if claims.get("aud") != self._app_id:
            raise Unauthorized(401, "audience")
        now = self._clock().timestamp()
        if now >= _time(claims.get("exp")) + LEEWAY_SECONDS or now < _time(claims.get("nbf", 0)) - LEEWAY_SECONDS:
            raise Unauthorized(401, "expired")
        return claims


class LocalGuard:
    """The same for a local Teams, which signs nothing: only for a bot that nobody but this machine reaches."""

    def __init__(self, *, tenant: str, hosts: Hosts) -> None:
        """Raises ValueError unless all hosts are this machine."""
        if not tenant.strip() or not hosts.all_local:
            raise ValueError("only a Teams on this machine is believed without a signature")
        self._tenants, self._hosts = frozenset({tenant.casefold()}), hosts

    async def admit(self, authorization: str | None, body: bytes) -> Admitted:
        """Raises Unauthorized for what is about somebody else."""
        try:
            activity = _activity(body)
            service_url = activity.get("serviceUrl")
            if not isinstance(service_url, str) or not self._hosts.allow(service_url):
                raise Unauthorized(403, "host")
            if activity.get("channelId") != CHANNEL:
                raise Unauthorized(403, "channel")
            tenant = _tenant(activity, self._tenants)
        except Unauthorized as refusal:
            REJECTED.labels(reason=refusal.reason).inc()
            raise
        return Admitted(body=activity, claims={}, tenant=tenant, service_url=service_url)


def _tenant(activity: Mapping[str, Any], tenants: frozenset[str]) -> str:
    """The one both places name that name one: an activity of two tenants is of nobody's."""
    named = {
        tenant.casefold() if isinstance(tenant, str) else ""
        for tenant in (_within(activity, "channelData", "tenant", "id"), _within(activity, "conversation", "tenantId"))
        if tenant is not None
    }
    if len(named) != 1 or not named <= tenants:
        raise Unauthorized(403, "tenant")
    return named.pop()


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme != "Bearer" or not token or len(token) > TOKEN_CHARS:
        raise Unauthorized(401, "unsigned")
    return token


def _activity(body: bytes) -> dict[str, Any]:
    if len(body) > BODY_BYTES:
        raise Unauthorized(401, "too_large")
    try:
        activity = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unauthorized(401, "malformed") from error
    if not isinstance(activity, dict):
        raise Unauthorized(401, "malformed")
    return activity


def _within(value: Any, *path: str) -> Any:
    """What is found there; None where nothing is; "" where something else is, which is no tenant of anybody's."""
    for name in path:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return ""
        value = value.get(name)
    return value


def _time(value: Any) -> float:
    """Raises Unauthorized for a claim that is no time: a token without an end never ends."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise Unauthorized(401, "expired")
    return value
