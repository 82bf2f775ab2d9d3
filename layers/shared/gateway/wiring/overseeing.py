"""Builds what shows an operator the deployment."""

from __future__ import annotations

from functools import cache

from gateway.people.overseeing import Overseer
from gateway.stores.aws.alarms import CloudWatchAlarms
from gateway.stores.directory import DynamoDirectory
from gateway.stores.health import DynamoHealth
from gateway.wiring.job_stores import jobs
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.sessions import sessions
from gateway.wiring.settings import stack_name


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
        CloudWatchAlarms(on.aws, stack_name()),
        on.clock,
        on.settings.operators,
    )
