"""Signatures by the Standard Webhooks specification, with our clock and every secret of a rotation.

The specification's own library signs. It does not check for us: it reads the wall clock, knows one secret, and lets a
malformed header out as a ValueError.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

import standardwebhooks

from adapters.refusals import Reason, Refusal

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE: Final = timedelta(minutes=5)
SIGNATURES: Final = 20  # how many a header may list
SECRET_BYTES: Final = range(24, 65)  # the specification: 192 to 512 bits
_PREFIX: Final = "whsec_"
# No full stop, as the specification asks: it separates the three things that are signed.
_ID: Final = re.compile(r"[!-\-/-~]{1,200}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class Signatures:
    """Signs with all secrets and accepts any of them. The first is the current one, the others are being retired."""

    def __init__(self, secrets: Sequence[str], *, clock: Callable[[], datetime]) -> None:
        if not secrets:
            raise ValueError("a webhook channel needs at least one secret")
        self._signers = [standardwebhooks.Webhook(_key(secret)) for secret in secrets]
        self._clock = clock

    def headers(self, message_id: str, body: str) -> dict[str, str]:
        """The three headers of one attempt: each attempt is signed at its own time."""
        at = self._clock()
        return {
            ID: message_id,
            TIMESTAMP: str(int(at.timestamp())),
            SIGNATURE: " ".join(signer.sign(message_id, at.astimezone(UTC), body) for signer in self._signers),
        }

    def check(self, headers: Mapping[str, str], body: bytes) -> str:
        """The `webhook-id` of a request that one of our secrets signed within the tolerance.

        Raises:
            Refusal: 401 with what is wrong about it, so that its sender can mend it.
        """
        message_id, seconds, listed = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
        if not (message_id and seconds and listed):
            raise _unsigned(f"Sign the request: {ID}, {TIMESTAMP} and {SIGNATURE} are required.")
        if not _ID.fullmatch(message_id):
            raise _unsigned(f"{ID} is 1 to 200 printable ASCII characters without full stops.")
        if not _SECONDS.fullmatch(seconds):
            raise _unsigned(f"{TIMESTAMP} is whole seconds since 1970.")
        self._check_age(int(seconds))
        if not self._is_ours(message_id, int(seconds), listed, body):
            raise _unsigned(f"No signature in {SIGNATURE} fits this body, id, timestamp and secret.")
        return message_id

    def _check_age(self, seconds: int) -> None:
        age = timedelta(seconds=self._clock().timestamp() - seconds)
        if abs(age) <= TOLERANCE:
            return
        side = "ago" if age > timedelta() else "ahead"
        words = f"Signed more than {TOLERANCE.seconds} seconds {side} by the clock here: sign each attempt anew."
        raise Refusal(HTTPStatus.UNAUTHORIZED, Reason.STALE, words)

    def _is_ours(self, message_id: str, seconds: int, listed: str, body: bytes) -> bool:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, Reason.MALFORMED, "The body is not JSON in UTF-8.") from error
        at = datetime.fromtimestamp(seconds, UTC)
        expected = [signer.sign(message_id, at, text).encode() for signer in self._signers]
        passed = [each.encode("utf-8") for each in listed.split(" ")[:SIGNATURES]]
        return any(hmac.compare_digest(mine, theirs) for mine in expected for theirs in passed)


def _key(secret: str) -> bytes:
    """The bytes of a `whsec_…` secret. The error names no part of it."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in SECRET_BYTES:
        raise ValueError(
            f"a webhook secret is {_PREFIX} and the base64 of {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes"
        )
    return key


def _unsigned(words: str) -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, Reason.SIGNATURE, words)
