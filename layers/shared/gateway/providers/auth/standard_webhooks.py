"""Standard Webhooks signatures, for what we send and for what providers who use them send us. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence

from gateway.errors import AuthenticationFailed

PREFIX = "whsec_"
VERSION = "v1"
TOLERANCE_S = 300
# Epoch seconds have ten digits until the year 2286.
TIMESTAMP_DIGITS_MAX = 12
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
NOT_SIGNED = "The delivery is not signed as it should be."


def signed(secrets: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery, with a signature by each secret that is good at the time."""
    signatures = [f"{VERSION},{_signature(secret, message_id, str(timestamp_s), body)}" for secret in secrets]
    return {ID: message_id, TIMESTAMP: str(timestamp_s), SIGNATURE: " ".join(signatures)}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    """Raises `AuthenticationFailed` for what the secret did not sign in the last five minutes; names are lower-case."""
    message_id, timestamp, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not _is_time(timestamp) or abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise AuthenticationFailed(NOT_SIGNED)
    wanted = f"{VERSION},{_signature(secret, message_id, timestamp, body)}".encode()
    if not any(hmac.compare_digest(wanted, one.encode()) for one in given.split()):
        raise AuthenticationFailed(NOT_SIGNED)


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= TIMESTAMP_DIGITS_MAX


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is base64 after its prefix") from error
    if not key:
        raise ValueError("a webhook secret must not be empty: any sender could sign with it")
    content = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
