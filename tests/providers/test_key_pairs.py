"""Tests of key pairs: Ed25519 by the vectors of RFC 8032 section 7.1, RS256 by its public half."""

from functools import cache
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.auth.key_pairs import is_signed_ed25519 as verify
from gateway.providers.auth.key_pairs import sign_rs256

VECTORS = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd"
            "25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430"
            "2aeeb00d291612bb0c00"
        ),
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716e"
            "d28dc027beceea1ec40a"
        ),
    ),
    "TEST SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643c"
            "e80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138a"
            "c17ad9bef1177331a704"
        ),
    ),
}
PEM, PKCS8, PKCS1 = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.PrivateFormat.TraditionalOpenSSL,
)


@cache
def rsa_key(size: int = 2048) -> rsa.RSAPrivateKey:
    """Returns the key of that size; a large one takes a second to generate."""
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("name", VECTORS)
def test_the_rfcs_signatures_are_good(name: str) -> None:
    key, message, signature = (bytes.fromhex(part) for part in VECTORS[name])
    assert verify(key, message, signature)


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_openssls_signatures_are_good(seed: bytes, message: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    assert verify(private.public_key().public_bytes_raw(), message, private.sign(message))


@given(position=st.integers(0, 96 * 8 - 1))
def test_a_flipped_bit_of_key_or_signature_is_found(position: int) -> None:
    key, message, signature = (bytes.fromhex(part) for part in VECTORS["TEST 2"])
    both = bytearray(key + signature)
    both[position // 8] ^= 1 << position % 8
    assert not verify(bytes(both[:32]), message, bytes(both[32:]))


def test_another_message_is_not_signed() -> None:
    key, _, signature = (bytes.fromhex(part) for part in VECTORS["TEST 3"])
    assert not verify(key, b"another", signature)


def test_a_scalar_beyond_the_order_is_refused_though_it_means_the_same() -> None:
    key, message, signature = (bytes.fromhex(part) for part in VECTORS["TEST 1"])
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not verify(key, message, signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "key", [b"", b"\xff" * 32, b"\x02" + bytes(31), bytes(31) + b"\x80", b"\x01" + bytes(30) + b"\x80"]
)
def test_what_is_no_point_is_no_key(key: bytes) -> None:
    assert not verify(key, b"", bytes.fromhex(VECTORS["TEST 1"][2]))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_none(length: int) -> None:
    assert not verify(bytes.fromhex(VECTORS["TEST 1"][0]), b"", bytes(length))


def pem(form: serialization.PrivateFormat = PKCS8, key: Any = None, password: bytes | None = None) -> str:
    key = key or rsa_key()
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return str(key.private_bytes(PEM, form, encryption).decode())


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
@pytest.mark.parametrize("size", [1024, 2048, 2056, 4096])
def test_the_public_half_accepts_what_rs256_signs(form: serialization.PrivateFormat, size: int) -> None:
    key = rsa_key(size)
    for message in (b"", b"x", bytes(1000)):
        signature = sign_rs256(message, pem(form, key))
        key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        with pytest.raises(InvalidSignature):
            key.public_key().verify(signature, message + b"!", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
        pem()[:400] + "\n-----END PRIVATE KEY-----\n",
        pem(key=ec.generate_private_key(ec.SECP256R1())),
        pem(password=b"password"),
    ],
)
def test_text_that_is_no_open_rsa_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="private key") as caught:
        sign_rs256(b"x", text)
    assert caught.value.__cause__ is None
    assert not [line for line in text.splitlines()[1:-1] if line in str(caught.value)]


def test_a_key_whose_parts_do_not_belong_together_signs_nothing() -> None:
    ours, others = rsa_key().private_numbers(), rsa.generate_private_key(public_exponent=65537, key_size=2048)
    mixed = rsa.RSAPrivateNumbers(
        p=ours.p,
        q=ours.q,
        d=ours.d,
        dmp1=others.private_numbers().dmp1,
        dmq1=ours.dmq1,
        iqmp=ours.iqmp,
        public_numbers=ours.public_numbers,
    )
    text = pem(key=mixed.private_key(unsafe_skip_rsa_key_validation=True))
    with pytest.raises(ValueError, match="private key"):
        sign_rs256(b"x", text)
