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
STARTED_BEFORE = frozenset({"ExecutionAlreadyExists"})
GONE = frozenset({"ExecutionDoesNotExist"})
WAIT_OVER = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class StepFunctionsExecutions:
    """`Executions`; `machines` are the ARNs by kind of job."""

    def __init__(self, aws: AwsApi, machines: Mapping[JobKind, str]) -> None:
        self._aws = aws
        self._machines = machines

    async def start(self, kind: JobKind, job_id: str, run: int) -> None:
        given = orjson.dumps({"job_id": job_id, "run": run, "wait_s": 1}).decode()
        payload = {"stateMachineArn": self._machines[kind], "name": _name(job_id, run), "input": given}
        await self._call("StartExecution", payload, STARTED_BEFORE)

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        arn = self._machines[kind].replace(":stateMachine:", ":execution:") + ":" + _name(job_id, run)
        await self._call("StopExecution", {"executionArn": arn, "cause": "replaced by a later run"}, GONE)

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        given = orjson.dumps(dict(output)).decode()
        await self._call("SendTaskSuccess", {"taskToken": token, "output": given}, WAIT_OVER)

    async def _call(self, operation: str, payload: Mapping[str, Any], done_before: frozenset[str]) -> None:
        attempt = partial(self._aws.call, "states", operation, payload)
        try:
            await repeated(attempt, tries=TRIES, ambiguous=True)
        except AwsError as error:
            if error.code not in done_before:
                raise ServiceUnavailable(STORE_DOWN) from error


def _name(job_id: str, run: int) -> str:
    return f"{job_id}-{run}"
