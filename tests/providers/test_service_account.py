"""Tests of access tokens of service accounts: claims as Google's library reads them, and the ring."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import google.auth.jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamTimeouts
from gateway.providers.auth.service_account import TOKEN_TTL_S, token_in, token_request
from gateway.stores.aws.access_tokens import TokenCredentials
from tests.fakes.credentials import MemoryCredentials

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW_S = 1_795_244_400.75
PEM = serialization.Encoding.PEM


def account(**changed: str) -> Credential:
    private = KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    extra = {"client_email": "robot@p.example", "private_key": private, "project": "p"}
    return Credential("unused", None, extra | changed)


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
    """A token endpoint, as `Upstream`. It answers t1, t2, … and records its requests."""

    def __init__(self) -> None:
        self.asked: list[UpstreamRequest] = []

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        raise AssertionError((url, patience))

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> "Token":
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


PATIENCE = UpstreamTimeouts(1, 1, 1)


def test_a_service_account_comes_with_a_token_that_is_asked_for_once_in_its_time() -> None:
    async def scenario() -> list[str]:
        door, hand = Door(), Hand()
        ring = TokenCredentials(MemoryCredentials({"vertex": account()}), door, hand, PATIENCE)
        (set_,) = await ring.of("vertex")
        found = await asyncio.gather(*(ring.ready("vertex", set_) for _ in range(3)))
        hand.s += TOKEN_TTL_S - 1
        found.append(await ring.ready("vertex", set_))
        hand.s += 2
        found.append(await ring.ready("vertex", set_))
        assert {credential.extra["project"] for credential in found} == {"p"}
        return [credential.api_key for credential in found]

    assert asyncio.run(scenario()) == ["t1", "t1", "t1", "t1", "t2"]


def test_every_other_credential_passes_as_it_is() -> None:
    async def scenario() -> tuple[Any, Any]:
        ring = TokenCredentials(MemoryCredentials({"openai": Credential("k")}), Door(), Hand(), PATIENCE)
        (found,) = await ring.of("openai")
        return await ring.ready("openai", found), await ring.of("unknown")

    assert asyncio.run(scenario()) == (Credential("k"), ())


def test_each_service_account_of_a_provider_has_a_token_of_its_own() -> None:
    async def scenario() -> list[str]:
        several = [replace(account(), id="a"), replace(account(), id="b")]
        ring = TokenCredentials(MemoryCredentials({"vertex": several}), Door(), Hand(), PATIENCE)
        return [(await ring.ready("vertex", each)).api_key for each in (*await ring.of("vertex"), several[0])]

    assert asyncio.run(scenario()) == ["t1", "t2", "t1"]
