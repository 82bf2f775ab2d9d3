"""Tests of the signer's key pair from its secret: it is read rarely, and a missing one is an outage."""

import secrets

import orjson
import pytest

from gateway.errors import ServiceUnavailable
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.s3.signer import SecretSigner
from gateway.transport import Client
from tests.stores.conftest import StoppedClock, api, boto
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

TTL_S = 60.0


def kept(endpoints: Endpoints, key_id: str, name: str | None = None) -> str:
    """Creates a secret with this key and returns its name."""
    manager, pair = boto("secretsmanager", endpoints.moto), {"access_key_id": key_id, "secret_access_key": "s"}
    text = orjson.dumps(pair).decode()
    if name is not None:
        manager.put_secret_value(SecretId=name, SecretString=text)
        return name
    made: str = manager.create_secret(Name=f"signer-{secrets.token_hex(4)}", SecretString=text)["Name"]
    return made


def signer(client: Client, clock: StoppedClock, endpoints: Endpoints, secret: str) -> SecretSigner:
    return SecretSigner(api(client, clock, "secretsmanager", endpoints.moto), clock, secret, TTL_S)


async def test_the_secrets_key_pair_signs(endpoints: Endpoints, client: Client, clock: StoppedClock) -> None:
    assert await signer(client, clock, endpoints, kept(endpoints, "AKID1"))() == AwsCredentials("AKID1", "s")


async def test_a_rotated_key_signs_after_a_while(endpoints: Endpoints, client: Client, clock: StoppedClock) -> None:
    name = kept(endpoints, "AKID1")
    asked = signer(client, clock, endpoints, name)
    before = await asked()
    kept(endpoints, "AKID2", name)
    remembered = await asked()
    clock.at_s += TTL_S + 1
    after = await asked()
    assert [key.access_key_id for key in (before, remembered, after)] == ["AKID1", "AKID1", "AKID2"]


async def test_a_secret_that_is_not_there_is_an_outage(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    with pytest.raises(ServiceUnavailable):
        await signer(client, clock, endpoints, "no-such-secret")()
