"""Tests how long an account's provider keys are remembered: their list for 5 s, what KMS opened for 5 minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from gateway.errors import UpstreamError
from gateway.stores.keys.own_keys import StoredOwnKeys
from tests.fakes.provider_keys import MemoryDataKeys, MemoryProviderKeys, own_key
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio


class SlowDataKeys(MemoryDataKeys):
    """Data keys that others are asked for meanwhile."""

    async def unwrapped(self, wrapped: str, context: Mapping[str, str]) -> bytes:
        await asyncio.sleep(0)
        return await super().unwrapped(wrapped, context)


async def test_a_key_that_was_removed_is_gone_after_five_seconds(clock: StoppedClock) -> None:
    store, data_keys = MemoryProviderKeys(), MemoryDataKeys()
    key = await own_key("acct", "openai", "sk-own-key", data_keys)
    own_keys = StoredOwnKeys(store, data_keys, clock)
    await store.add(key)
    assert list(await own_keys.of("acct")) == [key]
    await store.remove(key)
    clock.at_s += 4.9
    assert list(await own_keys.of("acct")) == [key]
    clock.at_s += 0.2
    assert list(await own_keys.of("acct")) == []


async def test_a_key_is_opened_once_in_five_minutes_and_another_version_at_once(clock: StoppedClock) -> None:
    data_keys = MemoryDataKeys()
    key = await own_key("acct", "bedrock", "sk-own-key", data_keys, region="us-east-1")
    own_keys = StoredOwnKeys(MemoryProviderKeys(), data_keys, clock, {"openai": "http://elsewhere"})
    opened = [await own_keys.credential(key) for _ in range(3)]
    assert {(one.api_key, one.id, one.base_url, one.extra["region"]) for one in opened} == {
        ("sk-own-key", "pvk_bedrock", None, "us-east-1")
    }
    assert data_keys.unwrappings == 1
    await own_keys.credential(replace(key, version=2))
    assert data_keys.unwrappings == 2
    clock.at_s += 301
    await own_keys.credential(key)
    assert data_keys.unwrappings == 3


async def test_requests_at_the_same_time_have_a_key_opened_once(clock: StoppedClock) -> None:
    data_keys = SlowDataKeys()
    key = await own_key("acct", "openai", "sk-own-key", data_keys)
    own_keys = StoredOwnKeys(MemoryProviderKeys(), data_keys, clock)
    opened = await asyncio.gather(*(own_keys.credential(key) for _ in range(64)))
    assert ({one.api_key for one in opened}, data_keys.unwrappings) == ({"sk-own-key"}, 1)


async def test_the_same_id_of_another_account_opens_nothing_that_is_remembered(clock: StoppedClock) -> None:
    data_keys = MemoryDataKeys()
    key = await own_key("acct", "openai", "sk-own-key", data_keys)
    own_keys = StoredOwnKeys(MemoryProviderKeys(), data_keys, clock)
    await own_keys.credential(key)
    with pytest.raises(UpstreamError):
        await own_keys.credential(replace(key, account_id="acct_other"))
