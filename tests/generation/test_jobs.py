"""Tests of a job from its creation to its end, on the routes of videos, 3D models and jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.jobs import Job, JobKind, JobStatus, Phase
from gateway.canonical.money import Tier
from gateway.errors import Conflict, ServiceUnavailable
from gateway.jobs.media.steps import LATE_POLL_S, LATE_S
from gateway.jobs.opening import HOLD_GRACE_S, hold_id_of
from gateway.jobs.reconciler import START_S, Reconciler
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import CALLER_IP, NOW_S, refusal
from tests.generation.studio import ACCOUNT, DOLLAR, KEY, VIDEO, Studio

pytestmark = pytest.mark.anyio

KINDS = tuple(JobKind)
# 5 s at 0.10 USD, and 5 %.
COST = 525_000_000
ASSET = {"model": "hunyuan-3d-2", "prompt": "a low-poly viking longboat"}


async def test_a_video_is_taken_on_with_202(studio: Studio) -> None:
    answer = await studio.ask("POST", "/v1/videos/generations", VIDEO)
    shown = answer.json()
    assert answer.status_code == 202
    assert shown == {
        "job_id": shown["job_id"],
        "status": "pending",
        "kind": "video",
        "model": "wan-2.6",
        "model_used": "wan-2.6",
        "duration_sec": 5,
        "created_at": "2026-11-21T06:40:10Z",
    }
    assert shown["job_id"].startswith("gen_")
    assert answer.headers["X-Nexevo-Generation-Id"] == shown["job_id"]
    assert answer.headers["X-Nexevo-Model-Used"] == "wan-2.6"


async def test_a_job_waits_with_its_hold_and_its_execution_started(studio: Studio) -> None:
    job = await studio.job(await studio.create())
    assert (job.phase, job.status, job.account_id, job.due_s) == (
        Phase.SUBMIT,
        JobStatus.PENDING,
        ACCOUNT,
        int(NOW_S) + START_S,
    )
    assert job.hold is not None
    assert (job.hold.hold_id, job.hold.amount_nanousd, job.hold.parked) == (hold_id_of(job.job_id), COST, True)
    assert studio.executions.started == [(JobKind.VIDEO, job.job_id, 0)]
    assert await studio.free_nanousd() == 100 * DOLLAR - COST


async def test_an_order_holds_what_was_asked_and_where_it_may_go(studio: Studio) -> None:
    job = await studio.job(await studio.create(seed=7, negative_prompt="dogs", aspect_ratio="9:16"))
    assert job.order == {
        "kind": "video",
        "prompt": VIDEO["prompt"],
        "negative_prompt": "dogs",
        "seed": 7,
        "routes": [
            {
                "provider": "dashscope",
                "model": "wan-2.6",
                "upstream_model": "wan2.6/720P",
                "duration_s": "5",
                "aspect_ratio": "9:16",
                "cost_nanousd": COST,
            }
        ],
        "key_hash": key_hash(KEY),
        "source_ip": CALLER_IP,
    }
    assert (job.charge.model_requested, job.charge.generation_id, job.charge.request_id, job.charge.tier) == (
        "wan-2.6",
        job.job_id,
        "trace-1",
        Tier.PASSTHROUGH,
    )


async def test_a_hold_outlives_the_last_look_at_a_late_job(studio: Studio) -> None:
    job = await studio.job(await studio.create())
    assert job.hold is not None
    assert job.hold.deadline_s == job.deadline_s + HOLD_GRACE_S > job.deadline_s + LATE_S + 2 * LATE_POLL_S


async def test_the_hold_is_the_dearest_route_s(studio: Studio) -> None:
    job = await studio.job(await studio.create(model="nexevo/video-pro", duration_sec=5))
    costs = [route["cost_nanousd"] for route in job.order["routes"]]
    assert job.hold is not None
    assert len(costs) > 1
    assert job.hold.amount_nanousd == max(costs)


async def test_a_3d_model_is_taken_on_too(studio: Studio) -> None:
    answer = await studio.ask("POST", "/v1/3d/generations", ASSET)
    job = await studio.job(answer.json()["job_id"])
    assert (answer.status_code, answer.json()["kind"], answer.json()["duration_sec"]) == (202, "3d", None)
    assert (job.kind, job.order["output_format"]) == (JobKind.MODEL_3D, "glb")


async def test_a_new_job_has_every_field_of_the_contract(studio: Studio) -> None:
    job_id = await studio.create()
    assert (await studio.ask("GET", f"/v1/generation/jobs/{job_id}")).json() == {
        "id": job_id,
        "kind": "video",
        "model": "wan-2.6",
        "model_used": "wan-2.6",
        "status": "pending",
        "progress": None,
        "results": [],
        "charged_usd": None,
        "error": None,
        "created_at": "2026-11-21T06:40:10Z",
        "updated_at": "2026-11-21T06:40:10Z",
    }


async def test_a_job_that_succeeded_has_its_results_and_its_price(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.succeed(job_id)
    shown = (await studio.ask("GET", f"/v1/generation/jobs/{job_id}")).json()
    assert (shown["status"], shown["progress"], shown["charged_usd"], shown["error"]) == (
        "succeeded",
        100,
        "0.525",
        None,
    )
    assert shown["results"] == [
        {
            "url": f"https://media.invalid/media/{ACCOUNT}/{job_id}/0.mp4?until={int(NOW_S) + 86_400}",
            "b64_json": None,
            "mime_type": "video/mp4",
            "duration_ms": 5000,
            "width": 1280,
            "height": 720,
            "bytes": 4,
        }
    ]


async def test_a_later_look_signs_the_address_afresh(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.succeed(job_id)
    studio.clock.at_s += 1000
    (result,) = (await studio.ask("GET", f"/v1/generation/jobs/{job_id}")).json()["results"]
    assert result["url"].endswith(f"until={int(NOW_S) + 1000 + 86_400}")


async def test_a_job_that_failed_says_why_and_costs_nothing(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.fail(job_id)
    shown = (await studio.ask("GET", f"/v1/generation/jobs/{job_id}")).json()
    assert (shown["status"], shown["charged_usd"], shown["results"]) == ("failed", "0", [])
    assert shown["error"] == {"code": "content_policy_violation", "message": "Not that.", "retryable": False}
    assert await studio.free_nanousd() == 100 * DOLLAR


async def test_results_are_not_shown_before_they_are_paid_for(studio: Studio) -> None:
    job_id = await studio.create()
    done = await studio.succeed(job_id)
    await studio.jobs.put(replace(done, status=JobStatus.RUNNING, charged_nanousd=None))
    shown = (await studio.ask("GET", f"/v1/generation/jobs/{job_id}")).json()
    assert (shown["status"], shown["results"]) == ("running", [])


@pytest.mark.parametrize("path", ["/v1/generation/jobs", "/generation/jobs"])
async def test_a_list_goes_from_the_newest_job_to_the_oldest_page_by_page(studio: Studio, path: str) -> None:
    made = []
    for number in range(5):
        studio.clock.at_s = NOW_S + number
        made.append(await (studio.create_asset() if number % 2 else studio.create()))
    first = (await studio.ask("GET", f"{path}?limit=3")).json()
    second = (await studio.ask("GET", path, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [job["id"] for page in (first, second) for job in page["data"]] == made[::-1]
    assert (first["object"], first["has_more"], second["has_more"], second["next_cursor"]) == (
        "list",
        True,
        False,
        None,
    )


async def test_any_key_of_the_account_may_look(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.give_key("sk-xc-second", KeyRecord("key_second", ACCOUNT, "second", "cond", int(NOW_S)))
    answer = await studio.ask("GET", f"/v1/generation/jobs/{job_id}", key="sk-xc-second")
    assert answer.json()["id"] == job_id


async def test_a_retired_model_is_served_by_its_successor_which_is_named(studio: Studio) -> None:
    answer = await studio.ask("POST", "/v1/videos/generations", {**VIDEO, "model": "sora-2"})
    assert (answer.json()["model"], answer.json()["model_used"]) == ("sora-2", "veo-3-fast")


async def test_a_retired_model_without_fallbacks_is_not_there(studio: Studio) -> None:
    body = {**VIDEO, "model": "sora-2", "provider": {"allow_fallbacks": False}}
    answer = await studio.ask("POST", "/v1/videos/generations", body)
    assert refusal(answer) == (404, "model_not_found", "model")
    assert "veo-3-fast" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("asked", "made"), [("sora-2", 6), ("veo-3", 6), ("wan-2.6", 5)])
async def test_the_length_that_is_made_is_named_and_held_for(studio: Studio, asked: str, made: int) -> None:
    answer = await studio.ask("POST", "/v1/videos/generations", {**VIDEO, "model": asked})
    assert answer.json()["duration_sec"] == made


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"duration_sec": 0.5}, (400, "invalid_value", "duration_sec")),
        ({"duration_sec": 31}, (400, "invalid_value", "duration_sec")),
        ({"duration_sec": "5"}, (400, "invalid_value", "duration_sec")),
        ({"duration_sec": True}, (400, "invalid_value", "duration_sec")),
        ({"duration_sec": 2.5}, (400, None, "duration_sec")),
        ({"duration_sec": 16}, (400, None, "duration_sec")),
        ({"aspect_ratio": "2:1"}, (400, "invalid_value", "aspect_ratio")),
        ({"seed": -1}, (400, "invalid_value", "seed")),
        ({"seed": 2**31}, (400, None, "seed")),
        ({"prompt": ""}, (400, "invalid_value", "prompt")),
        ({"prompt": None}, (400, "missing_required_parameter", "prompt")),
        ({"negative_prompt": "x" * 501}, (400, None, "negative_prompt")),
        ({"model": "gpt-4o"}, (404, "model_not_found", "model")),
        ({"model": "hunyuan-3d-2"}, (400, None, "model")),
        ({"model": "runway-gen4"}, (400, "missing_required_parameter", "reference_image_url")),
        ({"reference_image_url": "http://example.com/a.png"}, (400, None, "reference_image_url")),
        ({"reference_image_url": "https://169.254.169.254/latest"}, (400, None, "reference_image_url")),
        ({"reference_image_url": "data:image/png;base64,AAAA"}, (400, None, "reference_image_url")),
        ({"webhook_url": "http://example.com/hook"}, (400, None, "webhook_url")),
        ({"webhook_url": "https://127.0.0.1/hook"}, (400, None, "webhook_url")),
        ({"api_base": "https://evil.example"}, (400, "unknown_parameter", "api_base")),
        ({"metadata": {}}, (400, "unknown_parameter", "metadata")),
        ({"provider": {"order": ["x"]}}, (400, "unknown_parameter", "provider.order")),
    ],
)
async def test_what_is_wrong_is_refused_by_name_before_any_money_is_held(
    studio: Studio, changes: dict[str, Any], told: tuple[int, str | None, str]
) -> None:
    answer = await studio.ask("POST", "/v1/videos/generations", {**VIDEO, **changes})
    assert refusal(answer) == told
    assert await studio.free_nanousd() == 100 * DOLLAR
    assert await studio.jobs.page(ACCOUNT, KINDS, limit=1) == []


async def test_a_key_restricted_to_other_models_may_not_ask_for_this_one(studio: Studio) -> None:
    record = KeyRecord("key_veo", ACCOUNT, "veo", "veo", int(NOW_S), allowed_models=("veo-*",))
    await studio.give_key("sk-xc-veo", record)
    answer = await studio.ask("POST", "/v1/videos/generations", VIDEO, "sk-xc-veo")
    assert refusal(answer) == (403, "model_not_allowed", "model")
    assert await studio.create("sk-xc-veo", model="veo-3")


async def test_without_the_money_there_is_no_job(studio: Studio) -> None:
    await studio.create(model="kling-2.1-master", duration_sec=10)
    for _ in range(33):
        await studio.ask("POST", "/v1/videos/generations", {**VIDEO, "model": "kling-2.1-master", "duration_sec": 10})
    free = await studio.free_nanousd()
    before = len(await studio.jobs.page(ACCOUNT, KINDS, limit=100))
    answer = await studio.ask("POST", "/v1/videos/generations", {**VIDEO, "model": "kling-2.1-master"})
    assert refusal(answer) == (402, "insufficient_balance", None)
    assert await studio.free_nanousd() == free
    assert len(await studio.jobs.page(ACCOUNT, KINDS, limit=100)) == before == len(studio.executions.started)


async def test_beyond_the_key_s_rate_there_is_no_job(studio: Studio) -> None:
    record = KeyRecord("key_slow", ACCOUNT, "slow", "slow", int(NOW_S), rpm_limit=1)
    await studio.give_key("sk-xc-slow", record)
    first = await studio.create("sk-xc-slow")
    answer = await studio.ask("POST", "/v1/videos/generations", VIDEO, "sk-xc-slow")
    assert refusal(answer) == (429, "rate_limit_exceeded", None)
    assert answer.headers["Retry-After"] == "50"
    assert [job.job_id for job in await studio.jobs.page(ACCOUNT, KINDS, limit=9)] == [first]
    assert await studio.free_nanousd() == 100 * DOLLAR - COST


async def test_a_job_whose_execution_cannot_start_is_found_by_the_reconciler(studio: Studio) -> None:
    studio.executions.down = True
    job_id = await studio.create()
    assert [job.job_id async for job in studio.jobs.due(NOW_S + START_S)] == [job_id]


async def test_a_job_that_died_half_open_goes_with_its_hold(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(_job: Job) -> None:
        raise ServiceUnavailable("the process is gone")

    monkeypatch.setattr(studio.jobs, "put", dies)
    answer = await studio.ask("POST", "/v1/videos/generations", VIDEO)
    assert answer.status_code == 503
    (half_open,) = await studio.jobs.page(ACCOUNT, KINDS, limit=9)
    assert await studio.free_nanousd() == 100 * DOLLAR - COST
    assert refusal(await studio.ask("GET", f"/v1/generation/jobs/{half_open.job_id}"))[:2] == (404, "job_not_found")
    assert (await studio.ask("GET", "/v1/generation/jobs")).json()["data"] == []

    studio.clock.at_s += 61
    reconciler = Reconciler(studio.jobs, studio.executions, studio.services.opening.withdraw, studio.clock)
    assert (await reconciler.run()).withdrawn == 1
    assert await studio.jobs.get(half_open.job_id) is None
    assert await studio.free_nanousd() == 100 * DOLLAR


async def test_a_job_that_was_withdrawn_while_it_opened_is_not_begun(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overtaken(_job: Job) -> None:
        return None

    monkeypatch.setattr(studio.jobs, "put", overtaken)
    assert (await studio.ask("POST", "/v1/videos/generations", VIDEO)).status_code == 503
    assert (await studio.free_nanousd(), studio.executions.started) == (100 * DOLLAR, [])


async def test_one_idempotency_key_makes_one_job(studio: Studio) -> None:
    once = {"Idempotency-Key": "one"}
    first = await studio.ask("POST", "/v1/videos/generations", VIDEO, headers=once)
    studio.clock.at_s += 60
    again = await studio.ask("POST", "/v1/videos/generations", VIDEO, headers=once)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["X-Nexevo-Generation-Id"] == first.json()["job_id"]
    assert await studio.free_nanousd() == 100 * DOLLAR - COST
    other = await studio.ask("POST", "/v1/videos/generations", {**VIDEO, "prompt": "a dog"}, headers=once)
    assert refusal(other) == (409, "idempotency_key_reused", None)


async def test_a_refusal_frees_its_idempotency_key(studio: Studio) -> None:
    once = {"Idempotency-Key": "one"}
    await studio.ask("POST", "/v1/videos/generations", {**VIDEO, "seed": -1}, headers=once)
    answer = await studio.ask("POST", "/v1/videos/generations", VIDEO, headers=once)
    assert answer.status_code == 202


@pytest.mark.parametrize("end", ["none", "succeeded"])
async def test_a_job_whose_answer_did_not_arrive_costs_nothing(studio: Studio, end: str) -> None:
    job_id = await studio.create()
    if end == "succeeded":
        await studio.succeed(job_id)
    await studio.services.disown(ACCOUNT, job_id)
    await studio.services.disown(ACCOUNT, job_id)
    assert await studio.free_nanousd() == 100 * DOLLAR


async def test_a_job_is_canceled_at_once_and_its_money_is_back(studio: Studio) -> None:
    job_id = await studio.create()
    answer = await studio.ask("POST", f"/v1/generation/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["status"], answer.json()["charged_usd"]) == (200, "canceled", "0")
    assert answer.json()["error"] is None
    assert await studio.free_nanousd() == 100 * DOLLAR


async def test_a_second_cancellation_is_a_conflict(studio: Studio) -> None:
    path = f"/generation/jobs/{await studio.create()}/cancel"
    first = await studio.ask("POST", path)
    again = await studio.ask("POST", path)
    assert (first.status_code, again.status_code, again.json()["error"]["code"]) == (200, 409, "job_not_cancelable")


async def test_of_cancellations_that_have_read_the_same_job_one_wins(studio: Studio) -> None:
    job = await studio.job(await studio.create())
    ends = [studio.services.canceling.cancel(job) for _ in range(12)]
    told = await asyncio.gather(*ends, return_exceptions=True)
    assert [end.status for end in told if isinstance(end, Job)] == [JobStatus.CANCELED]
    assert sum(isinstance(end, Conflict) and end.code == "job_not_cancelable" for end in told) == 11
    assert await studio.free_nanousd() == 100 * DOLLAR


async def test_a_cancellation_that_was_cut_off_is_completed_by_the_next_which_is_a_conflict(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.writer.decide(await studio.job(job_id), JobStatus.CANCELED)
    answer = await studio.ask("POST", f"/v1/generation/jobs/{job_id}/cancel")
    assert refusal(answer) == (409, "job_not_cancelable", None)
    assert ((await studio.job(job_id)).status, await studio.free_nanousd()) == (JobStatus.CANCELED, 100 * DOLLAR)


async def test_a_cancellation_wakes_the_execution_that_stops_the_provider(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.run(job_id, phase=Phase.AWAIT, token="token")
    await studio.ask("POST", f"/v1/generation/jobs/{job_id}/cancel")
    assert studio.executions.woken == [("token", {"job_id": job_id, "run": 0, "next": "settle", "wait_s": 1})]


async def test_a_cancellation_stands_although_its_execution_cannot_be_woken(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.run(job_id, phase=Phase.AWAIT, token="token")
    studio.executions.down = True
    answer = await studio.ask("POST", f"/v1/generation/jobs/{job_id}/cancel")
    assert answer.json()["status"] == "canceled"


@pytest.mark.parametrize("end", ["succeed", "fail"])
async def test_a_job_that_has_ended_cannot_be_canceled(studio: Studio, end: str) -> None:
    job_id = await studio.create()
    await getattr(studio, end)(job_id)
    free = await studio.free_nanousd()
    answer = await studio.ask("POST", f"/v1/generation/jobs/{job_id}/cancel")
    assert refusal(answer) == (409, "job_not_cancelable", None)
    assert answer.headers["x-should-retry"] == "false"
    assert await studio.free_nanousd() == free


async def test_a_job_whose_end_is_decided_but_not_yet_told_cannot_be_canceled(studio: Studio) -> None:
    job_id = await studio.create()
    await studio.writer.decide(await studio.run(job_id), JobStatus.SUCCEEDED)
    answer = await studio.ask("POST", f"/v1/generation/jobs/{job_id}/cancel")
    assert refusal(answer) == (409, "job_not_cancelable", None)


async def test_the_models_are_listed_as_the_key_may_use_them(studio: Studio) -> None:
    every = (await studio.ask("GET", "/v1/generation/models")).json()
    # The reference sends readers here for its models of all three kinds.
    named = {"sora-2", "veo-3", "nexevo/3d-fast", "dall-e-3", "imagen-4-ultra", "flux-pro", "nexevo/image-balanced"}
    assert named < {row["id"] for row in every["data"]}
    (dall_e,) = (row for row in every["data"] if row["id"] == "dall-e-3")
    assert (dall_e["pricing"]["price"], dall_e["parameters"]["size"]) == (
        "0.04",
        ["1024x1024", "1792x1024", "1024x1792"],
    )
    record = KeyRecord("key_veo", ACCOUNT, "veo", "veo", int(NOW_S), allowed_models=("veo-*",))
    await studio.give_key("sk-xc-veo", record)
    some = (await studio.ask("GET", "/generation/models", key="sk-xc-veo")).json()
    assert [row["id"] for row in some["data"]] == ["veo-3", "veo-3-fast", "veo-3-lite"]


async def test_models_that_the_keys_region_policy_leaves_no_provider_of_are_not_listed(studio: Studio) -> None:
    record = KeyRecord("key_cn", ACCOUNT, "cn", "cn", int(NOW_S), region_policy="cn-only")
    await studio.give_key("sk-xc-cn", record)
    rows = (await studio.ask("GET", "/generation/models", key="sk-xc-cn")).json()["data"]
    assert {row["provider"] for row in rows} == {"tencent"}


@pytest.mark.parametrize("path", ["/v1/videos/generations", "/v1/videos", "/v1/generation/upload", "/v1/files/presign"])
async def test_without_a_key_nothing_is_read(studio: Studio, path: str) -> None:
    assert refusal(await studio.ask("POST", path, {}, None))[:2] == (401, "invalid_api_key")


async def test_callbacks_are_told_where_the_request_came_in(studio: Studio) -> None:
    studio.services = replace(studio.services, public_url="https://api.example/prod")
    assert (await studio.job(await studio.create())).public_url == "https://api.example/prod"
