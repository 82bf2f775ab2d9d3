"""Tests how long a process goes by what it has read of a caller's key: five seconds, the contract's bound."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.stores.aws.attributes import to_item
from gateway.stores.keys.lookup import DynamoKeys
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio

STORED = {"key_id": "key_1", "account_id": "acct", "name": "k", "last4": "1234", "created_at_s": 0}


class KeysTable:
    """The part of `AwsApi` that reads one key."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = STORED
        self.reads = 0

    async def call(self, service: str, operation: str, payload: Any) -> dict[str, Any]:
        assert (service, operation, payload["ConsistentRead"]) == ("dynamodb", "GetItem", True)
        self.reads += 1
        return {"Item": to_item(self.item)}


async def test_a_revoked_key_is_known_as_one_after_five_seconds(clock: StoppedClock) -> None:
    table: Any = KeysTable()
    keys = DynamoKeys(table, clock, "keys")

    async def is_revoked() -> bool:
        found = await keys.find("hash")
        assert found is not None
        return found.revoked

    assert await is_revoked() is False
    table.item = {**STORED, "revoked": True}
    clock.at_s += 4.9
    assert (await is_revoked(), table.reads) == (False, 1)
    clock.at_s += 0.2
    assert (await is_revoked(), table.reads) == (True, 2)
