"""A provider's callback reaches the stack by its own address and ends the wait, long before the next poll would."""

import time

import httpx
import pytest

from gateway.jobs.media_steps import CALLBACK_WAIT_S
from tests.clients.conftest import Stack

TASK_S = 3


@pytest.mark.parametrize("model", ["seedance-1-pro", "fal/kling-2.5-turbo"])
def test_a_callback_wakes_the_job(stack: Stack, model: str) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30, trust_env=False) as client:
        body = {"model": model, "prompt": f"a cat [[sim: media_s={TASK_S}]]"}
        job = client.post("/videos/generations", json=body).raise_for_status().json()
        asked_s = time.monotonic()
        while job["status"] in {"pending", "running"}:
            assert time.monotonic() < asked_s + CALLBACK_WAIT_S / 2, job
            time.sleep(0.2)
            job = client.get(f"/generation/jobs/{job.get('job_id') or job['id']}").raise_for_status().json()
    assert (job["status"], time.monotonic() > asked_s + TASK_S - 1) == ("succeeded", True)
