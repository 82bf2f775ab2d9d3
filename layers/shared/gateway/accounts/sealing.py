"""What is shown once may have to be shown again to whoever asks under the same idempotency key, and to nobody else.

So it is kept sealed by the caller's own API key, of which the gateway has only the hash: neither the table, nor the
bucket, nor their operator can read it back. SHAKE-256 of a fresh nonce and the key is the key stream (FIPS 202, 6.2).
"""

from __future__ import annotations

import hashlib
import secrets

NONCE_BYTES = 32


def sealed(text: bytes, secret: str) -> bytes:
    """The text, readable again with the secret alone."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _crossed(text, nonce, secret)


def unsealed(kept: bytes, secret: str) -> bytes:
    """What was sealed with the same secret."""
    return _crossed(kept[NONCE_BYTES:], kept[:NONCE_BYTES], secret)


def _crossed(text: bytes, nonce: bytes, secret: str) -> bytes:
    stream = hashlib.shake_256(nonce + secret.encode()).digest(len(text))
    return bytes(left ^ right for left, right in zip(text, stream, strict=True))
