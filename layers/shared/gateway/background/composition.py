"""The door's side on this deployment's stores; `gateway.responses` loads it when it is first needed, not before."""

from __future__ import annotations

from gateway.background.asking import BackgroundResponses
from gateway.canonical.jobs import JobKind
from gateway.jobs.changing import JobWriter
from gateway.pipeline import Corridor
from gateway.ports import Clock, Money, Objects
from gateway.stores.aws import AwsApi
from gateway.stores.executions_states import StepFunctionsExecutions
from gateway.stores.jobs_dynamodb import DynamoJobs


def background_responses(
    aws: AwsApi, clock: Clock, money: Money, corridor: Corridor, objects: Objects, *, table: str, state_machine: str
) -> BackgroundResponses:
    """Jobs in the table, run by the state machine of that ARN."""
    jobs = DynamoJobs(aws, table)
    executions = StepFunctionsExecutions(aws, {JobKind.RESPONSE: state_machine})
    return BackgroundResponses(jobs, JobWriter(jobs, clock), executions, money, corridor, objects, clock)
