"""Seals stored text so that only the owner's secret opens it; the store and its operator cannot read it.

An envelope is `NXS`, the version, a salt, a nonce, and AES-256-GCM's ciphertext with its tag (NIST SP 800-38D). HKDF
(RFC 5869) makes the AES key from the owner's secret and the salt. The envelope's head and `context`, which says what is
sealed and for whom, are authenticated too: a changed envelope, or one moved to another place, does not open.

`cryptography` is loaded by the first seal that is made or opened.
"""

from __future__ import annotations

import secrets

_VERSION_1 = b"NXS\x01"
_SALT_BYTES = 16
_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealBroken(ValueError):
    """Reports an envelope that was changed, or was sealed with another secret or in another context."""


def sealed(text: bytes, secret: str, context: str) -> bytes:
    """Seals a text; the envelope opens with the same secret in the same context."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    key = _derived_key(secret, salt)
    return _VERSION_1 + salt + nonce + AESGCM(key).encrypt(nonce, text, _authenticated(context))


def unsealed(envelope: bytes, secret: str, context: str) -> bytes:
    """Opens an envelope; raises `SealBroken`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not envelope.startswith(_VERSION_1):
        raise SealBroken("this is not a sealed text")
    salt_at = len(_VERSION_1)
    nonce_at = salt_at + _SALT_BYTES
    text_at = nonce_at + _NONCE_BYTES
    key = _derived_key(secret, envelope[salt_at:nonce_at])
    try:
        return AESGCM(key).decrypt(envelope[nonce_at:text_at], envelope[text_at:], _authenticated(context))
    except (InvalidTag, ValueError):
        # ValueError: too short to hold a nonce.
        raise SealBroken("the sealed text does not open with this secret in this context") from None


def _derived_key(secret: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), _KEY_BYTES, salt, b"nexgate seal").derive(secret.encode())


def _authenticated(context: str) -> bytes:
    return _VERSION_1 + context.encode()
