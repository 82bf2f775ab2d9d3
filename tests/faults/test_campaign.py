"""Tests that no schedule of faults breaks an invariant, and that the campaign sees what would."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from gateway.pipeline.charge import OpenHold
from gateway.stores.money import holds
from tests.drawn import drawn as part
from tests.faults.campaign import broken, shrunk
from tests.faults.faults import Fault
from tests.faults.schedule import drawn

SCHEDULES, BLOCKS = 1_000, 2


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Leaves out what the gateway logs of each fault."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_schedule_breaks_an_invariant(block: int) -> None:
    for seed in part(range(block, SCHEDULES, BLOCKS)):
        schedule = drawn(seed)
        what = broken(schedule)
        assert what is None, f"seed {seed}, at least: {shrunk(schedule)}: {what}"


def test_a_schedule_runs_the_same_way_each_time() -> None:
    assert drawn(7) == drawn(7)
    assert [broken(drawn(seed)) for seed in range(20)] == [broken(drawn(seed)) for seed in range(20)]


def test_a_settlement_that_is_dropped_is_found_and_shrunk_to_its_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dropped(_: OpenHold, __: object) -> None:
        return

    monkeypatch.setattr("gateway.stores.aws.deferred_settlements.SqsDeferredSettlements.put", dropped)
    found = next(schedule for schedule in map(drawn, range(SCHEDULES)) if broken(schedule) is not None)
    least = shrunk(found)
    assert (len(least.requests), len(least.faults)) == (1, 1)
    assert {fault for _, fault in least.faults} <= {
        Fault.EXPIRED_TOKEN,
        Fault.HANGS,
        Fault.LOST_BEFORE,
        Fault.LOST_AFTER,
    }


def test_a_late_charge_that_is_not_booked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "correctable", lambda _: False)
    assert any(broken(drawn(seed)) is not None for seed in range(SCHEDULES))
