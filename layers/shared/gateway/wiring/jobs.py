"""Builds the engine of jobs: their table, executions and money, and the reconciler."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from gateway.jobs.closing import Closing
from gateway.jobs.opening import Opening
from gateway.jobs.reconciler import Reconciler
from gateway.jobs.writer import JobWriter
from gateway.ports.clock import Clock
from gateway.stores.aws.executions import StepFunctionsExecutions
from gateway.stores.jobs.store import DynamoJobs
from gateway.stores.money.store import DynamoMoney
from gateway.wiring.job_stores import executions, executions_of, jobs, jobs_of, writer
from gateway.wiring.money import money, money_of
from gateway.wiring.process import Process, process


class JobDependencies(Struct, frozen=True):
    """The parts that all work on jobs shares."""

    jobs: DynamoJobs
    writer: JobWriter
    money: DynamoMoney
    closing: Closing
    executions: StepFunctionsExecutions
    opening: Opening


@cache
def job_dependencies() -> JobDependencies:
    """The parts of this process, made once from its environment."""
    return _engine(writer(), jobs(), executions(), money(), process().clock)


def engine_of(on: Process) -> JobDependencies:
    """The parts on the tables and state machines that a process's settings name."""
    stored = jobs_of(on)
    return _engine(JobWriter(stored, on.clock), stored, executions_of(on), money_of(on), on.clock)


def _engine(
    written: JobWriter, stored: DynamoJobs, running: StepFunctionsExecutions, held: DynamoMoney, clock: Clock
) -> JobDependencies:
    closing, opening = Closing(written, held, clock), Opening(stored, held, running, clock)
    return JobDependencies(stored, written, held, closing, running, opening)


@cache
def reconciler() -> Reconciler:
    """Finds jobs that have lost their executions."""
    return reconciler_of(job_dependencies(), process().clock)


def reconciler_of(on: JobDependencies, clock: Clock) -> Reconciler:
    """The reconciler over an engine, by a clock."""
    return Reconciler(on.jobs, on.executions, on.opening.withdraw, clock)
