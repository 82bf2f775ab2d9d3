"""Tests of the media job's state machine on moto's engine, with waits that need no time: its steps, and its price.

The function behind the steps and the passing of time are fake; states, retries and history are the engine's.
"""

import json
import sys
import threading
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.config import default_user_config

import local.without_ec2  # noqa: F401  # before moto's own modules

# isort: split
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint, CallbackOutcome

from local import step_functions

DEFINITION = Path(__file__).parents[2] / "statemachines" / "media.asl.json"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:jobs:live"
EVALUATE = "_evaluate_with_timeout"
TEN_MINUTES_S = 600
TRANSITIONS_MAX = 70


@dataclass
class Worker:
    """The jobs function, as far as the state machine can see it. Its provider is done after `ready_s`."""

    ready_s: float = 0.0
    wait_s: int = 5
    callback_s: float | None = None
    failures: dict[str, list[str]] = field(default_factory=dict)
    now_s: float = 0.0
    steps: list[tuple[float, str]] = field(default_factory=list)
    client: Any = None

    def invoke(self, parameters: dict[str, Any]) -> dict[str, Any]:
        event = json.loads(parameters["Payload"])
        self.steps.append((self.now_s, event["step"]))
        if waiting := self.failures.get(event["step"]):
            failure = {"errorType": waiting.pop(0), "errorMessage": "as the test wants"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": failure}
        told = {"job_id": event["job_id"], "run": event["run"], "wait_s": self.wait_s, "next": self.next_of(event)}
        if event["step"] == "await" and told["next"] != "await":
            self.client.send_task_success(taskToken=event["token"], output=json.dumps(told))
        return {"StatusCode": 200, "ExecutedVersion": "1", "Payload": told}

    def next_of(self, event: dict[str, Any]) -> str:
        if event["step"] == "submit":
            return "await"
        if event["step"] == "await":
            return "mirror" if self.now_s >= self.ready_s else "await"
        return "settle"

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def wait(self, endpoint: CallbackEndpoint, timeout: float | None = None) -> CallbackOutcome | None:
        if endpoint.get_outcome() is None:
            self.now_s += timeout or 0
        return endpoint.get_outcome()


@dataclass
class Ran:
    """An execution that is over."""

    status: str
    history: list[dict[str, Any]]
    worker: Worker

    @property
    def transitions(self) -> int:
        """Counts the transitions that Step Functions bills: states entered, and tries after the first.

        https://aws.amazon.com/step-functions/pricing/
        """
        entered = sum(event["type"].endswith("StateEntered") for event in self.history)
        tasks = sum(event["type"] == "TaskStateEntered" for event in self.history)
        tries = sum(event["type"] == "TaskScheduled" for event in self.history)
        return int(entered + tries - tasks)

    @property
    def steps(self) -> list[str]:
        return [step for _, step in self.worker.steps]


@pytest.fixture(autouse=True)
def adapted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    # The functions that `adapt` replaces are restored afterwards.
    for owner, name in ((lambda_eval_utils, "_invoke_lambda_function"), (StateTaskServiceCallback, EVALUATE)):
        monkeypatch.setattr(owner, name, getattr(owner, name))


def ran(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Runs the execution of one job to its end."""
    step_functions.adapt(worker.invoke)
    monkeypatch.setattr(f"{retrier_decl.__name__}.time.sleep", worker.sleep)
    monkeypatch.setattr(CallbackEndpoint, "wait", lambda self, timeout=None: worker.wait(self, timeout))
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        worker.client = client = boto3.client("stepfunctions")
        definition = DEFINITION.read_text().replace("${JobsFunctionArn}", FUNCTION)
        machine = client.create_state_machine(
            name="media", definition=definition, roleArn="arn:aws:iam::123456789012:role/media"
        )
        arn = client.start_execution(
            stateMachineArn=machine["stateMachineArn"],
            name="gen_1-1",
            input=json.dumps({"job_id": "gen_1", "run": 1, "wait_s": 1}),
        )["executionArn"]
        pause, status = threading.Event(), "RUNNING"
        while status == "RUNNING":
            pause.wait(0.05)
            status = client.describe_execution(executionArn=arn)["status"]
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        history = [event for page in pages for event in page["events"]]
    return Ran(status, history, worker)


def test_a_ten_minute_job_takes_at_most_seventy_transitions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ran(Worker(ready_s=TEN_MINUTES_S), monkeypatch)
    with capsys.disabled():
        sys.stdout.write(f"\nten-minute job: {job.transitions} transitions, {job.steps.count('await')} polls\n")
    assert job.status == "SUCCEEDED"
    assert job.worker.now_s >= TEN_MINUTES_S
    assert 20 < job.transitions <= TRANSITIONS_MAX


def test_the_poll_slows_down_from_six_seconds_to_thirty(monkeypatch: pytest.MonkeyPatch) -> None:
    job = ran(Worker(ready_s=200), monkeypatch)
    polls = [at_s for at_s, step in job.worker.steps if step == "await"]
    gaps = [later - earlier for earlier, later in pairwise(polls)]
    assert gaps[:7] == [6, 7, 9, 13, 21, 30, 30]


def test_a_job_that_is_done_at_the_first_look_goes_straight_on(monkeypatch: pytest.MonkeyPatch) -> None:
    job = ran(Worker(), monkeypatch)
    assert (job.steps, job.worker.now_s) == (["submit", "await", "mirror", "settle", "notify"], 0)


@pytest.mark.parametrize("step", ["submit", "await", "mirror", "settle", "notify"])
def test_a_step_whose_process_dies_is_run_again(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ran(Worker(failures={step: ["Runtime.ExitError", "Runtime.ExitError"]}), monkeypatch)
    assert (job.status, job.steps.count(step)) == ("SUCCEEDED", 3)


def test_a_provider_that_is_busy_is_asked_again_after_longer_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    job = ran(Worker(failures={"submit": ["ProviderBusy"] * 5}), monkeypatch)
    assert (job.status, job.steps.count("submit")) == ("SUCCEEDED", 6)


def test_what_stays_broken_is_left_to_the_reconciler(monkeypatch: pytest.MonkeyPatch) -> None:
    job = ran(Worker(failures={"settle": ["Runtime.ExitError"] * 100}), monkeypatch)
    assert (job.status, job.history[-1]["executionFailedEventDetails"]["error"]) == ("FAILED", "LeftToReconciler")
