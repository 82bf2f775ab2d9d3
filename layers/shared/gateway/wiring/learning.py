"""Builds what learns routes, and what leaves and reads what it learns from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.ports.routes import RouteStore
from gateway.stores.routes import DynamoRoutes
from gateway.wiring.process import Process, process

if TYPE_CHECKING:
    # The function that learns loads it.
    from gateway.pipeline.learner import Taught

# Less than the function's timeout by what one step may take.
RUN_S = 40.0


def route_store_of(on: Process) -> RouteStore:
    """Outcomes, tables and policies in the tables that a process's settings name."""
    return DynamoRoutes(on.aws, on.settings.health_table, on.settings.feedback_table)


@cache
def route_store() -> RouteStore:
    """Outcomes, tables and policies."""
    return route_store_of(process())


async def learn() -> Taught:
    """Learns from what requests have left since the last run."""
    from gateway.pipeline.learner import Learner  # noqa: PLC0415  # what only leaves or reads does without

    clock = process().clock
    return await Learner(route_store(), clock).run(clock.now_s() + RUN_S)
