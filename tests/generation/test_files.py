"""Tests of uploads, presigned forms, and the reference images of jobs."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.files.inputs import FILE_BYTES_MAX, IMAGE_BYTES_MAX
from gateway.framing.multipart import INLINE_BYTES_MAX
from gateway.jobs.opening import hold_id_of
from tests.control_plane.harness import NOW_S, refusal
from tests.generation.studio import ACCOUNT, DOLLAR, GIF, OTHER_KEY, PNG, VIDEO, Studio

pytestmark = pytest.mark.anyio

ANIMATED = {"model": "runway-gen4", "prompt": "zoom in slowly while waves crash", "duration_sec": 5}
CAT = "https://pictures.example/cat.png"
PRESIGN = {"purpose": "reference_image", "size": 5_000_000, "type": "image/png"}


async def animate(studio: Studio, reference: str, **changes: object) -> Any:
    body = {**ANIMATED, "reference_image_url": reference, **changes}
    return await studio.ask("POST", "/v1/videos/generations", body)


async def snapshot_of(studio: Studio, job_id: str) -> tuple[str, str, bytes | None]:
    order = (await studio.job(job_id)).order
    return (
        order["reference"],
        order["reference_type"],
        await studio.objects.read(order["reference"], 0, IMAGE_BYTES_MAX),
    )


def snapshot_name(job_id: str) -> str:
    return f"uploads/{ACCOUNT}/file-nxn-{hold_id_of(job_id)}"


@pytest.mark.parametrize("path", ["/v1/generation/upload", "/generation/upload"])
async def test_an_image_is_kept_and_its_address_answered(studio: Studio, path: str) -> None:
    answer = await studio.ask("POST", path, files={"file": ("char.png", PNG, "image/png")})
    shown = answer.json()
    assert answer.status_code == 201
    assert shown == {
        "id": shown["id"],
        "object": "file",
        "url": f"https://media.invalid/uploads/{ACCOUNT}/{shown['id']}?until={int(NOW_S) + 86_400}",
        "mime_type": "image/png",
        "bytes": len(PNG),
        "created_at": "2026-11-21T06:40:10Z",
        "expires_at": "2026-11-22T06:40:10Z",
    }
    assert await studio.objects.read(f"uploads/{ACCOUNT}/{shown['id']}", 0, 10**6) == PNG


async def test_an_upload_under_one_idempotency_key_is_one_file(studio: Studio) -> None:
    files = {"file": ("char.png", PNG)}
    headers = {"Idempotency-Key": "one"}
    first = await studio.ask("POST", "/v1/generation/upload", files=files, headers=headers)
    again = await studio.ask("POST", "/v1/generation/upload", files=files, headers=headers)
    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [
        ("page.png", b"<html><script>", "image/png"),
        ("film.mp4", b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        ("char.png", PNG + b"PK\x03\x04", "image/png"),
        ("char.jpg", PNG, "image/jpeg"),
        ("empty.png", b"", "image/png"),
    ],
)
async def test_what_is_no_image_by_its_content_is_refused(
    studio: Studio, name: str, content: bytes, declared: str
) -> None:
    answer = await studio.ask("POST", "/v1/generation/upload", files={"file": (name, content, declared)})
    assert refusal(answer)[::2] == (400, "file")


async def test_a_body_beyond_the_platform_s_bound_is_sent_to_the_presigned_form(studio: Studio) -> None:
    files = {"file": ("char.png", PNG.ljust(INLINE_BYTES_MAX, b"\0"))}
    answer = await studio.ask("POST", "/v1/generation/upload", files=files)
    assert refusal(answer) == (413, "request_too_large", None)
    assert "/v1/files/presign" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"files": {"image": ("a.png", PNG)}}, (400, "invalid_body", "file")),
        ({"files": [("file", ("a.png", PNG)), ("file", ("b.png", PNG))]}, (400, "invalid_body", "file")),
        ({"files": {"other": ("a", b"")}, "data": {"file": "text"}}, (400, "invalid_body", "file")),
        ({"body": {"file": "text"}}, (415, "unsupported_media_type", None)),
    ],
)
async def test_an_upload_is_a_form_with_one_file(
    studio: Studio, sent: dict[str, Any], told: tuple[int, str, str | None]
) -> None:
    assert refusal(await studio.ask("POST", "/v1/generation/upload", **sent)) == told


async def test_a_form_is_presigned_for_a_file_of_that_type_and_size(studio: Studio) -> None:
    answer = await studio.ask("POST", "/v1/files/presign", PRESIGN)
    shown = answer.json()
    assert answer.status_code == 201
    assert shown == {
        "id": shown["id"],
        "object": "file.upload",
        "method": "POST",
        "url": "https://media.invalid/",
        "fields": {
            "key": f"uploads/{ACCOUNT}/{shown['id']}",
            "Content-Type": "image/png",
            "size": "5000000",
            "from": str(NOW_S).removesuffix(".0"),
        },
        "expires_at": "2026-11-21T06:55:10Z",
    }


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"purpose": "malware"}, "purpose"),
        ({"size": 0}, "size"),
        ({"size": IMAGE_BYTES_MAX + 1}, "size"),
        ({"size": FILE_BYTES_MAX + 1, "type": "audio/mpeg", "purpose": "user_data"}, "size"),
        ({"type": "audio/mpeg"}, "type"),
        ({"size": "5"}, "size"),
        ({"type": "image/svg+xml"}, "type"),
        ({"type": "text/html"}, "type"),
        ({"key": "uploads/other"}, "key"),
    ],
)
async def test_a_form_for_anything_else_is_refused(studio: Studio, changes: dict[str, Any], param: str) -> None:
    assert refusal(await studio.ask("POST", "/v1/files/presign", {**PRESIGN, **changes}))[::2] == (400, param)


async def test_a_form_is_presigned_for_sound_that_a_model_is_to_read(studio: Studio) -> None:
    asked = {"purpose": "user_data", "size": FILE_BYTES_MAX, "type": "audio/x-m4a"}
    fields = (await studio.ask("POST", "/v1/files/presign", asked)).json()["fields"]
    assert (fields["Content-Type"], fields["size"]) == ("audio/mp4", str(FILE_BYTES_MAX))


async def test_an_image_from_the_web_is_copied_for_the_job(studio: Studio) -> None:
    studio.web.files[CAT] = PNG
    job_id = (await animate(studio, CAT)).json()["job_id"]
    assert await snapshot_of(studio, job_id) == (snapshot_name(job_id), "image/png", PNG)
    assert studio.web.asked == [CAT]


@pytest.mark.parametrize("member", ["id", "url"])
async def test_an_uploaded_image_is_taken_by_id_or_address_without_a_fetch(studio: Studio, member: str) -> None:
    uploaded = await studio.upload()
    studio.clock.at_s += 100
    job_id = (await animate(studio, uploaded[member])).json()["job_id"]
    assert await snapshot_of(studio, job_id) == (snapshot_name(job_id), "image/png", PNG)
    assert studio.web.asked == []


async def test_a_file_that_came_by_form_is_judged_when_it_is_used(studio: Studio) -> None:
    file_id = (await studio.ask("POST", "/v1/files/presign", PRESIGN)).json()["id"]
    await studio.objects.put(f"uploads/{ACCOUNT}/{file_id}", b"<html>", "image/png")
    assert refusal(await animate(studio, file_id)) == (400, None, "reference_image_url")


async def test_a_file_that_is_changed_later_changes_no_job(studio: Studio) -> None:
    uploaded = await studio.upload()
    job_id = (await animate(studio, uploaded["id"])).json()["job_id"]
    await studio.objects.put(f"uploads/{ACCOUNT}/{uploaded['id']}", b"<html>", "image/png")
    assert (await snapshot_of(studio, job_id))[2] == PNG


@pytest.mark.parametrize("member", ["id", "url"])
async def test_a_file_of_another_account_is_as_unknown_as_none(studio: Studio, member: str) -> None:
    uploaded = await studio.upload(key=OTHER_KEY)
    theirs = await animate(studio, uploaded[member])
    unknown = await animate(studio, str(uploaded[member]).replace(uploaded["id"], "file-nxn-01m7ydax8g00000000"))
    assert refusal(theirs) == (404, "file_not_found", "reference_image_url")
    assert theirs.json() == unknown.json()
    assert studio.web.asked == []


async def test_an_address_that_only_looks_like_ours_is_an_address_of_the_web(studio: Studio) -> None:
    uploaded = await studio.upload()
    foreign = f"https://elsewhere.example/uploads/{ACCOUNT}/{uploaded['id']}"
    studio.web.files[foreign] = PNG
    assert (await animate(studio, foreign)).status_code == 202
    assert studio.web.asked == [foreign]


@pytest.mark.parametrize(
    "reference",
    [
        "data:image/png;base64,AAAA",
        "DATA:image/png;base64,AAAA",
        "http://pictures.example/cat.png",
        "https://127.0.0.1/cat.png",
        "https://[::1]/cat.png",
        "file:///etc/passwd",
        "https://pictures.example/none.png",
        "https://[/uploads/a/file-nxn-1",
        "cat.png",
    ],
)
async def test_any_other_reference_is_refused_and_nothing_is_held(studio: Studio, reference: str) -> None:
    assert refusal(await animate(studio, reference)) == (400, None, "reference_image_url")
    assert await studio.free_nanousd() == 100 * DOLLAR


async def test_an_image_of_a_type_that_the_model_does_not_read_is_refused(studio: Studio) -> None:
    studio.web.files[CAT] = GIF
    answer = await animate(studio, CAT)
    assert refusal(answer) == (400, None, "reference_image_url")
    assert "image/webp" in answer.json()["error"]["message"]


async def test_nothing_is_fetched_for_a_request_that_is_refused_anyway(studio: Studio) -> None:
    studio.web.files[CAT] = PNG
    await animate(studio, CAT, duration_sec=11)
    assert studio.web.asked == []


async def test_a_3d_model_starts_from_an_image_in_place_of_a_prompt(studio: Studio) -> None:
    studio.web.files[CAT] = PNG
    body = {"model": "hunyuan-3d-2", "reference_image_url": CAT, "output_format": "glb"}
    answer = await studio.ask("POST", "/v1/3d/generations", body)
    assert (await studio.job(answer.json()["job_id"])).order["reference_type"] == "image/png"


async def test_an_openai_form_may_bring_the_file_itself(studio: Studio) -> None:
    fields = {"prompt": VIDEO["prompt"], "model": "runway-gen4.5", "seconds": "4", "size": "1280x720"}
    answer = await studio.ask("POST", "/v1/videos", data=fields, files={"input_reference": ("a.png", PNG, "image/png")})
    assert answer.status_code == 200, answer.text
    job_id = answer.json()["id"]
    assert await snapshot_of(studio, job_id) == (snapshot_name(job_id), "image/png", PNG)


@pytest.mark.parametrize("as_form", [True, False])
async def test_an_openai_reference_may_name_a_file(studio: Studio, as_form: bool) -> None:
    file_id = (await studio.upload())["id"]
    body: dict[str, Any] = {"prompt": "waves", "model": "runway-gen4.5", "seconds": "4", "size": "1280x720"}
    if as_form:
        files = {name: (None, value) for name, value in body.items()}
        files["input_reference[file_id]"] = (None, file_id)
        answer = await studio.ask("POST", "/v1/videos", files=files)
    else:
        answer = await studio.ask("POST", "/v1/videos", {**body, "input_reference": {"file_id": file_id}})
    assert (await snapshot_of(studio, answer.json()["id"]))[2] == PNG
