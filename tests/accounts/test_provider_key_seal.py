"""Tests that a sealed provider key opens where it was sealed and nowhere else, and that no text shows it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.accounts.provider_key_seal import opened_credential, sealed_credential
from gateway.accounts.sealing import SealBroken
from gateway.errors import ServiceUnavailable
from gateway.ports.provider_keys import DataKey, ProviderKey
from gateway.ports.upstream import Credential
from tests.fakes.provider_keys import MemoryDataKeys

pytestmark = pytest.mark.anyio
SECRET = "sk-canary-of-the-account"
CREDENTIAL = Credential(SECRET, extra={"region": "us-east-1"})
PLACE = {"account_id": "acct_one", "provider": "openai", "key_id": "pvk_1"}


async def sealed(data_keys: MemoryDataKeys, **moved: str) -> ProviderKey:
    envelope = await sealed_credential(CREDENTIAL, data_keys, **PLACE)
    rest: Any = {"mode": "first", "last4": "ount", "created_at_s": 1, "updated_at_s": 1, "version": 1}
    return ProviderKey(**{**PLACE, **moved, **rest, "name": "own", "envelope": envelope})


async def test_a_sealed_key_opens_in_its_place_under_its_id() -> None:
    data_keys = MemoryDataKeys()
    assert await opened_credential(await sealed(data_keys), data_keys) == replace(CREDENTIAL, id="pvk_1")


@pytest.mark.parametrize("moved", [{"account_id": "acct_two"}, {"provider": "groq"}])
async def test_a_key_that_is_moved_to_another_account_or_provider_is_not_unwrapped(moved: dict[str, str]) -> None:
    data_keys = MemoryDataKeys()
    with pytest.raises(ServiceUnavailable):
        await opened_credential(await sealed(data_keys, **moved), data_keys)


class Careless(MemoryDataKeys):
    """Unwraps in any context, as a KMS would whose callers leave the context out."""

    async def unwrapped(self, wrapped: str, context: Any) -> bytes:
        del context
        return self._wrapped[wrapped][0]


@pytest.mark.parametrize("moved", [{"account_id": "acct_two"}, {"provider": "groq"}, {"key_id": "pvk_2"}])
async def test_the_text_itself_is_bound_to_account_provider_and_id(moved: dict[str, str]) -> None:
    data_keys = Careless()
    with pytest.raises(SealBroken):
        await opened_credential(await sealed(data_keys, **moved), data_keys)


async def test_a_changed_text_does_not_open() -> None:
    data_keys = MemoryDataKeys()
    key = await sealed(data_keys)
    raw = bytearray(base64.b64decode(key.envelope.text))
    raw[-1] ^= 1
    changed = replace(key, envelope=replace(key.envelope, text=base64.b64encode(bytes(raw)).decode()))
    with pytest.raises(SealBroken):
        await opened_credential(changed, data_keys)


async def test_each_sealing_has_a_data_key_of_its_own() -> None:
    data_keys = MemoryDataKeys()
    one, other = await sealed(data_keys), await sealed(data_keys)
    assert one.envelope.wrapped_key != other.envelope.wrapped_key
    assert one.envelope.text != other.envelope.text


async def test_no_text_of_these_values_shows_a_key() -> None:
    data_keys = MemoryDataKeys()
    key = await sealed(data_keys)
    shown = f"{key!r} {key.envelope!r} {CREDENTIAL!r} {DataKey(b'plain', 'wrapped')!r}"
    for hidden in (SECRET, key.envelope.text, key.envelope.wrapped_key, "plain"):
        assert hidden not in shown
