"""Tests of an operator's provider rows in Secrets Manager, where the functions read them."""

import secrets
from typing import Any

import pytest

from gateway.ports.upstream import Credential
from gateway.stores.aws.provider_credentials import SecretCredentials
from gateway.stores.aws.provider_rows import SecretProviderRows
from gateway.transport import Client
from tests.stores.conftest import StoppedClock, api, boto
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio


async def test_rows_that_an_operator_writes_are_what_functions_read(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    # Created without a value, as the template does.
    secret = boto("secretsmanager", endpoints.moto).create_secret(Name=f"providers-{secrets.token_hex(4)}")["ARN"]
    aws = api(client, clock, "secretsmanager", endpoints.moto)
    rows = SecretProviderRows(aws, secret)
    assert await rows.read() == {}
    await rows.write({"openai": {"api_key": "one"}})
    await rows.write({**await rows.read(), "bedrock": {"auth": "role"}})
    read = SecretCredentials(aws, clock, secret, 60.0)
    assert await read.of("openai") == (Credential("one"),)
    assert await read.of("bedrock") == (Credential("", extra={"auth": "role"}),)


async def test_a_row_holds_several_credentials_with_its_own_settings_where_they_set_no_others(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    secret = boto("secretsmanager", endpoints.moto).create_secret(Name=f"providers-{secrets.token_hex(4)}")["ARN"]
    aws = api(client, clock, "secretsmanager", endpoints.moto)
    more = [
        {"id": "b", "api_key": "two", "weight": 3},
        {"id": "c", "api_key": "three", "base_url": "https://c.example", "project": "q"},
        {"id": "unset"},
    ]
    shared = {"base_url": "https://a.example", "project": "p"}
    rows: dict[str, dict[str, Any]] = {
        "openai": {"api_key": "one", **shared, "credentials": more},
        "groq": {"credentials": more[:1]},
    }
    await SecretProviderRows(aws, secret).write(rows)
    read = SecretCredentials(aws, clock, secret, 60.0)
    assert await read.of("openai") == (
        Credential("one", "https://a.example", {"project": "p"}),
        Credential("two", "https://a.example", {"project": "p"}, "b", 3),
        Credential("three", "https://c.example", {"project": "q"}, "c"),
    )
    assert await read.of("groq") == (Credential("two", None, {}, "b", 3),)


async def test_a_provider_of_the_operators_own_is_set_by_its_address(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    secret = boto("secretsmanager", endpoints.moto).create_secret(Name=f"providers-{secrets.token_hex(4)}")["ARN"]
    aws = api(client, clock, "secretsmanager", endpoints.moto)
    written = {
        "custom/ollama": {"base_url": "http://10.0.0.7:11434/v1"},
        "custom/nowhere": {"api_key": "k"},
        "openai": {"base_url": "http://10.0.0.7:11434/v1"},
    }
    await SecretProviderRows(aws, secret).write(written)
    read = SecretCredentials(aws, clock, secret, 60.0)
    assert await read.of("custom/ollama") == (Credential("", "http://10.0.0.7:11434/v1"),)
    assert [await read.of(row) for row in ("custom/nowhere", "openai")] == [(), ()]
