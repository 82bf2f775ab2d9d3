"""Tests of the sweeper's report, and of what it does with holds that it cannot end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.money import Hold, Settlement
from gateway.errors import ServiceUnavailable
from gateway.logs.metrics import METRIC
from gateway.stores.money.sweep import SweepReport, sweep
from tests.money.given import NOW_S, charge

pytestmark = pytest.mark.anyio

HOLD = Hold("acct", "hold", key_id="key_a", amount_nanousd=5, deadline_s=1)
KEPT = replace(HOLD, checkpoint=charge(3))
APPLIED, BEFORE = Settlement(True, ()), Settlement(False, ())


@dataclass
class Overdue:
    """Money of which the sweeper sees these holds, and what their ends come to."""

    ends: list[tuple[Hold, Settlement | Exception]]
    expired: list[Hold] = field(default_factory=list)

    async def overdue(self, _now_s: float) -> AsyncIterator[Hold]:
        for hold, _ in self.ends:
            yield hold

    async def expire(self, hold: Hold, _now_s: float) -> Settlement:
        outcome = self.ends[len(self.expired)][1]
        self.expired.append(hold)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_each_hold_is_reported_by_its_end() -> None:
    money: Any = Overdue([(HOLD, APPLIED), (HOLD, APPLIED), (KEPT, APPLIED), (HOLD, BEFORE), (KEPT, BEFORE)])
    report = await sweep(money, NOW_S)
    assert report == SweepReport(released=2, charged=1, ended_before=2, left=0)
    assert report.found == 5


@pytest.mark.parametrize(
    ("error", "counted"), [(ServiceUnavailable("busy"), 0), (KeyError("tier"), 1), (TypeError(), 1), (ValueError(), 1)]
)
async def test_a_hold_that_cannot_be_ended_is_left_and_the_next_is_ended(
    caplog: pytest.LogCaptureFixture, error: Exception, counted: int
) -> None:
    caplog.set_level("INFO")
    money: Any = Overdue([(HOLD, error), (HOLD, APPLIED)])
    assert await sweep(money, NOW_S) == SweepReport(released=1, left=1)
    assert [record.__dict__.get(METRIC) for record in caplog.records].count({"HoldsUnreadable": 1}) == counted
