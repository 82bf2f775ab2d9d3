"""Builds the opaque signatures of every wire, so that a changed, moved or invented one is recognised.

A seal is bound to its content (a thinking text, a function call) and may carry a hidden text. Real
providers encrypt; for a simulator it is enough that a changed seal is noticed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

_KEY = b"simulated providers sign with this key; it protects nothing"
_MAC_BYTES = 24
_STANDARD = str.maketrans("-_", "+/")
_URL_SAFE = str.maketrans("+/", "-_")


def seal(kind: str, bound: str, hidden: str = "") -> str:
    """Builds a signature of this kind over `bound` that carries `hidden`, as URL-safe base64 without padding."""
    payload = hidden.encode()
    return base64.urlsafe_b64encode(_mac(kind, bound, payload) + payload).decode().rstrip("=")


def as_bytes_field(token: str) -> str:
    """Converts a seal to the form of bytes in JSON for protobuf and AWS: the standard alphabet, padded."""
    return token.translate(_STANDARD) + "=" * (-len(token) % 4)


def open_seal(kind: str, bound: str, token: object) -> str | None:
    """Returns the hidden text of a genuine seal over `bound`, or None. Accepts both alphabets of base64."""
    if not isinstance(token, str):
        return None
    try:
        plain = token.rstrip("=").translate(_URL_SAFE)
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    return payload.decode() if hmac.compare_digest(mac, _mac(kind, bound, payload)) else None


def _mac(kind: str, bound: str, payload: bytes) -> bytes:
    message = b"\x1f".join((kind.encode(), bound.encode(), payload))
    return hmac.new(_KEY, message, hashlib.sha256).digest()[:_MAC_BYTES]
