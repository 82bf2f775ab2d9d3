"""Seals as earlier releases wrote them, for readers that must still open them."""

import hashlib


def sealed_in_version_0(text: bytes, secret: str, nonce: bytes = bytes(range(32))) -> bytes:
    """Builds a nonce, followed by the text under SHAKE-256's key stream."""
    stream = hashlib.shake_256(nonce + secret.encode()).digest(len(text))
    return nonce + bytes(left ^ right for left, right in zip(text, stream, strict=True))
