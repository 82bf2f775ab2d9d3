"""Tests of seals: only their secret in their context opens them, changed ones are refused."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.sealing import SealBroken, sealed, unsealed

SECRET, CONTEXT = "sk-xc-canary-secret", "acct_1#key_1"
TEXT = b'{"full_key":"sk-xc-canary-text"}'
# TEXT sealed with SECRET by the code before version 1, with a nonce of 32 bytes 0x07.
VERSION_0 = bytes.fromhex("07" * 32 + "446a33e3f18216175d91dbf58c4f19cb683c679cc05a9e4da4f19830f5638d50")
HEAD_BYTES, SALT_BYTES, NONCE_BYTES, TAG_BYTES = 4, 16, 12, 16


@given(text=st.binary(max_size=3000), secret=st.text(max_size=80), context=st.text(max_size=80))
def test_what_is_sealed_opens_with_its_secret_in_its_context(text: bytes, secret: str, context: str) -> None:
    assert unsealed(sealed(text, secret, context), secret, context) == text


def test_an_envelope_is_aes_256_gcm_under_a_key_that_hkdf_derives() -> None:
    envelope = sealed(TEXT, SECRET, CONTEXT)
    assert envelope[:HEAD_BYTES] == b"NXS\x01"
    salt, rest = envelope[HEAD_BYTES:][:SALT_BYTES], envelope[HEAD_BYTES + SALT_BYTES :]
    key = HKDF(SHA256(), 32, salt, b"nexgate seal").derive(SECRET.encode())
    assert AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], b"NXS\x01" + CONTEXT.encode()) == TEXT


def test_the_same_text_sealed_twice_shares_nothing_but_the_version() -> None:
    one, two = sealed(TEXT, SECRET, CONTEXT), sealed(TEXT, SECRET, CONTEXT)
    assert one[HEAD_BYTES:][:SALT_BYTES] != two[HEAD_BYTES:][:SALT_BYTES]
    assert one[HEAD_BYTES + SALT_BYTES :] != two[HEAD_BYTES + SALT_BYTES :]


def test_an_envelope_shows_neither_the_text_nor_the_secret() -> None:
    assert b"canary" not in sealed(TEXT, SECRET, CONTEXT)


@given(position=st.integers(0, (HEAD_BYTES + SALT_BYTES + NONCE_BYTES + len(TEXT) + TAG_BYTES) * 8 - 1))
def test_a_flipped_bit_anywhere_does_not_open(position: int) -> None:
    changed = bytearray(sealed(TEXT, SECRET, CONTEXT))
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(SealBroken):
        unsealed(bytes(changed), SECRET, CONTEXT)


@given(kept=st.integers(0, HEAD_BYTES + SALT_BYTES + NONCE_BYTES + len(TEXT) + TAG_BYTES - 1))
def test_a_cut_envelope_does_not_open(kept: int) -> None:
    with pytest.raises(SealBroken):
        unsealed(sealed(TEXT, SECRET, CONTEXT)[:kept], SECRET, CONTEXT)


@pytest.mark.parametrize(("secret", "context"), [("sk-xc-another", CONTEXT), (SECRET, "acct_2#key_1"), ("", "")])
def test_another_secret_or_context_does_not_open(secret: str, context: str) -> None:
    with pytest.raises(SealBroken) as caught:
        unsealed(sealed(TEXT, SECRET, CONTEXT), secret, context)
    assert "canary" not in str(caught.value)


def test_a_text_without_the_version_does_not_open() -> None:
    """Seals without a version had no tag, so that a changed one opened."""
    for unversioned in (TEXT, VERSION_0, sealed(TEXT, SECRET, CONTEXT)[HEAD_BYTES:]):
        with pytest.raises(SealBroken):
            unsealed(unversioned, SECRET, CONTEXT)
