"""Webhooks over stores in memory, with a receiver that answers as a test says, and a clock that is turned by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.jobs import Job, JobKind, JobStatus, Phase
from gateway.canonical.money import Charge, Tier
from gateway.errors import GatewayError
from gateway.jobs.writer import JobWriter
from gateway.webhooks.delivering import Deliveries
from tests.fakes.jobs import MemoryJobs
from tests.fakes.webhooks import MemoryWebhookRecords

NOW_S = 1_795_244_400
URL = "https://customer.test/hook"
JOB = Job(
    job_id="gen_1",
    account_id="acct_1",
    key_id="key_1",
    kind=JobKind.VIDEO,
    model="nexevo/video-fast",
    created_at_s=NOW_S - 60,
    updated_at_s=NOW_S - 5,
    deadline_s=NOW_S + 3600,
    due_s=NOW_S + 300,
    order={},
    charge=Charge(5, "req", "gen-nxn-1", "nexevo/video-fast", "veo", Tier.PASSTHROUGH, "v"),
    phase=Phase.NOTIFY,
    status=JobStatus.SUCCEEDED,
    verdict=JobStatus.SUCCEEDED,
    webhook_url=URL,
)


@dataclass
class Time:
    """Both clocks at once, turned by hand."""

    at_s: float = float(NOW_S)

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@dataclass
class Receiver:
    """The customer's server. It answers with `status`, or raises its error."""

    status: int = 200
    error: GatewayError | None = None
    received: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.received.append((url, headers, body))
        if self.error is not None:
            raise self.error
        return self.status

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(body) for _, _, body in self.received]


@dataclass
class Post:
    """All parts together."""

    time: Time = field(default_factory=Time)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    records: MemoryWebhookRecords = field(default_factory=MemoryWebhookRecords)
    receiver: Receiver = field(default_factory=Receiver)

    @property
    def deliveries(self) -> Deliveries:
        async def view(job: Job) -> dict[str, Any]:
            return {"id": job.job_id, "status": job.status}

        writer = JobWriter(self.jobs, self.time)
        return Deliveries(self.jobs, writer, self.records, self.receiver, view, self.time)

    async def add(self, **changes: Any) -> Job:
        job = replace(JOB, **changes)
        await self.jobs.add(job)
        return job

    async def job(self) -> Job:
        found = await self.jobs.get(JOB.job_id)
        assert found is not None
        return found


@pytest.fixture
def post() -> Post:
    return Post()
