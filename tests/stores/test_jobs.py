"""Tests that run on every store of jobs: memory, DynamoDB Local, and moto."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.canonical.jobs import Attempt, Job, JobError, JobKind, JobStatus, Phase, Result
from gateway.canonical.money import Charge, Hold, Tier, ToolCost
from gateway.canonical.usage import Usage
from gateway.errors import Conflict, ServiceUnavailable
from gateway.ports.jobs import Jobs
from gateway.stores.aws.attributes import from_item
from gateway.stores.jobs.items import KEEP_S, job_item, read_job
from gateway.stores.jobs.store import DynamoJobs
from gateway.transport import Client
from tests.fakes.jobs import MemoryJobs
from tests.stores.conftest import StoppedClock, api, boto, deaf_once, fresh
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_795_244_400
MEDIA = (JobKind.VIDEO, JobKind.MODEL_3D)
CHARGE = Charge(
    cost_nanousd=420_000_000,
    request_id="req-1",
    generation_id="gen_01",
    model_requested="nexevo/video-fast",
    model_used="veo-3-fast",
    tier=Tier.PASSTHROUGH,
    price_version="2026-11-21",
)
NEW = Job(
    job_id="gen_01",
    account_id="acc_one",
    key_id="key_one",
    kind=JobKind.VIDEO,
    model="nexevo/video-fast",
    created_at_s=NOW_S,
    updated_at_s=NOW_S,
    deadline_s=NOW_S + 1_800,
    due_s=NOW_S + 60,
    order={"kind": "video", "prompt": "a cat ✓", "duration_s": "2.5", "seed": 7, "routes": [{"provider": "gemini"}]},
    charge=CHARGE,
)
WITH_TOOLS = replace(CHARGE, usage=Usage(1, uses=(("web_search", 2),)), tools=(ToolCost("web_search", 2, 3),))
FULL = replace(
    NEW,
    version=3,
    run=2,
    phase=Phase.NOTIFY,
    status=JobStatus.SUCCEEDED,
    verdict=JobStatus.SUCCEEDED,
    progress=100,
    hold=Hold("acc_one", "01", "key_one", 420_000_000, NOW_S + 9, 202611, True, False, WITH_TOOLS),
    attempt=Attempt(1, 0, "gemini", "veo", tries=2, handle="operations/1", upload_id="up"),
    token="t",
    results=(Result("media/acc_one/gen_01/0.mp4", "video/mp4", 1_000, 2_500, 1280, 720), Result("b", "c", 1)),
    error=JobError("internal", "No.", True),
    charged_nanousd=420_000_000,
    webhook_url="https://example.com/hook",
    public_url="https://gateway.test",
    metadata={"a": {"b": [1, None, True]}},
)


def new_jobs_table(endpoint: str) -> str:
    """Creates a table as template.yaml has it."""
    name = fresh("jobs")

    def keys(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(names, ("HASH", "RANGE"), strict=False)]

    boto("dynamodb", endpoint).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": kind}
            for key, kind in {"job_id": "S", "account_id": "S", "due_shard": "S", "due_s": "N"}.items()
        ],
        KeySchema=keys("job_id"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByAccount",
                "KeySchema": keys("account_id", "job_id"),
                "Projection": {"ProjectionType": "ALL"},
            },
            {
                "IndexName": "ByDue",
                "KeySchema": keys("due_shard", "due_s"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    )
    return name


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def jobs(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> Jobs:
    if request.param == "memory":
        return MemoryJobs()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoJobs(api(client, clock, "dynamodb", endpoint), new_jobs_table(endpoint))


@pytest.mark.parametrize("job", [NEW, FULL], ids=["new", "full"])
async def test_a_job_comes_back_as_it_was_added(jobs: Jobs, job: Job) -> None:
    await jobs.add(job)
    assert await jobs.get(job.job_id) == job


async def test_an_unknown_job_is_nothing(jobs: Jobs) -> None:
    assert await jobs.get("gen_none") is None


async def test_an_id_is_added_once(jobs: Jobs) -> None:
    await jobs.add(NEW)
    with pytest.raises(Conflict):
        await jobs.add(replace(NEW, account_id="acc_two"))
    assert await jobs.get(NEW.job_id) == NEW


async def test_a_put_raises_the_version(jobs: Jobs) -> None:
    await jobs.add(NEW)
    changed = replace(NEW, phase=Phase.SUBMIT)
    assert await jobs.put(changed) == replace(changed, version=1)
    assert await jobs.get(NEW.job_id) == replace(changed, version=1)


async def test_a_put_of_a_version_that_was_overtaken_changes_nothing(jobs: Jobs) -> None:
    await jobs.add(NEW)
    first = await jobs.put(replace(NEW, progress=10))
    assert await jobs.put(replace(NEW, progress=20)) is None
    assert await jobs.get(NEW.job_id) == first


async def test_a_put_of_a_job_that_is_gone_makes_none(jobs: Jobs) -> None:
    await jobs.add(NEW)
    await jobs.remove(NEW)
    assert await jobs.put(NEW) is None
    assert await jobs.get(NEW.job_id) is None


async def test_of_twenty_equal_puts_at_once_one_is_written(jobs: Jobs) -> None:
    await jobs.add(NEW)
    outcomes = await asyncio.gather(*(jobs.put(replace(NEW, run=1)) for _ in range(20)))
    assert [outcome for outcome in outcomes if outcome is not None] == [replace(NEW, run=1, version=1)]


async def test_a_removal_repeated_is_harmless(jobs: Jobs) -> None:
    await jobs.add(NEW)
    await jobs.remove(NEW)
    await jobs.remove(NEW)
    assert await jobs.get(NEW.job_id) is None


async def test_an_account_s_jobs_go_from_the_newest_to_the_oldest(jobs: Jobs) -> None:
    for number in (2, 1, 3):
        await jobs.add(replace(NEW, job_id=f"gen_0{number}"))
    await jobs.add(replace(NEW, job_id="gen_04", account_id="acc_two"))
    found = await jobs.page("acc_one", MEDIA, limit=10)
    assert [job.job_id for job in found] == ["gen_03", "gen_02", "gen_01"]


async def test_a_page_is_bounded_and_the_next_begins_below_it(jobs: Jobs) -> None:
    for number in range(1, 6):
        await jobs.add(replace(NEW, job_id=f"gen_0{number}"))
    first = await jobs.page("acc_one", MEDIA, limit=3)
    second = await jobs.page("acc_one", MEDIA, limit=3, before=first[-1].job_id)
    assert [job.job_id for job in [*first, *second]] == ["gen_05", "gen_04", "gen_03", "gen_02", "gen_01"]


async def test_a_page_has_only_the_kinds_that_are_asked_for(jobs: Jobs) -> None:
    for number, kind in enumerate(JobKind):
        await jobs.add(replace(NEW, job_id=f"gen_0{number}", kind=kind))
    found = await jobs.page("acc_one", [JobKind.MODEL_3D], limit=10)
    assert [job.kind for job in found] == [JobKind.MODEL_3D]


async def test_due_are_the_jobs_whose_time_is_over_and_that_have_not_ended(jobs: Jobs) -> None:
    for number in range(12):
        await jobs.add(replace(NEW, job_id=f"gen_{number:02}", due_s=NOW_S + number))
    await jobs.add(replace(NEW, job_id="gen_ended", due_s=NOW_S, phase=Phase.ENDED))
    found = [job.job_id async for job in jobs.due(NOW_S + 5)]
    assert sorted(found) == [f"gen_{number:02}" for number in range(6)]


async def test_a_job_that_has_ended_is_due_no_more(jobs: Jobs) -> None:
    await jobs.add(NEW)
    await jobs.put(replace(NEW, phase=Phase.ENDED))
    assert [job async for job in jobs.due(NOW_S + 10**6)] == []


def test_a_job_that_has_ended_is_kept_for_ninety_days() -> None:
    item = from_item(job_item(replace(NEW, phase=Phase.ENDED, updated_at_s=NOW_S)))
    assert item["expires_at_s"] == NOW_S + KEEP_S == NOW_S + 90 * 86_400
    assert {"due_shard", "due_s"}.isdisjoint(item)


def test_a_job_that_has_not_ended_never_expires() -> None:
    assert "expires_at_s" not in job_item(NEW)


def test_a_member_of_a_later_release_is_passed_over() -> None:
    item = job_item(FULL)
    item["document"]["S"] = item["document"]["S"].replace('{"job_id"', '{"mood":"good","job_id"', 1)
    assert read_job(item) == FULL


async def test_a_write_whose_answer_was_lost_is_known_as_its_own(
    client: Client, clock: StoppedClock, endpoints: Endpoints
) -> None:
    endpoint = endpoints.of("moto")
    table = new_jobs_table(endpoint)
    steady = DynamoJobs(api(client, clock, "dynamodb", endpoint), table)
    await steady.add(NEW)
    deaf = deaf_once(client, clock, endpoint)
    assert await DynamoJobs(deaf, table).put(replace(NEW, progress=5)) == replace(NEW, progress=5, version=1)


async def test_a_store_that_is_not_there_is_unavailable(client: Client, clock: StoppedClock) -> None:
    gone = DynamoJobs(api(client, clock, "dynamodb", "http://127.0.0.1:1"), "table")
    with pytest.raises(ServiceUnavailable):
        await gone.get("gen_01")
