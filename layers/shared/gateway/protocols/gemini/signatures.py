"""Signatures of other wires travel inside this one: marked with their issuer, so that only the issuer gets them back.

A `thoughtSignature` is bytes, in base64 of either alphabet: the official Python SDK gives back the URL-safe one
for both. Gemini's own therefore pass unchanged; a signature or ciphertext of another wire is put into bytes behind a
mark of nine bytes, so that its text survives the change of alphabet, and no Gemini signature opens like it.
"""

from __future__ import annotations

import binascii
from base64 import b64encode, urlsafe_b64decode
from typing import NamedTuple

from gateway.protocols.gemini.answer import PROTOCOL

# https://ai.google.dev/gemini-api/docs/thought-signatures#faqs: what a call that no Gemini model made bears instead.
UNSIGNED_CALL = "skip_thought_signature_validator"

_SIGNED, _REDACTED = b"nexgate/s", b"nexgate/r"
# Nine bytes are twelve characters of base64 before any other bytes; these are the same in both alphabets.
MARKS = tuple(b64encode(mark).decode() for mark in (_SIGNED, _REDACTED))


class Kept(NamedTuple):
    """The content of a thought's signature: its own text, its issuer, and whether it is a whole encrypted thought."""

    text: str
    signed_by: str | None
    redacted: bool = False


def encode_signature(signature: str | None, signed_by: str | None) -> str | None:
    """Encodes a thought's signature for the client to keep."""
    if not signature or signed_by == PROTOCOL:
        return signature
    return _packed(_SIGNED, signature, signed_by)


def encode_redacted(data: str, signed_by: str | None) -> str:
    """Encodes a thought that its provider encrypted, for the client to keep."""
    return _packed(_REDACTED, data, signed_by)


def is_foreign(signature: str) -> bool:
    """True if this gateway packed the signature of another wire."""
    return signature.startswith(MARKS)


def decode_signature(kept: str) -> Kept:
    """The signature and its issuer; one that opens like ours and is not is taken for Gemini's."""
    if not is_foreign(kept):
        return Kept(kept, PROTOCOL)
    try:
        # Reads both alphabets.
        packed = urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return Kept(kept, PROTOCOL)
    mark, rest = packed[: len(_SIGNED)], packed[len(_SIGNED) :]
    issuer, _, text = rest.partition(":")
    return Kept(text, issuer or None, redacted=mark == _REDACTED.decode())


def _packed(mark: bytes, text: str, signed_by: str | None) -> str:
    return b64encode(mark + f"{signed_by or ''}:{text}".encode()).decode()
