"""Tests that credits equal payments after real processes were killed while they took Stripe's events."""

from __future__ import annotations

from tests.billing.killed import killed
from tests.stores.servers import Endpoints

PAYMENTS, DELIVERIES, SEED = 8, 36, 15


def test_credits_equal_payments_after_processes_were_killed_within_their_deliveries(endpoints: Endpoints) -> None:
    outcomes = killed(endpoints.of("dynamodb_local"), "till-", PAYMENTS, DELIVERIES, SEED)
    assert outcomes["answered"] >= DELIVERIES
    assert outcomes["died"] > 0
