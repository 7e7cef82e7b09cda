"""Who is writing in a web chat: tokens we sign for browsers, and identities that a site signs for its customers."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from adapters.bodies import Email, Name, Tier
from adapters.refusals import Reason, Refusal

TOKEN_LIFE: Final = timedelta(days=30)
VOUCHED_FOR: Final = timedelta(days=1)  # a site signs an identity with every page; older ones are refused
SKEW: Final = timedelta(minutes=5)  # how far ahead a site's clock may be
SECRET_CHARS: Final = 16
_VOUCHING: Final = "signoff.webchat.identity"


class Identity(BaseModel):
    """A customer as their site knows them."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[
        str,
        StringConstraints(min_length=1, max_length=150, pattern=r"^[^\x00-\x1f]+$"),
        BeforeValidator(lambda value: str(value) if type(value) is int else value),
    ]
    name: Name = None
    email: Email = None
    tier: Tier = None


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Someone in front of a browser. `identity` is None for a visitor nobody vouched for."""

    id: str
    identity: Identity | None
    expires_at: datetime


class _Token(BaseModel):
    visitor: str
    identity: Identity | None = Field(default=None)
    expires: int


def vouch(
    secret: str, *, id: str | int, name: str | None = None, email: str | None = None, tier: str | None = None
) -> str:
    """The `data-identity` of a page whose visitor is logged in: made by the site, good for a day."""
    return URLSafeTimedSerializer(secret, salt=_VOUCHING).dumps({"id": id, "name": name, "email": email, "tier": tier})


class Visitors:
    """Issues and reads visitor tokens. A token is good for one channel."""

    def __init__(
        self,
        *,
        channel: str,
        secret: str,
        identity_secret: str,
        clock: Callable[[], datetime],
        new_id: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        if min(len(secret), len(identity_secret)) < SECRET_CHARS:
            raise ValueError(f"a web chat's secret has at least {SECRET_CHARS} characters")
        self._tokens = URLSafeSerializer(
            secret, salt=f"signoff.webchat.{channel}.visitor", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._identities = URLSafeTimedSerializer(identity_secret, salt=_VOUCHING)
        self._clock = clock
        self._new_id = new_id

    def stranger(self) -> Visitor:
        """A new visitor whom nobody vouches for."""
        return Visitor(id=f"v_{self._new_id()}", identity=None, expires_at=self._expiry())

    def vouched(self, signed: str) -> Visitor:
        """The customer that a site signed for: the same visitor on all their devices.

        Raises:
            Refusal: 401, the signature is not the site's, or older than a day.
        """
        try:
            said, signed_at = self._identities.loads(signed, return_timestamp=True)
            identity = Identity.model_validate(said)
        except (BadData, ValidationError, UnicodeError) as error:
            raise _not_known("The identity is not signed by this site.") from error
        if not -SKEW <= self._clock() - signed_at <= VOUCHED_FOR:
            raise _not_known("The identity was signed too long ago. Reload the page.")
        return Visitor(id=f"u_{identity.id}", identity=identity, expires_at=self._expiry())

    def renewed(self, visitor: Visitor) -> Visitor:
        return Visitor(id=visitor.id, identity=visitor.identity, expires_at=self._expiry())

    def token(self, visitor: Visitor) -> str:
        token = _Token(visitor=visitor.id, identity=visitor.identity, expires=int(visitor.expires_at.timestamp()))
        signed: str | bytes = self._tokens.dumps(token.model_dump(exclude_none=True))
        return signed if isinstance(signed, str) else signed.decode()

    def read(self, authorization: str) -> Visitor:
        """The visitor of an `Authorization: Bearer …` header.

        Raises:
            Refusal: 401, no token, not ours, or expired.
        """
        scheme, _, signed = authorization.partition(" ")
        if scheme.lower() != "bearer" or not signed:
            raise _not_known("Ask for a session first.")
        try:
            token = _Token.model_validate(self._tokens.loads(signed.strip()))
        except (BadData, ValidationError, UnicodeError) as error:
            raise _not_known("This is not a token of this chat.") from error
        expires_at = datetime.fromtimestamp(token.expires, UTC)
        if expires_at <= self._clock():
            raise _not_known("This chat has expired.")
        return Visitor(id=token.visitor, identity=token.identity, expires_at=expires_at)

    def _expiry(self) -> datetime:
        return self._clock() + TOKEN_LIFE


def _not_known(words: str) -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, Reason.TOKEN, words)
