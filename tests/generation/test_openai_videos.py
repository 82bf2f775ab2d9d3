"""Tests of /v1/videos, OpenAI's shape over the same jobs."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import NOW_S, refusal
from tests.generation.studio import ACCOUNT, Studio

pytestmark = pytest.mark.anyio

ASKED = {"model": "veo-3-fast", "prompt": "a cat", "seconds": "8", "size": "1280x720"}


async def made(studio: Studio, **changes: object) -> dict[str, Any]:
    answer = await studio.ask("POST", "/v1/videos", {**ASKED, **changes})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


@pytest.mark.parametrize("as_form", [True, False])
async def test_a_video_is_queued_as_openai_s_clients_read_it(studio: Studio, as_form: bool) -> None:
    if as_form:
        answer = await studio.ask("POST", "/v1/videos", files={name: (None, text) for name, text in ASKED.items()})
        shown = answer.json()
    else:
        shown = await made(studio)
    assert shown == {
        "id": shown["id"],
        "object": "video",
        "created_at": int(NOW_S),
        "completed_at": None,
        "expires_at": None,
        "status": "queued",
        "progress": 0,
        "model": "veo-3-fast",
        "model_used": "veo-3-fast",
        "seconds": "8",
        "size": "1280x720",
        "prompt": "a cat",
        "remixed_from_video_id": None,
        "error": None,
    }


async def test_what_openai_has_by_default_is_the_default(studio: Studio) -> None:
    shown = (await studio.ask("POST", "/v1/videos", {"prompt": "a cat"})).json()
    assert (shown["model"], shown["model_used"], shown["seconds"], shown["size"]) == (
        "sora-2",
        "veo-3-fast",
        "4",
        "720x1280",
    )
    assert (await studio.job(shown["id"])).order["routes"][0]["aspect_ratio"] == "9:16"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seconds": "12"}, (400, None, "seconds")),
        ({"seconds": "31"}, (400, "invalid_value", "seconds")),
        ({"seconds": "four"}, (400, "invalid_value", "seconds")),
        ({"size": "1x1"}, (400, "invalid_value", "size")),
        ({"prompt": ""}, (400, "invalid_value", "prompt")),
        ({"model": "hunyuan-3d-2"}, (400, None, "model")),
        ({"input_reference": {}}, (400, None, "input_reference")),
        ({"input_reference": {"file_id": "file-none"}}, (404, "file_not_found", "input_reference")),
        ({"input_reference": {"image_url": "http://x.example/a.png"}}, (400, None, "input_reference")),
        ({"model": "runway-gen4"}, (400, "missing_required_parameter", "input_reference")),
        ({"quality": "hd"}, (400, "unknown_parameter", "quality")),
    ],
)
async def test_what_is_wrong_is_refused_by_openai_s_names(
    studio: Studio, changes: dict[str, Any], told: tuple[int, str | None, str]
) -> None:
    assert refusal(await studio.ask("POST", "/v1/videos", {**ASKED, **changes})) == told


@pytest.mark.parametrize(
    "fields", [[("prompt", "a"), ("prompt", "b")], [("prompt", "a"), ("model[x]", "b"), ("model", "c")]]
)
async def test_a_form_with_two_readings_is_refused(studio: Studio, fields: list[tuple[str, str]]) -> None:
    answer = await studio.ask("POST", "/v1/videos", files=[(name, (None, text)) for name, text in fields])
    assert answer.status_code == 400


async def test_a_body_that_is_no_json_is_refused(studio: Studio) -> None:
    answer = await studio.ask("POST", "/v1/videos", b"{", headers={"content-type": "application/json"})
    assert refusal(answer) == (400, "invalid_json", None)


@pytest.mark.parametrize(
    ("end", "status", "progress", "error"),
    [
        ("run", "in_progress", 0, None),
        ("succeed", "completed", 100, None),
        ("fail", "failed", 0, {"code": "content_policy_violation", "message": "Not that."}),
    ],
)
async def test_a_video_s_status_is_openai_s(
    studio: Studio, end: str, status: str, progress: int, error: object
) -> None:
    video_id = (await made(studio))["id"]
    await getattr(studio, end)(video_id)
    shown = (await studio.ask("GET", f"/v1/videos/{video_id}")).json()
    assert (shown["status"], shown["progress"], shown["error"]) == (status, progress, error)


async def test_a_completed_video_says_until_when_it_is_kept(studio: Studio) -> None:
    video_id = (await made(studio))["id"]
    await studio.succeed(video_id)
    shown = (await studio.ask("GET", f"/v1/videos/{video_id}")).json()
    assert (shown["completed_at"], shown["expires_at"]) == (int(NOW_S), int(NOW_S) + 30 * 86_400)


async def test_a_canceled_video_is_a_failed_one(studio: Studio) -> None:
    video_id = (await made(studio))["id"]
    await studio.ask("POST", f"/v1/generation/jobs/{video_id}/cancel")
    shown = (await studio.ask("GET", f"/v1/videos/{video_id}")).json()
    assert (shown["status"], shown["error"]["code"]) == ("failed", "canceled")


async def test_videos_are_listed_in_either_order_page_by_page(studio: Studio) -> None:
    ids = []
    for number in range(3):
        studio.clock.at_s = NOW_S + number
        ids.append((await made(studio))["id"])
        await studio.create_asset()
    newest = (await studio.ask("GET", "/v1/videos?limit=2")).json()
    rest = (await studio.ask("GET", "/v1/videos", params={"limit": 2, "after": newest["last_id"]})).json()
    oldest = (await studio.ask("GET", "/v1/videos", params={"limit": 2, "order": "asc", "after": ids[0]})).json()
    assert [[video["id"] for video in page["data"]] for page in (newest, rest, oldest)] == [
        [ids[2], ids[1]],
        [ids[0]],
        [ids[1], ids[2]],
    ]
    assert (newest["object"], newest["first_id"], newest["has_more"], rest["has_more"]) == ("list", ids[2], True, False)


async def test_a_3d_model_is_no_video(studio: Studio) -> None:
    asset_id = await studio.create_asset()
    assert refusal(await studio.ask("GET", f"/v1/videos/{asset_id}")) == (404, "job_not_found", "job_id")


async def test_the_content_is_where_the_file_is(studio: Studio) -> None:
    video_id = (await made(studio))["id"]
    await studio.succeed(video_id)
    answer = await studio.ask("GET", f"/v1/videos/{video_id}/content")
    address = f"https://media.invalid/media/{ACCOUNT}/{video_id}/0.mp4?until={int(NOW_S) + 86_400}&file={video_id}.mp4"
    assert (answer.status_code, answer.headers["location"]) == (302, address)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", (400, "video_not_ready", "video_id")),
        ("?variant=thumbnail", (400, "invalid_value", "variant")),
        ("?variant=poster", (400, "invalid_value", "variant")),
    ],
)
async def test_there_is_no_content_but_that_of_a_completed_video(
    studio: Studio, query: str, told: tuple[int, str, str]
) -> None:
    video_id = (await made(studio))["id"]
    assert refusal(await studio.ask("GET", f"/v1/videos/{video_id}/content{query}")) == told


@pytest.mark.parametrize("end", ["succeed", "fail"])
async def test_a_video_that_has_ended_is_deleted_with_its_file(studio: Studio, end: str) -> None:
    video_id = (await made(studio))["id"]
    ended = await getattr(studio, end)(video_id)
    free = await studio.free_nanousd()
    answer = await studio.ask("DELETE", f"/v1/videos/{video_id}")
    assert answer.json() == {"id": video_id, "object": "video.deleted", "deleted": True}
    assert (await studio.ask("GET", f"/v1/generation/jobs/{video_id}")).status_code == 404
    assert [await studio.objects.facts(result.object_name) for result in ended.results] == [None] * len(ended.results)
    assert await studio.free_nanousd() == free


async def test_a_video_that_is_being_made_is_not_deleted(studio: Studio) -> None:
    video_id = (await made(studio))["id"]
    answer = await studio.ask("DELETE", f"/v1/videos/{video_id}")
    assert refusal(answer) == (409, "video_not_ended", None)
    assert "/cancel" in answer.json()["error"]["message"]


async def test_one_idempotency_key_makes_one_video(studio: Studio) -> None:
    answers = [
        await studio.ask(
            "POST",
            "/v1/videos",
            files={name: (None, text) for name, text in ASKED.items()},
            headers={"Idempotency-Key": "one"},
        )
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len(studio.executions.started) == 1


async def test_a_method_that_is_not_served_names_those_that_are(studio: Studio) -> None:
    answer = await studio.ask("PUT", "/v1/videos/gen_1")
    assert refusal(answer)[:2] == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "DELETE, GET"


async def test_a_key_that_manages_nothing_may_make_videos(studio: Studio) -> None:
    await studio.give_key("sk-xc-plain", KeyRecord("key_plain", ACCOUNT, "plain", "lain", int(NOW_S)))
    answer = await studio.ask("POST", "/v1/videos", ASKED, "sk-xc-plain")
    assert answer.status_code == 200
