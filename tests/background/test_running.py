"""Tests of runs with a lost process, a late or double start, or failing stores: their end and their charges."""

import asyncio
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.jobs import Attempt, Job, JobKind, JobStatus, Phase
from gateway.canonical.money import EntryKind
from gateway.errors import ServiceUnavailable
from gateway.jobs.reconciler import Reconciler
from gateway.pipeline.context import RequestContext
from gateway.ports.sink import Sink
from gateway.responses import worker
from gateway.responses.background import RUN_S, START_S
from gateway.responses.worker import LOST, LOST_S, TOO_LATE
from tests.app.harness import KEY
from tests.background.harness import BEGUN, SAID, Executions, Place, frames, names, number

pytestmark = pytest.mark.anyio

STALLED = f"{SAID} [[sim: chunks=8 stall_after=4]]"
BEGUN_ELSEWHERE = Attempt(number=1, route=0, provider="", model="gpt-4o", handle="another process")


async def called_again(home: Place, response_id: str, run: int = 1) -> None:
    """Runs the state machine's next try."""
    assert await home.executions.run.run({"job_id": response_id, "run": run}, home.clock.now_s() + 900) == {
        "next": "over"
    }


async def begun_elsewhere(home: Place, **changes: Any) -> Job:
    """Creates a response that another process began before it disappeared."""
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    return await home.spoil(response_id, attempt=BEGUN_ELSEWHERE, status=JobStatus.RUNNING, **changes)


async def test_a_lost_run_has_failed_and_its_hold_is_the_sweepers(home: Place) -> None:
    job = await begun_elsewhere(home)
    await called_again(home, job.job_id)
    response = await home.get(job.job_id)
    assert (response["status"], response["error"]) == ("failed", {"code": "server_error", "message": LOST})
    assert (await home.ends(), await home.held()) == ([], 1)
    ended = await home.job(job.job_id)
    assert (ended.status, ended.phase) == (JobStatus.FAILED, Phase.ENDED)


async def test_the_events_of_a_lost_run_end_with_its_failure(home: Place) -> None:
    response_id = (await home.create(STALLED)).json["id"]
    await home.objects.arrived(BEGUN)
    second = Executions(home.worker)
    await second.start((await home.job(response_id)).kind, response_id, 1)
    await second.finished()
    body = (await home.stream(response_id)).body
    numbers = [number(frame) for frame in frames(body)]
    assert (names(body)[0], names(body)[-1]) == ("response.created", "response.failed")
    assert numbers == list(range(len(numbers)))


async def test_the_events_of_a_run_that_was_lost_before_it_said_anything_are_whole(home: Place) -> None:
    job = await begun_elsewhere(home)
    await called_again(home, job.job_id)
    assert names((await home.stream(job.job_id)).body) == ["response.created", "response.failed"]


async def test_a_process_that_was_taken_for_lost_stops_and_leaves_the_end_as_it_was_told(home: Place) -> None:
    response_id = (await home.create(STALLED)).json["id"]
    await home.objects.arrived(BEGUN)
    await called_again(home, response_id)
    told = await home.get(response_id)
    await home.executions.finished()
    assert await home.get(response_id) == told
    assert (await home.job(response_id)).status is JobStatus.FAILED
    assert [kind for kind, _ in await home.ends()] == [EntryKind.CHARGE]


async def test_a_run_that_was_lost_after_its_response_was_kept_has_succeeded(home: Place) -> None:
    response_id = (await home.create()).json["id"]
    await home.executions.finished()
    kept, body = await home.get(response_id), (await home.stream(response_id)).body
    await home.spoil(response_id, status=JobStatus.RUNNING, verdict=None, phase=Phase.SUBMIT)
    await called_again(home, response_id)
    assert (await home.get(response_id), (await home.job(response_id)).status) == (kept, JobStatus.SUCCEEDED)
    assert (await home.stream(response_id)).body == body


async def test_a_kept_response_whose_last_events_were_lost_is_told_again(home: Place) -> None:
    response_id = (await home.create(f"{SAID} [[sim: chunks=8 chunk_ms=30]]")).json["id"]
    await home.executions.finished()
    job = await home.job(response_id)
    batches = job.metadata[worker.BATCHES]
    assert batches > 1
    metadata = {worker.BATCHES: batches - 1}
    await home.spoil(response_id, status=JobStatus.RUNNING, phase=Phase.SETTLE, metadata=metadata)
    await called_again(home, response_id)
    last = orjson.loads(frames((await home.stream(response_id)).body)[-1].data)
    assert (last["type"], last["response"]) == ("response.completed", await home.get(response_id))


async def test_one_that_was_cancelled_and_then_lost_is_cancelled(home: Place) -> None:
    job = await begun_elsewhere(home)
    await home.call("POST", f"/{job.job_id}/cancel")
    await called_again(home, job.job_id)
    assert (await home.get(job.job_id))["status"] == "cancelled"
    assert (await home.job(job.job_id)).status is JobStatus.CANCELED


@pytest.mark.parametrize("run", [0, 2])
async def test_an_execution_of_another_run_does_nothing(home: Place, run: int) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    before = await home.job(response_id)
    await called_again(home, response_id, run)
    assert await home.job(response_id) == before


async def test_a_run_that_is_over_is_left_alone(home: Place) -> None:
    response_id = (await home.create()).json["id"]
    await home.executions.finished()
    before, kept = await home.job(response_id), await home.get(response_id)
    await called_again(home, response_id)
    assert (await home.job(response_id), await home.get(response_id)) == (before, kept)


async def test_a_job_that_is_gone_is_over(home: Place) -> None:
    await called_again(home, "resp_nxn-none")


async def test_of_two_that_begin_at_once_one_runs(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    both = asyncio.Barrier(2)
    get, stream, streamed = home.objects.get, home.services.pipeline.stream, []

    async def met(name: str) -> bytes | None:
        # Both read the job before either begins it.
        await both.wait()
        return await get(name)

    async def noted(context: RequestContext[Any, Any], sink: Sink) -> None:
        streamed.append(context.hold_id)
        await stream(context, sink)

    with monkeypatch.context() as patched:
        patched.setattr(home.objects, "get", met)
        patched.setattr(home.services.pipeline, "stream", noted)
        await asyncio.gather(*(called_again(home, response_id) for _ in range(2)))
    assert ((await home.get(response_id))["status"], len(streamed)) == ("completed", 1)
    assert [kind for kind, _ in await home.ends()] == [EntryKind.CHARGE]


async def test_one_that_was_never_begun_in_time_fails_and_costs_nothing(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    home.clock.ahead_s = START_S + RUN_S + 1
    await called_again(home, response_id)
    response = await home.get(response_id)
    assert (response["status"], response["error"]["message"]) == ("failed", TOO_LATE)
    assert await home.ends() == [(EntryKind.RELEASE, 0)]
    assert names((await home.stream(response_id)).body) == ["response.created", "response.failed"]


async def test_one_that_begins_late_ends_before_its_hold_does(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create(STALLED)).json["id"]
    job = await home.job(response_id)
    home.clock.ahead_s = START_S + RUN_S - 11.5
    await called_again(home, response_id)
    assert (await home.get(response_id))["status"] == "incomplete"
    assert home.clock.now_s() < job.deadline_s
    assert [kind for kind, _ in await home.ends()] == [EntryKind.CHARGE]


async def test_it_is_due_when_it_should_have_begun_and_then_when_it_should_have_ended(home: Place) -> None:
    asked = (await home.create(STALLED)).json
    job = await home.job(asked["id"])
    assert job.due_s == pytest.approx(asked["created_at"] + START_S, abs=2)
    await home.objects.arrived(BEGUN)
    job = await home.job(asked["id"])
    assert job.due_s == job.deadline_s + LOST_S


async def test_an_execution_that_was_lost_is_started_anew_by_the_reconciler(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    home.executions.waiting.clear()
    home.clock.ahead_s = START_S + 1

    class Restarted(Executions):
        async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
            assert (kind, job_id, run) == (JobKind.RESPONSE, response_id, 1)

    async def withdraw(job: Job) -> None:
        raise AssertionError(f"{job.job_id} was opened")

    again = Restarted(home.worker)
    assert (await Reconciler(home.jobs, again, withdraw, home.clock).run()).restarted == 1
    await again.finished()
    assert (await home.get(response_id))["status"] == "completed"
    assert [kind for kind, _ in await home.ends()] == [EntryKind.CHARGE]


async def test_one_whose_key_is_gone_fails_and_costs_nothing(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    del home.keys.records[key_hash(KEY)]
    home.executions.release()
    await home.executions.finished()
    assert (await home.job(response_id)).status is JobStatus.FAILED
    assert (await home.ends(), await home.held()) == ([(EntryKind.RELEASE, 0)], 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"revoked": True}, "invalid_api_key"),
        ({"disabled": True}, "invalid_api_key"),
        ({"expires_at_s": 1}, "expired_api_key"),
        ({"allowed_ips": ("198.51.100.0/24",)}, "ip_not_allowed"),
        ({"allowed_models": ("claude-*",)}, "model_not_allowed"),
        ({"region_policy": "cn-only"}, "region_not_allowed"),
        ({"monthly_spend_cap_nanousd": 1}, "tenant_monthly_quota_exceeded"),
    ],
    ids=str,
)
async def test_one_whose_key_may_not_have_it_any_more_fails_and_costs_nothing(
    home: Place, changes: dict[str, Any], code: str
) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    record = home.keys.records[key_hash(KEY)]
    await home.money.track_spend(record.account_id, record.key_id, home.clock.now_s())
    home.keys.records[key_hash(KEY)] = replace(record, **changes)
    home.executions.release()
    await home.executions.finished()
    assert (await home.job(response_id)).error.code == code  # type: ignore[union-attr]  # it has failed
    assert (await home.ends(), await home.held()) == ([(EntryKind.RELEASE, 0)], 0)


async def test_a_response_that_cannot_be_kept_is_not_said_to_be_complete(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    keep = home.turns.keep

    async def away(account_id: str, response_id: str, body: bytes, response: bytes) -> bool:
        return not (account_id and response_id and body and response)

    home.turns.keep = away  # type: ignore[method-assign]  # a store that is away for a while
    home.executions.release()
    with pytest.raises(ServiceUnavailable):
        await home.executions.finished()
    assert (await home.get(response_id))["status"] == "in_progress"
    home.turns.keep = keep  # type: ignore[method-assign]  # and back again
    await called_again(home, response_id)
    assert (await home.get(response_id))["status"] == "failed"


async def test_a_response_that_is_kept_at_the_second_try_is_complete(home: Place) -> None:
    tries: list[bool] = []
    keep = home.turns.keep

    async def hesitant(account_id: str, response_id: str, body: bytes, response: bytes) -> bool:
        tries.append(bool(tries) and await keep(account_id, response_id, body, response))
        return tries[-1]

    home.turns.keep = hesitant  # type: ignore[method-assign]  # the first write is lost
    response_id = (await home.create()).json["id"]
    await home.executions.finished()
    assert (tries, (await home.get(response_id))["status"]) == ([False, True], "completed")


async def test_events_wait_for_a_bucket_that_is_away(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create(f"{SAID} [[sim: chunks=6 chunk_ms=30]]")).json["id"]
    home.objects.away = {"/events/"}
    home.executions.release()
    await home.objects.refused.wait()
    home.objects.away = set()
    await home.executions.finished()
    body = (await home.stream(response_id)).body
    numbers = [number(frame) for frame in frames(body)[:-1]]
    assert numbers == list(range(len(numbers)))


async def test_one_that_was_cancelled_just_before_its_end_is_cancelled_and_paid(home: Place) -> None:
    keep = home.turns.keep

    async def overtaken(account_id: str, response_id: str, body: bytes, response: bytes) -> bool:
        home.turns.keep = keep  # type: ignore[method-assign]  # once
        await home.call("POST", f"/{response_id}/cancel")
        return await keep(account_id, response_id, body, response)

    home.turns.keep = overtaken  # type: ignore[method-assign]  # the caller cancels while the end is being kept
    response_id = (await home.create()).json["id"]
    await home.executions.finished()
    assert (await home.get(response_id))["status"] == "cancelled"
    assert "response.completed" not in names((await home.stream(response_id)).body)
    assert [kind for kind, _ in await home.ends()] == [EntryKind.CHARGE]


async def test_a_cancel_after_the_end_was_decided_comes_too_late(home: Place) -> None:
    response_id = (await home.create()).json["id"]
    await home.executions.finished()
    await home.spoil(response_id, status=JobStatus.RUNNING, phase=Phase.SETTLE)
    canceled = await home.call("POST", f"/{response_id}/cancel")
    assert canceled.json["status"] == "in_progress"
    await called_again(home, response_id)
    assert (await home.get(response_id))["status"] == "completed"


async def test_a_look_that_fails_does_not_end_the_watch(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    response_id = (await home.create(STALLED)).json["id"]
    await home.objects.arrived(BEGUN)
    failed = asyncio.Event()
    get = home.jobs.get

    async def once_away(job_id: str) -> Job | None:
        monkeypatch.setattr(home.jobs, "get", get)
        failed.set()
        raise ServiceUnavailable(job_id)

    monkeypatch.setattr(home.jobs, "get", once_away)
    await failed.wait()
    await home.call("POST", f"/{response_id}/cancel")
    await home.executions.finished()
    assert (await home.get(response_id))["status"] == "cancelled"
