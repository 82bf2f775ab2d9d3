"""Signatures by key pairs: Ed25519 (RFC 8032) checked, RS256 (RFC 7518 section 3.3) made. Pure.

`cryptography` is loaded by the first call: it costs a cold start some 40 ms, and most processes never sign.
"""

from __future__ import annotations


def is_signed_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True if the signature is the key's over the message; false for malformed keys and signatures."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_rs256(message: bytes, pem: str) -> bytes:
    """The signature by an RSA key in PEM, PKCS #8 or PKCS #1; raises ValueError for anything else."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (TypeError, UnsupportedAlgorithm, ValueError):
        # The library's text may quote the key.
        raise ValueError("not an unencrypted private key in PEM") from None
    match key:
        case RSAPrivateKey():
            return key.sign(message, PKCS1v15(), SHA256())
        case _:
            raise ValueError("not an RSA private key")
