"""Builds what shows an operator the deployment."""

from __future__ import annotations

from functools import cache

from gateway.people.overseeing import Overseer
from gateway.stores.directory import DynamoDirectory
from gateway.stores.health import DynamoHealth
from gateway.wiring.job_stores import jobs
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.sessions import sessions


@cache
def overseer() -> Overseer:
    """The view of this deployment."""
    on = process()
    return Overseer(
        sessions(),
        DynamoDirectory(on.aws, on.settings.people_table),
        money(),
        DynamoHealth(on.aws, on.settings.health_table),
        jobs(),
        on.clock,
        on.settings.operators,
    )
