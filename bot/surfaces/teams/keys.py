"""Microsoft's public keys, as its OpenID metadata publishes them: kept a day, and looked at again when they turn."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot.surfaces.teams.hosts import METADATA_URL, is_loopback

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 24 * 3600.0
USABLE_SECONDS: Final = 72 * 3600.0  # while Microsoft cannot be reached for fresh ones
UNKNOWN_EVERY_SECONDS: Final = 300.0  # or every forged key id would be a request to Microsoft
STALE_EVERY_SECONDS: Final = 60.0  # between attempts while Microsoft is out of reach and the old keys still serve
FAILED_EVERY_SECONDS: Final = 5.0  # and while there are none
TIMEOUT_SECONDS: Final = 5
_DOCUMENT_BYTES: Final = 1_000_000
_KEYS_MOST: Final = 200


class KeysUnavailable(Exception):
    """There is no key to check anything with, and none can be had now."""


@dataclass(frozen=True, kw_only=True)
class Key:
    public: RSAPublicKey
    endorsements: frozenset[str]  # the channels it may sign for


class Keys:
    """One for the process. Whoever needs a key while it is being looked for waits for the same look."""

    def __init__(self, metadata_url: str = METADATA_URL, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url, self._monotonic = metadata_url, monotonic
        self._known: dict[str, Key] = {}
        self._loaded_at: float | None = None
        self._looked_at: float | None = None  # with or without success
        self._looking = asyncio.Lock()

    async def key(self, kid: str) -> Key | None:
        """None: Microsoft has no such key. Raises KeysUnavailable."""
        if not self._fresh() or kid not in self._known:
            await self._look_for(kid)
        if self._loaded_at is None or self._monotonic() - self._loaded_at > USABLE_SECONDS:
            raise KeysUnavailable("no usable keys")
        return self._known.get(kid)

    def _fresh(self) -> bool:
        return self._loaded_at is not None and self._monotonic() - self._loaded_at < FRESH_SECONDS

    def _rests(self, kid: str) -> bool:
        """Whether nobody needs to look, or somebody did a moment ago."""
        if self._looked_at is None:
            return False
        since = self._monotonic() - self._looked_at
        if self._fresh():
            return kid in self._known or since < UNKNOWN_EVERY_SECONDS
        return since < (FAILED_EVERY_SECONDS if self._loaded_at is None else STALE_EVERY_SECONDS)

    async def _look_for(self, kid: str) -> None:
        async with self._looking:
            if self._rests(kid):
                return
            self._looked_at = self._monotonic()
            try:
                self._known = await self._load()
            except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RecursionError) as error:
                failure = f"{type(error).__name__}: {error}"[:200]
                log.warning("Microsoft's keys could not be read", extra={"failure": failure})
                return
            self._loaded_at = self._monotonic()

    async def _load(self) -> dict[str, Key]:
        """Raises ValueError for documents that say something else."""
        local = is_loopback(self._url)
        async with asyncio.timeout(TIMEOUT_SECONDS), httpx2.AsyncClient(trust_env=not local) as session:
            where = (await _json(session, self._url)).get("jwks_uri")
            if not isinstance(where, str) or not (where.startswith("https://") or is_loopback(where)):
                raise ValueError("metadata without an address of keys")
            published = (await _json(session, where)).get("keys")
        keys = [each for each in published if isinstance(each, dict)] if isinstance(published, list) else []
        found = {each["kid"]: key for each in keys[:_KEYS_MOST] if (key := _key(each)) is not None}
        if not found:
            raise ValueError("a list of keys without one to use")
        return found


async def _json(session: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    body = bytearray()
    async with session.stream("GET", url, follow_redirects=False) as response:
        if response.status_code != 200:
            raise ValueError(f"answered with {response.status_code}")
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _DOCUMENT_BYTES:
                raise ValueError("too long a document")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _key(jwk: dict[str, Any]) -> Key | None:
    """None for one that is not for checking signatures with RS256."""
    kid, endorsements = jwk.get("kid"), jwk.get("endorsements")
    if not isinstance(kid, str) or jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
        return None
    try:
        public = jwt.PyJWK(jwk, algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(public, RSAPublicKey) or public.key_size < 2048:
        return None
    named = endorsements if isinstance(endorsements, list) else []
    return Key(public=public, endorsements=frozenset(each for each in named if isinstance(each, str)))
