"""Tests that at 10,000 requests a second no DynamoDB partition is above its limit, in small parts of docs/scale.md."""

import pytest

from gateway.stores.money.items import HOLD_SHARDS
from tests.money.simulation import scale
from tests.money.simulation.scale import Load, busiest

# Every hold is parked: the most that a request writes.
CROWDED = Load("100 accounts alike", (100.0,) * 2, keys=20, lasts_s=2.0, seconds=4)


def test_no_partition_is_above_its_limit_where_accounts_are_many() -> None:
    found = busiest(Load("", (1.0,) * 100, keys=2, lasts_s=1.0, seconds=3))
    assert found.within, scale.row(found)
    assert found.parked == 0


def test_no_partition_is_above_its_limit_where_every_hold_is_parked() -> None:
    found = busiest(CROWDED)
    assert found.within, scale.row(found)
    assert found.parked > 0.9
    # Each parked hold comes into its index, and goes.
    per_s = 2 * found.parked * scale.WHOLE_PER_S / HOLD_SHARDS
    assert found.units["ByDeadline"] == pytest.approx(per_s, rel=0.25)


def test_fewer_shards_of_parked_holds_would_be_above_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "HOLD_SHARDS", 8)
    found = busiest(CROWDED)
    assert not found.within
    assert found.units["ByDeadline"] > scale.WRITE_UNITS_MAX


def test_one_account_with_all_of_the_load_is_above_the_limit_of_its_item() -> None:
    found = busiest(Load("", (500.0,), keys=20, lasts_s=1.0, seconds=3))
    assert found.units["accounts"] > scale.WRITE_UNITS_MAX
    assert not found.within
