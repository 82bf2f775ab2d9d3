"""Tests of one job through its steps: its records, its charges, and its leftovers."""

import contextlib
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from gateway.canonical.jobs import JobError, JobStatus, Phase
from gateway.canonical.money import EntryKind
from gateway.jobs.closing import Closing
from gateway.jobs.media.steps import LATE_POLL_S, LATE_S, ProviderBusy
from gateway.jobs.writer import JobWriter
from gateway.stores.money.sweep import sweep
from tests.jobs.world import ACCOUNT, COST, DEADLINE_S, Died, World

pytestmark = pytest.mark.anyio
JOB = "gen_1"


async def world(**dials: object) -> World:
    made = World()
    await made.open()
    for name, value in dials.items():
        setattr(made.provider, name, value)
    return made


async def waiting(made: World) -> None:
    """Brings a job to the state in which its provider has accepted it."""
    await made.order(JOB)
    assert (await made.step(JOB, "submit"))["next"] == "await"


async def test_a_job_that_succeeds_is_paid_once_and_says_what_it_cost() -> None:
    made = await world()
    await made.order(JOB)
    await made.execute(JOB, 1)
    job = await made.job(JOB)
    assert (job.status, job.progress, job.charged_nanousd, len(job.results)) == (JobStatus.SUCCEEDED, 100, COST, 1)
    assert await made.ends(JOB) == [EntryKind.CHARGE]


async def test_a_job_that_fails_pays_nothing_and_leaves_nothing_behind() -> None:
    made = await world(failures=1.0)
    await made.order(JOB)
    await made.execute(JOB, 1)
    job = await made.job(JOB)
    assert (job.status, job.charged_nanousd, job.error) == (
        JobStatus.FAILED,
        0,
        JobError("provider_failed", "It broke."),
    )
    assert await made.ends(JOB) == [EntryKind.RELEASE]
    assert (made.bucket.files, made.bucket.open_uploads) == ({}, set())


async def test_an_order_that_the_provider_refuses_fails_with_its_reason() -> None:
    made = await world(refuses=lambda _: True)
    await made.order(JOB)
    await made.execute(JOB, 1)
    job = await made.job(JOB)
    assert job.error == JobError("content_policy_violation", "Not that.")


async def test_a_refused_order_goes_to_the_next_route_under_another_attempt() -> None:
    made = await world(refuses=lambda job: job.attempt.route == 0)
    await made.order(JOB, routes=2)
    await made.execute(JOB, 1)
    job = await made.job(JOB)
    assert (job.status, [task.attempt_id for task in made.provider.tasks.values()]) == ("succeeded", [f"{JOB}-2"])
    (charged,) = [entry.charge for entry in (await made.look()).entries if entry.charge is not None]
    assert charged.route == "test|test-video|failed\ntest"


async def test_a_job_that_failed_is_in_the_ledger_with_each_route_that_was_tried() -> None:
    made = await world(refuses=lambda _: True)
    await made.order(JOB, routes=2)
    await made.execute(JOB, 1)
    (failed,) = [entry.failure for entry in (await made.look()).entries if entry.failure is not None]
    order = (await made.job(JOB)).charge
    assert (failed.request_id, failed.generation_id) == (order.request_id, order.generation_id)
    assert (failed.model_used, failed.route) == ("test-video", "test|test-video|failed\ntest|test-video|failed")


async def test_a_provider_that_stays_busy_is_given_up_after_eight_tries() -> None:
    made = await world(submit_errors=1.0)
    await made.order(JOB)
    tries = 0
    while not (await made.job(JOB)).decided:
        try:
            await made.step(JOB, "submit")
        except ProviderBusy:
            tries += 1
    job = await made.job(JOB)
    assert (tries, job.verdict, job.error and job.error.retryable) == (8, JobStatus.FAILED, True)


async def test_a_submission_that_is_repeated_goes_out_under_the_same_attempt() -> None:
    made = await world()
    await made.order(JOB)
    made.deaths = 0.4
    while not made.provider.tasks:
        with contextlib.suppress(Died):
            await made.step(JOB, "submit")
    made.deaths = 0.0
    await made.step(JOB, "submit")
    assert {task.attempt_id for task in made.provider.tasks.values()} == {f"{JOB}-1"}


async def test_a_step_that_is_run_again_changes_nothing() -> None:
    made = await world(takes_s=0.0)
    await waiting(made)
    for step in ("submit", "await", "submit", "await", "mirror", "mirror", "settle", "settle", "notify", "notify"):
        await made.step(JOB, step)
    assert (len(made.provider.tasks), await made.ends(JOB)) == (1, [EntryKind.CHARGE])
    assert (await made.job(JOB)).phase is Phase.ENDED


async def test_a_step_of_an_earlier_run_does_nothing() -> None:
    made = await world()
    await made.order(JOB)
    assert (await made.step(JOB, "submit", run=0))["next"] == "over"
    assert made.provider.tasks == {}


async def test_a_poll_that_fails_says_nothing_of_the_task() -> None:
    made = await world(poll_errors=1.0)
    await waiting(made)
    before = await made.job(JOB)
    assert (await made.step(JOB, "await"))["next"] == "await"
    after = await made.job(JOB)
    assert (after.status, after.phase, after.hold) == (before.status, before.phase, before.hold)


async def test_progress_never_goes_back() -> None:
    made = await world(takes_s=10_000.0)
    await waiting(made)
    seen = []
    for _ in range(20):
        await made.step(JOB, "await")
        seen.append((await made.job(JOB)).progress or 0)
    assert seen == sorted(seen)


async def test_past_its_deadline_a_job_keeps_its_hold_and_is_looked_at_now_and_then() -> None:
    made = await world(takes_s=2.0 * DEADLINE_S)
    await waiting(made)
    made.time.at_s += DEADLINE_S
    assert (await made.step(JOB, "await"))["next"] == "over"
    job = await made.job(JOB)
    assert (job.phase, job.status, job.due_s) == (Phase.LATE, JobStatus.RUNNING, int(made.time.at_s) + LATE_POLL_S)
    assert (await made.look()).held_nanousd == COST


async def test_a_provider_that_is_late_may_still_deliver() -> None:
    made = await world(takes_s=2.0 * DEADLINE_S)
    await waiting(made)
    made.time.at_s += DEADLINE_S
    await made.step(JOB, "await")
    made.time.at_s += 3 * DEADLINE_S
    await made.reconciler().run()
    await made.execute(JOB, 2)
    assert ((await made.job(JOB)).status, await made.ends(JOB)) == (JobStatus.SUCCEEDED, [EntryKind.CHARGE])


async def test_a_success_whose_hold_the_sweeper_has_ended_is_charged_from_the_balance() -> None:
    made = await world(takes_s=20.0)
    await waiting(made)
    before = await made.look()
    await sweep(made.money, made.time.at_s + 10 * LATE_S)
    await made.execute(JOB, 1)
    after, job = await made.look(), await made.job(JOB)
    assert (job.status, job.charged_nanousd) == (JobStatus.SUCCEEDED, COST)
    assert await made.ends(JOB) == [EntryKind.RELEASE, EntryKind.CHARGE]
    assert after.free_nanousd == before.free_nanousd
    again = await Closing(JobWriter(made.jobs, made.time), made.money, made.time).close(
        replace(job, status=JobStatus.RUNNING)
    )
    assert (again.charged_nanousd, (await made.look()).entries) == (COST, after.entries)


async def test_a_day_after_its_deadline_a_job_is_given_up() -> None:
    made = await world(takes_s=10.0 * LATE_S)
    await waiting(made)
    made.time.at_s += DEADLINE_S + LATE_S
    await made.step(JOB, "await")
    await made.step(JOB, "settle")
    job = await made.job(JOB)
    assert (job.status, job.error and job.error.code) == (JobStatus.FAILED, "deadline_exceeded")
    assert await made.ends(JOB) == [EntryKind.RELEASE]


async def test_a_job_that_is_due_starts_anew_under_the_next_run() -> None:
    made = await world()
    await waiting(made)
    made.time.at_s += 1000
    found = await made.reconciler().run()
    assert (found.restarted, made.machine.running) == (1, {(JOB, 2)})


async def test_a_webhook_keeps_its_job_due_until_it_has_been_told() -> None:
    made = await world(takes_s=0.0)
    await made.order(JOB, webhook_url="https://hook.test/")
    await made.execute(JOB, 1)
    job = await made.job(JOB)
    assert (made.told.jobs, job.status, job.phase) == ([JOB], JobStatus.SUCCEEDED, Phase.NOTIFY)
    assert job.due_s > made.time.at_s


CHANGED_KEYS = [
    ({"revoked": True}, "invalid_api_key"),
    ({"disabled": True}, "invalid_api_key"),
    ({"expires_at_s": 1}, "expired_api_key"),
    ({"allowed_ips": ("198.51.100.0/24",)}, "ip_not_allowed"),
    ({"allowed_models": ("another-*",)}, "model_not_allowed"),
    ({"region_policy": "cn-only"}, "region_not_allowed"),
    ({"monthly_spend_cap_nanousd": COST - 1}, "tenant_monthly_quota_exceeded"),
]


@pytest.mark.parametrize(("changes", "code"), CHANGED_KEYS, ids=str)
async def test_a_job_whose_key_may_not_have_it_made_any_more_is_not_sent(
    changes: Mapping[str, object], code: str
) -> None:
    made = await world()
    await made.money.track_spend(ACCOUNT, "key_1", made.time.at_s)
    await made.order(JOB, routes=2)
    await made.keys.change(ACCOUNT, "key_1", changes)
    await made.execute(JOB, 1)
    job = await made.job(JOB)
    assert (job.status, job.error and job.error.code, made.provider.tasks) == (JobStatus.FAILED, code, {})
    assert await made.ends(JOB) == [EntryKind.RELEASE]


async def test_a_job_of_a_suspended_account_is_not_sent() -> None:
    made = await world()
    await made.order(JOB)
    await made.money.set_account(ACCOUNT, disabled=True)
    await made.execute(JOB, 1)
    job = await made.job(JOB)
    assert (job.error and job.error.code, made.provider.tasks) == ("account_suspended", {})


@pytest.mark.parametrize(("policy", "is_sent"), [("overseas-only", False), ("cn-only", True), ("any", True)])
async def test_the_region_of_the_credential_is_that_of_a_job_whose_target_names_none(
    policy: str, *, is_sent: bool
) -> None:
    made = await world()
    made.provider.region_named = "cn-beijing"
    await made.order(JOB)
    await made.keys.change(ACCOUNT, "key_1", {"region_policy": policy})
    await made.execute(JOB, 1)
    assert bool(made.provider.tasks) is is_sent


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed_ips": ("203.0.113.0/24",)},
        {"allowed_models": ("test-*",)},
        {"region_policy": "overseas-only"},
        {"monthly_spend_cap_nanousd": COST},
    ],
    ids=str,
)
async def test_a_job_within_what_its_key_may_is_sent(changes: Mapping[str, object]) -> None:
    made = await world()
    await made.money.track_spend(ACCOUNT, "key_1", made.time.at_s)
    await made.order(JOB)
    await made.keys.change(ACCOUNT, "key_1", changes)
    await made.execute(JOB, 1)
    assert (await made.job(JOB)).status is JobStatus.SUCCEEDED


async def test_a_job_of_a_release_that_did_not_say_who_asked_is_sent() -> None:
    made = await world()
    job = await made.order(JOB)
    order = {name: value for name, value in job.order.items() if name not in {"key_hash", "source_ip"}}
    assert await made.jobs.put(replace(await made.job(JOB), order=order)) is not None
    await made.execute(JOB, 1)
    assert (await made.job(JOB)).status is JobStatus.SUCCEEDED
