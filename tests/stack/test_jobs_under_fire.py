"""Tests that eighty jobs on the whole stack survive dying processes, failing providers and two restarts.

The providers run in a separate process here, as they do in life: they go on while the stack is down. `make fire` runs
two hundred jobs.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx
import orjson
import pytest

from local.providers.media_files import video
from tests.drawn import drawn
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import ROOT, Stack, kept_port, local, running

pytestmark = pytest.mark.anyio

# Of 80, in `make check` a third.
JOBS = int(os.environ.get("JOBS", len(drawn(range(80)))))
BALANCE_USD = 1000
MODELS = (
    *("wan-2.6", "ray-2", "grok-imagine-video", "runway-gen4.5"),
    *("seedance-1-pro", "hailuo-02", "fal/kling-2.5-turbo"),
)
VENDORS = ("dashscope", "luma", "xai", "replicate", "fal", "runway")
# More than one part, so that a download that is cut goes on in the middle.
LARGE_BYTES = 20_000_000
FAULTS = (
    *("media_s=0.3", "media_s=2", "media_s=6", "media_s=1 media_late"),
    *("media_poll_errors=1", "media_poll_errors=2", "media_submit_errors=1", "media_submit_errors=3"),
    *("media_fail=moderation", "media_fail=internal", "media_callback=3", "media_callback=0"),
    "media_cut=500",
)
LARGE = f"media_bytes={LARGE_BYTES} media_cut=17000000"
TERMINAL = {"succeeded", "failed", "canceled"}
# Later than every job's `due_s`, so that the reconciler finds every job without an execution. It replaces running ones.
AHEAD_S = 150
# A callback that came while the stack was down is lost; its job is polled after a minute, or by the next
# reconciliation.
LOOK_S = 20.0
OVER_S = 2 * HANGS_AFTER_S


@dataclass(frozen=True)
class Providers:
    """The simulator, and the environment by which a stack takes it for the real providers."""

    host: str
    environment: dict[str, str]

    def tasks(self) -> list[dict[str, Any]]:
        """Lists the vendors' tasks."""
        answer = httpx.get(f"http://{self.host}/_sim/media/tasks", timeout=HANGS_AFTER_S, trust_env=False)
        tasks: list[dict[str, Any]] = answer.raise_for_status().json()["tasks"]
        return tasks


@pytest.fixture
def providers(tmp_path: Path) -> Iterator[Providers]:
    with (tmp_path / "providers.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.providers", "--json"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'shared'}"},
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    with process.stdout:
        rows = orjson.loads(process.stdout.readline())
        named = {f"{row}_{field}".upper(): value for row in VENDORS for field, value in rows[row].items()}
        yield Providers(httpx.URL(rows["fal"]["base_url"]).netloc.decode(), named)
        process.send_signal(signal.SIGTERM)
        process.wait(HANGS_AFTER_S)


@asynccontextmanager
async def caller(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    async with httpx.AsyncClient(
        base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False
    ) as client:
        yield client


async def lift_limit(client: httpx.AsyncClient) -> None:
    (key,) = (await client.get("/keys")).raise_for_status().json()["data"]
    (await client.patch(f"/keys/{key['key_id']}", json={"rpm_limit": 1000})).raise_for_status()


async def ordered(client: httpx.AsyncClient, gate: asyncio.Semaphore, number: int, words: str) -> str | None:
    """Creates a job and returns its id, or None if the process that opened it died; then the job may exist or not."""
    body = {"model": MODELS[number % len(MODELS)], "prompt": f"cat {number} [[sim: {words}]]"}
    async with gate:
        answer = await client.post("/videos/generations", json=body)
    if answer.status_code >= 500:
        return None
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["job_id"]
    if number % 10 == 0:
        # Some callers cancel; it may be too late.
        await asyncio.sleep(number % 7)
        await client.post(f"/generation/jobs/{job_id}/cancel")
    return job_id


async def killing(stack: Stack, random: Random) -> None:
    """Ends processes at random moments until cancelled; processes that open jobs less often."""
    while True:
        await asyncio.sleep(random.uniform(0.4, 1.2))
        family = random.choices(["jobs", "generation", "callbacks"], [8, 1, 1])[0]
        found = await asyncio.to_thread(stack.processes, family)
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(found), signal.SIGKILL)


@asynccontextmanager
async def under_fire(stack: Stack, random: Random) -> AsyncIterator[None]:
    """Kills processes for the length of the block."""
    killer = asyncio.create_task(killing(stack, random))
    try:
        yield
    finally:
        killer.cancel()
        await asyncio.gather(killer, return_exceptions=True)


async def all_jobs(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Lists every job of the account, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get("/generation/jobs", params={"limit": 100, "cursor": cursor})).raise_for_status().json()
        found += page["data"]
        cursor = page["next_cursor"]
    return found


async def look(stack: Stack) -> None:
    """Runs the reconciler on lost jobs, without waiting until they are due."""
    looked = await asyncio.to_thread(
        local, "reconcile", "--data", str(stack.data), "--now", str(int(time.time()) + AHEAD_S)
    )
    assert looked.returncode == 0, looked.stderr


async def until_over(stack: Stack, client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Returns every job, once all of them have ended and no execution runs any more."""
    deadline_s = looked_s = time.monotonic()
    deadline_s += OVER_S
    while True:
        jobs = await all_jobs(client)
        left = [job["id"] for job in jobs if job["status"] not in TERMINAL]
        executions = running_executions(stack)
        if not left and not executions:
            return jobs
        assert time.monotonic() < deadline_s, (left, executions)
        if not executions or time.monotonic() > looked_s + LOOK_S:
            await look(stack)
            looked_s = time.monotonic()
        await asyncio.sleep(1)


def running_executions(stack: Stack) -> list[str]:
    client = stack.aws("stepfunctions")
    machines = client.list_state_machines()["stateMachines"]
    pages = client.get_paginator("list_executions").paginate
    return [
        execution["name"]
        for machine in machines
        for page in pages(stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING")
        for execution in page["executions"]
    ]


def media(stack: Stack) -> tuple[set[str], list[str]]:
    """Returns the jobs that have objects, and the uploads that were not ended."""
    client = stack.aws("s3")
    (bucket,) = (row["Name"] for row in client.list_buckets()["Buckets"] if "media" in row["Name"].lower())
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    names = [row["Key"] for page in pages for row in page.get("Contents", [])]
    uploads = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return {name.split("/")[2] for name in names}, [upload["Key"] for upload in uploads]


async def digest(client: httpx.AsyncClient, url: str) -> str:
    """Returns the digest of the file at the job's address."""
    found = hashlib.sha256()
    async with client.stream("GET", url, headers={"Authorization": ""}) as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_bytes():
            found.update(piece)
    return found.hexdigest()


def made(duration_ms: int, size_bytes: int) -> str:
    """Returns the digest of the provider's file with that length and size."""
    file = video(duration_ms, size_bytes if size_bytes == LARGE_BYTES else None)
    found = hashlib.sha256()
    for piece in file.pieces(0, file.size_bytes - 1):
        found.update(piece)
    return found.hexdigest()


def nano(job: dict[str, Any]) -> int:
    return int(Decimal(job["charged_usd"]) * 10**9)


async def check_results(client: httpx.AsyncClient, jobs: list[dict[str, Any]]) -> None:
    for job in jobs:
        if job["status"] == "succeeded":
            (result,) = job["results"]
            assert await digest(client, result["url"]) == made(result["duration_ms"], result["bytes"])


def check_books(stack: Stack, jobs: list[dict[str, Any]]) -> None:
    books = stack.settled()
    ends = [entry for entry in books["entries"] if entry["kind"] != "credit"]
    charged = {f"gen_{entry['hold_id']}": -entry["amount_nano"] for entry in ends if entry["kind"] == "charge"}
    assert charged == {job["id"]: nano(job) for job in jobs if job["status"] == "succeeded"}
    assert len({entry["hold_id"] for entry in ends}) == len(ends)
    assert {nano(job) for job in jobs if job["status"] != "succeeded"} == {0}
    assert books["held_nano"] == 0
    assert books["balance_nano"] == BALANCE_USD * 10**9 - sum(charged.values())


async def test_every_job_ends_once_when_processes_of_the_stack_die(
    tmp_path: Path, providers: Providers, capsys: pytest.CaptureFixture[str]
) -> None:
    random, port, started_s = Random(20261121), kept_port(), time.monotonic()
    words = [random.choice(FAULTS) for _ in range(JOBS - 6)] + [LARGE] * 6
    random.shuffle(words)

    def stack_on() -> contextlib.AbstractContextManager[Stack]:
        return running(
            tmp_path,
            balance_usd=BALANCE_USD,
            port=port,
            own_hosts=[providers.host],
            environment=providers.environment,
        )

    with stack_on() as stack:
        async with caller(stack) as client:
            await lift_limit(client)
            gate = asyncio.Semaphore(6)
            async with under_fire(stack, random):
                orders = [ordered(client, gate, number, said) for number, said in enumerate(words)]
                told = [job_id for job_id in await asyncio.gather(*orders) if job_id is not None]
    with stack_on() as stack:
        async with under_fire(stack, random):
            await look(stack)
            await asyncio.sleep(random.uniform(3, 5))
        os.kill(stack.pid, signal.SIGKILL)
    with stack_on() as stack, capsys.disabled():
        async with caller(stack) as client:
            async with under_fire(stack, random):
                await look(stack)
                await asyncio.sleep(5)
            jobs = await until_over(stack, client)
            assert set(told) <= {job["id"] for job in jobs}
            check_books(stack, jobs)
            await check_results(client, jobs)
        assert media(stack) == ({job["id"] for job in jobs if job["status"] == "succeeded"}, [])
        outcomes = ", ".join(f"{count} {status}" for status, count in sorted(Counter(map(status, jobs)).items()))
        took_s = time.monotonic() - started_s
        sys.stdout.write(f"\n{len(jobs)} jobs: {outcomes}; {len(providers.tasks())} tasks; {took_s:.0f} s\n")


def status(job: dict[str, Any]) -> str:
    found: str = job["status"]
    return found
