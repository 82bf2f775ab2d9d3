"""Tests that the books are right after real processes were killed while they served and swept on DynamoDB Local."""

from __future__ import annotations

from pathlib import Path

from tests.faults.killed import killed, place_on
from tests.stores.servers import Endpoints

DEATHS, SEED = 6, 1


def test_every_request_is_charged_what_its_client_was_told_and_no_killed_one_more_than_its_price(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    place = place_on(endpoints.of("dynamodb_local"), tmp_path, "killed-")
    killed(place, DEATHS, SEED)
    asked, told = len(place.notes("asked")), len(place.notes("told"))
    # Some were answered, and others were killed on their way.
    assert 0 < told < asked
