"""Leaves what a newer release has written beside an account: holds, an account and messages that no one here can read.

All of it has to stay, and must hold nothing else back.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from gateway.canonical.money import Hold
from gateway.ledger.hold_ids import hold_id_at
from gateway.stores.aws.deferred_settlements import message_of
from gateway.stores.money.items import HOLD_SHARDS, Item, mapping, new_account, number, parked_hold, shard_of, text
from tests.faults.faults import BEGINS_S

ACCOUNT = "acct_newer"
AMOUNT = 1_000


def _ids() -> list[str]:
    """The id of one hold in each shard of the sweeper."""
    by_shard: dict[str, str] = {}
    for place in count(10**6):
        hold_id = hold_id_at(BEGINS_S - 86_400, place)
        by_shard.setdefault(shard_of(hold_id, HOLD_SHARDS), hold_id)
        if len(by_shard) == HOLD_SHARDS:
            return list(by_shard.values())
    raise AssertionError


HOLDS = [Hold(ACCOUNT, hold_id, "key_newer", AMOUNT, int(BEGINS_S) - 600, parked=True) for hold_id in _ids()]
# The first one can be read as far as its checkpoint, the others not at all.
ITEMS: list[Item] = [
    {**parked_hold(hold), "checkpoint": mapping({"cost": number(7), "tier": text("a tier of a later release")})}
    for hold in HOLDS
]


def leave(api: Any) -> None:
    """Writes the items and queues the messages."""
    account = new_account(ACCOUNT, 60) | {"held": number(AMOUNT * len(HOLDS)), "free": number(0)}
    api.tables["accounts"].items[ACCOUNT,] = account
    for item in ITEMS:
        api.tables["ledger"].items[ACCOUNT, item["sk"]["S"]] = item
    # The release of a hold that this version cannot read, and a message that it cannot read either.
    released = message_of(HOLDS[0].of(AMOUNT + 1), None)
    api.messages += [released, released.replace('"schema_version":1', '"schema_version":2')]


def check(api: Any) -> None:
    """Raises if any of it has gone or changed."""
    left = [api.tables["ledger"].items.get((ACCOUNT, item["sk"]["S"])) for item in ITEMS]
    assert left == ITEMS, "a hold of a newer release was touched"
