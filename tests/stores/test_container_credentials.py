"""Tests of credentials from a container's endpoint: one request for all callers, and failures that end in a 503."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import pytest

from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import AwsApi, Unanswered, Unsigned, repeated
from gateway.stores.aws.container_credentials import REFRESH_BEFORE_S, ContainerCredentials
from gateway.stores.aws.role_credentials import RoleCredentials
from gateway.transport import Client
from tests.fakes.credentials import MemoryCredentials
from tests.stores.conftest import REGION, TIMEOUTS, StoppedClock
from tests.stores.test_aws import answer
from tests.transport.scripted_server import Peer, serving

pytestmark = pytest.mark.anyio

LIFE_S = 3600.0


def pair(number: int, clock: StoppedClock) -> bytes:
    until = datetime.fromtimestamp(clock.at_s + LIFE_S, UTC).isoformat()
    told = {"AccessKeyId": f"AKIA{number}", "SecretAccessKey": "secret", "Token": "token", "Expiration": until}
    return answer(200, orjson.dumps(told))


@dataclass
class Endpoint:
    """An endpoint that gives its answers in turn, the last again and again; an empty one closes the connection."""

    answers: list[bytes]
    asked: list[bytes] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.asked.append(await peer.request())
            said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if not said:
                return
            await peer.send(said)


def of(client: Client, clock: StoppedClock, authority: str) -> ContainerCredentials:
    return ContainerCredentials(client, clock, f"http://{authority}/credentials", "token-of-the-container")


async def test_many_callers_share_one_request_and_what_it_brings(client: Client, clock: StoppedClock) -> None:
    endpoint = Endpoint([pair(1, clock), pair(2, clock)])
    async with serving(endpoint) as server:
        credentials = of(client, clock, server.origin.authority)
        found = await asyncio.gather(*(credentials() for _ in range(64)))
        found.append(await credentials())
    assert {one.access_key_id for one in found} == {"AKIA1"}
    (head,) = endpoint.asked
    assert head.startswith(b"GET /credentials ")
    assert b"authorization: token-of-the-container\r\n" in head


async def test_an_error_reaches_every_caller_and_is_not_kept(client: Client, clock: StoppedClock) -> None:
    endpoint = Endpoint([answer(429, b"{}"), pair(1, clock)])
    async with serving(endpoint) as server:
        credentials = of(client, clock, server.origin.authority)
        failed = await asyncio.gather(*(credentials() for _ in range(8)), return_exceptions=True)
        assert [type(failure) for failure in failed] == [Unsigned] * 8
        assert (await credentials()).access_key_id == "AKIA1"
    assert len(endpoint.asked) == 2


async def test_a_pair_is_fetched_again_before_it_expires(client: Client, clock: StoppedClock) -> None:
    async with serving(Endpoint([pair(1, clock), pair(2, clock)])) as server:
        credentials = of(client, clock, server.origin.authority)
        first = await credentials()
        clock.at_s += LIFE_S - REFRESH_BEFORE_S - 1
        assert await credentials() == first
        clock.at_s += 2
        assert (await credentials()).access_key_id == "AKIA2"


@pytest.mark.parametrize(
    "failure", [answer(429, b"{}"), answer(500, b"down"), answer(200, b"<html>"), answer(200, b"{}"), b""]
)
async def test_a_pair_is_used_while_it_is_valid_where_the_endpoint_fails(
    client: Client, clock: StoppedClock, failure: bytes
) -> None:
    endpoint = Endpoint([pair(1, clock), failure])
    async with serving(endpoint) as server:
        credentials = of(client, clock, server.origin.authority)
        first = await credentials()
        clock.at_s += LIFE_S - REFRESH_BEFORE_S + 1
        assert [await credentials(), await credentials()] == [first, first]
        asked = len(endpoint.asked)
        clock.at_s += 6
        assert await credentials() == first
        assert len(endpoint.asked) > asked
        clock.at_s += REFRESH_BEFORE_S
        with pytest.raises(Unsigned):
            await credentials()


async def test_a_call_that_cannot_be_signed_is_an_error_that_a_repeat_may_mend(
    client: Client, clock: StoppedClock
) -> None:
    async def table(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(200, b'{"Count": 1}'))

    async with serving(table) as store, serving(Endpoint([answer(503, b""), pair(1, clock)])) as server:
        credentials = of(client, clock, server.origin.authority)
        endpoints = {"dynamodb": f"http://{store.origin.authority}"}
        aws = AwsApi(client, clock, credentials, REGION, endpoints, TIMEOUTS)
        assert await repeated(lambda: aws.call("dynamodb", "GetItem", {}), tries=2, base_s=0) == {"Count": 1}


async def test_what_was_prepared_is_there_for_the_first_call(client: Client, clock: StoppedClock) -> None:
    async def table(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(200, b"{}"))

    endpoint = Endpoint([pair(1, clock)])
    async with serving(table) as store, serving(endpoint) as server:
        credentials = of(client, clock, server.origin.authority)
        endpoints = {"dynamodb": f"http://{store.origin.authority}"}
        aws = AwsApi(client, clock, credentials, REGION, endpoints, TIMEOUTS)
        await aws.prepare("dynamodb")
        assert (len(endpoint.asked), store.connections) == (1, 1)
        await aws.call("dynamodb", "GetItem", {})
        assert (len(endpoint.asked), store.connections) == (1, 1)


async def test_what_cannot_be_prepared_is_said_as_the_call_would_say_it(client: Client, clock: StoppedClock) -> None:
    async with serving(Endpoint([answer(503, b"")])) as server:
        credentials = of(client, clock, server.origin.authority)
        for endpoint, kind in ((f"http://{server.origin.authority}", Unsigned), ("http://127.0.0.1:1", Unanswered)):
            aws = AwsApi(client, clock, credentials, REGION, {"dynamodb": endpoint}, TIMEOUTS)
            with pytest.raises(kind):
                await aws.prepare("dynamodb")


async def test_a_provider_that_is_asked_by_the_role_cannot_be_used_without_a_pair() -> None:
    async def role() -> AwsCredentials:
        raise Unsigned("Status429", "the endpoint of credentials refused")

    row = Credential("", extra={"auth": "role"})
    with pytest.raises(UpstreamError):
        await RoleCredentials(MemoryCredentials({"bedrock": row}), role, REGION).ready("bedrock", row)
