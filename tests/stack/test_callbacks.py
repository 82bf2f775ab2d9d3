"""Tests that a provider's callback reaches the stack by its own address and ends the wait before its timeout."""

import time

import httpx
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

TASK_S = 3


def ends_of_waits(stack: Stack, job_id: str) -> list[str]:
    """Lists how the waits of a job's execution ended: by an answer to their token, or by their timeout."""
    client = stack.aws("stepfunctions")
    (execution,) = [
        execution["executionArn"]
        for machine in client.list_state_machines()["stateMachines"]
        for execution in client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        if job_id.removeprefix("gen_") in execution["name"]
    ]
    events = client.get_execution_history(executionArn=execution)["events"]
    waiting = {event["id"] for event in events if event["type"] == "TaskSubmitted"}
    return [event["type"] for event in events if event.get("previousEventId") in waiting]


@pytest.mark.parametrize("model", ["seedance-1-pro", "fal/kling-2.5-turbo"])
def test_a_callback_wakes_the_job(stack: Stack, model: str) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as client:
        body = {"model": model, "prompt": f"a cat [[sim: media_s={TASK_S}]]"}
        job = client.post("/videos/generations", json=body).raise_for_status().json()
        asked_s = time.monotonic()
        while job["status"] in {"pending", "running"}:
            assert time.monotonic() < asked_s + HANGS_AFTER_S, job
            time.sleep(0.2)
            job = client.get(f"/generation/jobs/{job.get('job_id') or job['id']}").raise_for_status().json()
    assert job["status"] == "succeeded"
    # There was a wait, and each ended by a callback: none by its timeout, and none was skipped.
    assert set(ends_of_waits(stack, job["id"])) == {"TaskSucceeded"}
