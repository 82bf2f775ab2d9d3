"""Executions of the template's state machines, by the API of Step Functions.

An execution's name is its job's id and run, so starting it twice starts it once.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from gateway.canonical.jobs import JobKind
from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, repeated

TRIES = 4
# Refusals of what was done before, by operation.
DONE_BEFORE: Mapping[str, frozenset[str]] = {
    "StartExecution": frozenset({"ExecutionAlreadyExists"}),
    "StopExecution": frozenset({"ExecutionDoesNotExist"}),
    "SendTaskSuccess": frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}),
}


class StepFunctionsExecutions:
    """`Executions`; `machines` are the ARNs by kind of job."""

    def __init__(self, aws: AwsApi, machines: Mapping[JobKind, str]) -> None:
        self._aws = aws
        self._machines = machines

    async def start(self, kind: JobKind, job_id: str, run: int) -> None:
        given = {"job_id": job_id, "run": run, "wait_s": 1}
        await _call(self._aws, "StartExecution", _execution(self._machines[kind], _name(job_id, run), given))

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        arn = self._machines[kind].replace(":stateMachine:", ":execution:") + ":" + _name(job_id, run)
        await _call(self._aws, "StopExecution", {"executionArn": arn, "cause": "replaced by a later run"})

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        given = orjson.dumps(dict(output)).decode()
        await _call(self._aws, "SendTaskSuccess", {"taskToken": token, "output": given})


class StepFunctionsErasures:
    """`Erasures`: an execution for each account, which has the account's id as its name."""

    def __init__(self, aws: AwsApi, machine: str) -> None:
        self._aws = aws
        self._machine = machine

    async def begin(self, account_id: str) -> None:
        given = {"account_id": account_id, "round": 0}
        await _call(self._aws, "StartExecution", _execution(self._machine, account_id, given))


async def _call(aws: AwsApi, operation: str, payload: Mapping[str, Any]) -> None:
    """Makes a call; one that was made before changes nothing."""
    attempt = partial(aws.call, "states", operation, payload)
    try:
        await repeated(attempt, tries=TRIES, ambiguous=True)
    except AwsError as error:
        if error.code not in DONE_BEFORE[operation]:
            raise ServiceUnavailable(STORE_DOWN) from error


def _execution(machine: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"stateMachineArn": machine, "name": name, "input": orjson.dumps(given).decode()}


def _name(job_id: str, run: int) -> str:
    return f"{job_id}-{run}"
