"""Ed25519 signatures, checked (RFC 8032 section 5.1.7). Pure; nothing here is secret, so its timing tells nothing.

Written here because the few webhooks that are signed so do not pay for a compiled library of 13 MB. A check takes some
milliseconds.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

KEY_BYTES = 32
SIGNATURE_BYTES = 64

# RFC 8032 section 5.1: the field's prime, the order of the base point, the curve's constant, a square root of -1.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


class _Point(NamedTuple):
    """A point in extended homogeneous coordinates: x = X/Z, y = Y/Z, x * y = T/Z."""

    x: int
    y: int
    z: int
    t: int


_NEUTRAL = _Point(0, 1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's over the message; false for a key or a signature that is none."""
    if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    key = _decoded(public_key)
    scalar = int.from_bytes(signature[KEY_BYTES:], "little")
    if key is None or scalar >= _L:
        return False
    digest = hashlib.sha512(signature[:KEY_BYTES] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % _L
    # [S]B - [k]A is R, in the one encoding that it has.
    negated = _Point(_P - key.x, key.y, key.z, _P - key.t)
    return _encoded(_sum(_multiple(scalar, _BASE), _multiple(challenge, negated))) == signature[:KEY_BYTES]


def _sum(a: _Point, b: _Point) -> _Point:
    """Addition, and doubling, by section 5.1.4."""
    minus = (a.y - a.x) * (b.y - b.x) % _P
    plus = (a.y + a.x) * (b.y + b.x) % _P
    cross = 2 * a.t * b.t * _D % _P
    depth = 2 * a.z * b.z % _P
    e, f, g, h = plus - minus, depth - cross, depth + cross, plus + minus
    return _Point(e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _multiple(scalar: int, point: _Point) -> _Point:
    total = _NEUTRAL
    while scalar:
        if scalar & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        scalar >>= 1
    return total


def _encoded(point: _Point) -> bytes:
    inverse = pow(point.z, -1, _P)
    x, y = point.x * inverse % _P, point.y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(KEY_BYTES, "little")


def _decoded(data: bytes) -> _Point | None:
    """A point from its encoding, section 5.1.3; nothing where it is none."""
    number = int.from_bytes(data, "little")
    odd, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    x = _root((y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P)
    if x is None or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = _P - x
    return _Point(x, y, 1, x * y % _P)


def _root(square: int) -> int | None:
    root = pow(square, (_P + 3) // 8, _P)
    if root * root % _P != square:
        root = root * _ROOT % _P
    return root if root * root % _P == square else None


_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE = _Point(_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
