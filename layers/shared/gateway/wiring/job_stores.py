"""Builds what keeps and starts jobs: their table, its writer, and their executions, once in a process."""

from __future__ import annotations

from functools import cache

from gateway.canonical.jobs import JobKind
from gateway.jobs.writer import JobWriter
from gateway.stores.aws.executions import StepFunctionsExecutions
from gateway.stores.jobs.store import DynamoJobs
from gateway.wiring.process import Process, process


@cache
def jobs() -> DynamoJobs:
    """The table of jobs."""
    return jobs_of(process())


@cache
def writer() -> JobWriter:
    """The one that changes jobs in their table."""
    return JobWriter(jobs(), process().clock)


@cache
def executions() -> StepFunctionsExecutions:
    """The executions that run jobs."""
    return executions_of(process())


def jobs_of(on: Process) -> DynamoJobs:
    """The table of jobs that a process's settings name."""
    return DynamoJobs(on.aws, on.settings.jobs_table)


def executions_of(on: Process) -> StepFunctionsExecutions:
    """The executions of the state machines that a process's settings name."""
    machines = {
        JobKind.VIDEO: on.settings.media_state_machine,
        JobKind.MODEL_3D: on.settings.media_state_machine,
        JobKind.IMAGE: on.settings.media_state_machine,
        JobKind.RESPONSE: on.settings.background_state_machine,
        JobKind.AGENT: on.settings.agents_state_machine,
        JobKind.TASK: on.settings.agents_state_machine,
    }
    return StepFunctionsExecutions(on.aws, machines)
