"""Stripe's signature of an event: HMAC-SHA-256 of its time and its body, by any of the endpoint's secrets. Pure.

The official package verifies by the machine's own clock, and loads 323 modules to do so; a test holds both to one
verdict.
https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence

from gateway.errors import AuthenticationFailed

HEADER = "stripe-signature"
SCHEME = "v1"
TOLERANCE_S = 300
# Epoch seconds have ten digits until the year 2286.
TIMESTAMP_DIGITS_MAX = 12
SIGNATURES_MAX = 20
NOT_SIGNED = "The event is not signed as it should be."


def verify(secrets: Sequence[str], header: str, body: bytes, now_s: float) -> None:
    """Raises `AuthenticationFailed` for what none of the secrets has signed in the last five minutes."""
    parts = [part.strip().partition("=") for part in header.split(",")[:SIGNATURES_MAX]]
    times = [value for name, _, value in parts if name == "t"]
    given = [value.encode() for name, _, value in parts if name == SCHEME]
    if len(times) != 1 or not _is_time(times[0]) or abs(now_s - int(times[0])) > TOLERANCE_S:
        raise AuthenticationFailed(NOT_SIGNED)
    # Every pair is compared, so that the time tells nothing of which secret it was.
    matches = [hmac.compare_digest(own, other) for own in _signatures(secrets, times[0], body) for other in given]
    if not any(matches):
        raise AuthenticationFailed(NOT_SIGNED)


def signed(secret: str, body: bytes, at_s: int) -> str:
    """The header of an event that the secret signs at that time."""
    (signature,) = _signatures([secret], str(at_s), body)
    return f"t={at_s},{SCHEME}={signature.decode()}"


def _signatures(secrets: Sequence[str], at: str, body: bytes) -> Iterator[bytes]:
    for secret in secrets:
        if not secret:
            raise ValueError("a webhook secret must not be empty: any sender could sign with it")
        yield hmac.digest(secret.encode(), at.encode() + b"." + body, "sha256").hex().encode()


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= TIMESTAMP_DIGITS_MAX
