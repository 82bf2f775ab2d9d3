"""Builds stored responses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from gateway.responses.store import StoredResponses
from gateway.stores.responses import DynamoResponseRecords
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process

if TYPE_CHECKING:
    from gateway.responses.session import SessionResponses


@cache
def stored() -> StoredResponses:
    """The stored responses of this deployment."""
    on = process()
    records = DynamoResponseRecords(on.aws, on.settings.responses_table)
    return StoredResponses(records, bucket_objects(on.settings.responses_bucket), on.clock)


def in_session(turns: Sequence[tuple[str, bytes]]) -> SessionResponses:
    """The stored responses of this deployment, with those of a session before them."""
    from gateway.responses.session import SessionResponses  # noqa: PLC0415  # sessions over sockets alone

    on = process()
    records = DynamoResponseRecords(on.aws, on.settings.responses_table)
    return SessionResponses(records, bucket_objects(on.settings.responses_bucket), on.clock, turns)
