"""Microsoft's signature: real RSA keys, how they are published, and tokens as the Bot Connector makes them."""

import functools
import json
import time
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ISSUER: Final = "https://api.botframework.com"
ABSENT: Final = object()


@functools.cache
def private_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """The same one for the same name, made once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    kid: str = "one"
    endorsements: tuple[str, ...] | None = ("msteams", "webchat")  # None: the document says nothing about it
    bits: int = 2048

    @property
    def private(self) -> RSAPrivateKey:
        return private_key(self.kid, self.bits)

    def jwk(self) -> dict[str, Any]:
        published = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        published |= {"kid": self.kid, "use": "sig", "x5t": self.kid}
        return published if self.endorsements is None else published | {"endorsements": list(self.endorsements)}


def token(
    key: SigningKey,
    *,
    app_id: str,
    service_url: str,
    at: float | None = None,
    header: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """As the Bot Connector signs it, `at` a time (now). `changes` replace claims; `ABSENT` takes one away."""
    now = time.time() if at is None else at
    claims = {
        "serviceurl": service_url,
        "nbf": int(now),
        "exp": int(now) + 3600,
        "iss": ISSUER,
        "aud": app_id,
        **changes,
    }
    given = {name: value for name, value in claims.items() if value is not ABSENT}
    said = json.dumps(given).encode()  # as it is: jwt.encode has an opinion about claims
    return jwt.PyJWS().encode(said, key.private, algorithm="RS256", headers={"kid": key.kid, **(header or {})})
