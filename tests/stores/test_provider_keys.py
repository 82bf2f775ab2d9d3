"""Tests of the stores of accounts' own provider keys, alike in memory, on DynamoDB Local and on moto; and of KMS."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.accounts.provider_key_seal import opened_credential, sealed_credential
from gateway.errors import Conflict, NotFound, ServiceUnavailable
from gateway.ports.provider_keys import Envelope, ProviderKey, ProviderKeyStore
from gateway.ports.upstream import Credential
from gateway.stores.aws.kms import KmsDataKeys
from gateway.stores.keys.provider_keys import DynamoProviderKeys
from gateway.transport import Client
from tests.fakes.provider_keys import MemoryProviderKeys
from tests.stores.conftest import StoppedClock, api, boto, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
KEY = ProviderKey(
    account_id="acct_one",
    provider="bedrock",
    key_id="pvk_1",
    name="own",
    mode="only",
    last4="abcd",
    created_at_s=1,
    updated_at_s=2,
    version=3,
    envelope=Envelope("d3JhcHBlZA==", "c2VhbGVk"),
    settings={"region": "us-east-1"},
    verified=True,
    reason="a reason",
    tested_at_s=4,
)


@pytest.fixture(params=("memory", "dynamodb_local", "moto"))
def store(
    request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock
) -> ProviderKeyStore:
    if request.param == "memory":
        return MemoryProviderKeys()
    endpoint = endpoints.of(request.param)
    return DynamoProviderKeys(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "provider"))


async def test_a_key_is_read_as_it_was_added(store: ProviderKeyStore) -> None:
    bare = replace(KEY, provider="openai", settings={}, reason=None, tested_at_s=None, verified=False)
    await store.add(KEY)
    await store.add(bare)
    assert list(await store.all("acct_one")) == [KEY, bare]
    assert list(await store.all("acct_two")) == []


async def test_keys_of_more_than_one_page_are_all_read(store: ProviderKeyStore) -> None:
    # DynamoDB answers a query with at most 1 MB.
    large = [replace(KEY, provider=f"s{number}", settings={"tools": "x" * 300_000}) for number in range(5)]
    for key in large:
        await store.add(key)
    # By name: of a difference of the texts pytest would print megabytes.
    assert [key.provider for key in await store.all("acct_one")] == [key.provider for key in large]


async def test_an_account_has_one_key_of_a_provider(store: ProviderKeyStore) -> None:
    await store.add(KEY)
    # A repeat without an answer is no second key.
    await store.add(KEY)
    with pytest.raises(Conflict):
        await store.add(replace(KEY, key_id="pvk_2"))
    await store.add(replace(KEY, account_id="acct_two"))
    assert list(await store.all("acct_one")) == [KEY]


async def test_a_change_replaces_the_key_that_it_was_made_from_alone(store: ProviderKeyStore) -> None:
    await store.add(KEY)
    renamed = replace(KEY, name="new", version=4)
    await store.put(renamed, instead_of=KEY)
    await store.put(renamed, instead_of=KEY)
    with pytest.raises(Conflict):
        await store.put(replace(KEY, mode="first", version=4), instead_of=KEY)
    assert list(await store.all("acct_one")) == [renamed]


async def test_a_change_of_a_key_that_is_gone_brings_nothing_back(store: ProviderKeyStore) -> None:
    with pytest.raises(NotFound):
        await store.put(replace(KEY, version=4), instead_of=KEY)
    assert list(await store.all("acct_one")) == []


async def test_a_key_is_removed_and_its_successor_is_not(store: ProviderKeyStore) -> None:
    await store.add(KEY)
    await store.remove(replace(KEY, key_id="pvk_0"))
    assert list(await store.all("acct_one")) == [KEY]
    await store.remove(KEY)
    await store.remove(KEY)
    assert list(await store.all("acct_one")) == []


async def test_kms_unwraps_a_data_key_in_its_own_context_alone(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    key_id = boto("kms", endpoints.moto).create_key()["KeyMetadata"]["Arn"]
    data_keys = KmsDataKeys(api(client, clock, "kms", endpoints.moto), key_id)
    place: Any = {"account_id": "acct_one", "provider": "bedrock", "key_id": "pvk_1"}
    credential = Credential("sk-own-key", extra={"region": "us-east-1"}, id="pvk_1")
    key = replace(KEY, envelope=await sealed_credential(credential, data_keys, **place))
    assert await opened_credential(key, data_keys) == credential
    for moved in (replace(key, account_id="acct_two"), replace(key, provider="openai")):
        with pytest.raises(ServiceUnavailable):
            await opened_credential(moved, data_keys)


async def test_what_a_key_has_wrapped_is_not_unwrapped_by_another(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    kms = boto("kms", endpoints.moto)
    one, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    aws = api(client, clock, "kms", endpoints.moto)
    made = await KmsDataKeys(aws, one).new({"account_id": "acct_one"})
    with pytest.raises(ServiceUnavailable):
        await KmsDataKeys(aws, other).unwrapped(made.wrapped, {"account_id": "acct_one"})
