"""Access tokens of service accounts: signatures beside OpenSSL's, claims as Google's library reads them, the ring."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import google.auth.jwt
import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from gateway.errors import UpstreamError
from gateway.ports import Credential, Patience, UpstreamRequest
from gateway.providers.rs256 import parse_private_key, sign
from gateway.providers.service_account import TOKEN_TTL_S, token_in, token_request
from gateway.stores.access_tokens import TokenCredentials

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW_S = 1_795_244_400.75
PEM, PKCS8, PKCS1 = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.PrivateFormat.TraditionalOpenSSL,
)


def pem(form: serialization.PrivateFormat = PKCS8, key: Any = KEY) -> str:
    return str(key.private_bytes(PEM, form, serialization.NoEncryption()).decode())


def account(**changed: str) -> Credential:
    extra = {"client_email": "robot@p.example", "private_key": pem(), "project": "p"}
    return Credential("unused", None, extra | changed)


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
@pytest.mark.parametrize("size", [1024, 2048, 2056, 4096])
def test_a_signature_is_the_one_that_openssl_makes(form: serialization.PrivateFormat, size: int) -> None:
    key = KEY if size == 2048 else rsa.generate_private_key(public_exponent=65537, key_size=size)
    for message in (b"", b"x", bytes(1000)):
        expected = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        assert sign(message, parse_private_key(pem(form, key))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
        pem()[:400] + "\n-----END PRIVATE KEY-----\n",
        pem(key=ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_what_is_no_rsa_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="private key"):
        parse_private_key(text)


def test_parts_that_do_not_belong_together_sign_nothing() -> None:
    key = parse_private_key(pem())
    with pytest.raises(ValueError, match="do not belong together"):
        sign(b"x", key._replace(exponent_p=key.exponent_p ^ 2))


def test_the_assertion_is_what_googles_own_library_accepts() -> None:
    now_s = time.time()
    request = token_request(account(), now_s)
    form = parse_qs(request.body.decode())
    assert request.url == "https://oauth2.googleapis.com/token"
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    public = KEY.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    decode: Any = google.auth.jwt.decode
    claims = decode(form["assertion"][0], certs=public, audience=request.url)
    assert claims == {
        "iss": "robot@p.example",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": int(now_s),
        "exp": int(now_s) + 3600,
    }


def test_the_key_files_own_address_is_asked() -> None:
    request = token_request(account(token_uri="http://127.0.0.1:9/token"), NOW_S)
    assert request.url == "http://127.0.0.1:9/token"
    claims = parse_qs(request.body.decode())["assertion"][0].split(".")[1]
    assert orjson.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == "http://127.0.0.1:9/token"


def test_an_unreadable_key_is_the_operators_fault() -> None:
    with pytest.raises(UpstreamError, match="unreadable key") as caught:
        token_request(account(private_key="nonsense"), NOW_S)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [
        (400, b'{"error":"invalid_grant","error_description":"canary"}', False),
        (503, b"<html>", True),
        (200, b"{}", False),
        (200, b"[]", False),
        (200, b'{"access_token":7}', False),
    ],
)
def test_an_answer_without_a_token_is_a_failure_in_our_words(status: int, body: bytes, retryable: bool) -> None:
    with pytest.raises(UpstreamError) as caught:
        token_in(status, body)
    assert caught.value.retryable == retryable
    assert "canary" not in caught.value.message


class Door:
    """A token endpoint, as `Upstream`: answers t1, t2, … and lets a test read what it was asked."""

    def __init__(self) -> None:
        self.asked: list[UpstreamRequest] = []

    async def warm(self, url: str, patience: Patience) -> None:
        raise AssertionError((url, patience))

    async def send(self, request: UpstreamRequest, patience: Patience) -> "Token":
        assert patience == PATIENCE
        self.asked.append(request)
        await asyncio.sleep(0)
        return Token(f"t{len(self.asked)}")


class Token:
    """The endpoint's answer."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, token: str) -> None:
        self._token = token

    async def read(self) -> bytes:
        return orjson.dumps({"access_token": self._token, "expires_in": 3599})

    async def chunks(self) -> AsyncIterator[bytes]:
        yield await self.read()

    async def aclose(self) -> None:
        self.status = 0


class Hand:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.s = 100.0

    def now_s(self) -> float:
        return NOW_S + self.s

    def monotonic_s(self) -> float:
        return self.s


class Rows:
    """`Credentials` over what a test puts in."""

    def __init__(self, **rows: Credential) -> None:
        self._rows = rows

    async def of(self, provider: str) -> Credential | None:
        return self._rows.get(provider)


PATIENCE = Patience(1, 1, 1)


def test_a_service_account_comes_with_a_token_that_is_asked_for_once_in_its_time() -> None:
    async def scenario() -> list[str]:
        door, hand = Door(), Hand()
        ring = TokenCredentials(Rows(vertex=account()), door, hand, PATIENCE)
        found = [
            credential for credential in await asyncio.gather(*(ring.of("vertex") for _ in range(3))) if credential
        ]
        hand.s += TOKEN_TTL_S - 1
        found.append(await ring.of("vertex") or account())
        hand.s += 2
        found.append(await ring.of("vertex") or account())
        assert {credential.extra["project"] for credential in found} == {"p"}
        return [credential.api_key for credential in found]

    assert asyncio.run(scenario()) == ["t1", "t1", "t1", "t1", "t2"]


def test_every_other_credential_passes_as_it_is() -> None:
    async def scenario() -> tuple[Any, Any]:
        ring = TokenCredentials(Rows(openai=Credential("k")), Door(), Hand(), PATIENCE)
        return await ring.of("openai"), await ring.of("nobody")

    assert asyncio.run(scenario()) == (Credential("k"), None)
