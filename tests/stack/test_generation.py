"""Tests of video and 3D over a socket, with OpenAI's SDK, unmodified, and with the documentation's sample calls."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# OpenAI has retired its own video API, and its SDK warns at each call.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0) as made:
        yield made


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


def waited_for(http: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Waits for the job's end, as `generate_and_wait` does."""
    accepted = http.post(path, json=body)
    assert accepted.status_code == 202, accepted.text
    until_s = time.monotonic() + HANGS_AFTER_S
    while True:
        job: dict[str, Any] = http.get(f"/generation/jobs/{accepted.json()['job_id']}").raise_for_status().json()
        if job["status"] in {"succeeded", "failed", "canceled"}:
            return job
        assert time.monotonic() < until_s, job
        time.sleep(0.5)


def downloaded(url: str) -> bytes:
    answer = httpx.get(url, timeout=HANGS_AFTER_S, trust_env=False).raise_for_status()
    return answer.content


def test_a_video_is_made_polled_and_downloaded(client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(
        model="sora-2", prompt="a cat skating in neon Tokyo", seconds="4", size="1280x720", poll_interval_ms=500
    )
    assert (video.status, video.progress, video.seconds, video.error) == ("completed", 100, "4", None)
    content = client.videos.download_content(video.id).read()
    assert content[4:8] == b"ftyp"


def test_a_video_starts_from_an_image(client: openai.OpenAI) -> None:
    video = client.videos.create(
        model="wan-2.6-pro", prompt="waves", seconds="4", input_reference=("cat.png", PNG, "image/png")
    )
    assert client.videos.retrieve(video.id).id == video.id


def test_videos_are_listed_page_by_page_and_deleted(client: openai.OpenAI) -> None:
    made = [
        client.videos.create_and_poll(model="veo-3-fast", prompt=f"cat {number}", seconds="4", poll_interval_ms=500).id
        for number in range(2)
    ]
    listed = [video.id for video in client.videos.list(limit=1)]
    assert [video_id for video_id in listed if video_id in made] == made[::-1]
    assert client.videos.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(made[0])


def test_what_is_wrong_is_told_by_openai_s_names(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.videos.create(model="veo-3", prompt="a cat", seconds="12")
    assert refused.value.param == "seconds"


@pytest.mark.parametrize("model", ["sora-2", "veo-3", "wan-2.6", "nexevo/video-balanced"])
def test_the_sample_s_video_is_generated(http: httpx.Client, model: str) -> None:
    body = {"model": model, "prompt": "a cat skating in neon Tokyo", "duration_sec": 5, "aspect_ratio": "16:9"}
    job = waited_for(http, "/videos/generations", body)
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert downloaded(job["results"][0]["url"])[4:8] == b"ftyp"
    assert job["charged_usd"] not in {None, "0"}


@pytest.mark.parametrize("model", ["hunyuan-3d-2", "nexevo/3d-fast"])
def test_the_sample_s_asset_is_generated(http: httpx.Client, model: str) -> None:
    body = {"model": model, "prompt": "a low-poly viking longboat", "output_format": "glb"}
    job = waited_for(http, "/3d/generations", body)
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert downloaded(job["results"][0]["url"])[:4] == b"glTF"


def test_the_sample_s_picture_is_uploaded_and_set_in_motion(http: httpx.Client) -> None:
    uploaded = http.post("/generation/upload", files={"file": ("char.png", PNG, "image/png")}).raise_for_status().json()
    body = {
        "model": "runway-gen4",
        "prompt": "zoom in slowly while waves crash",
        "duration_sec": 5,
        "reference_image_url": uploaded["url"],
    }
    assert waited_for(http, "/videos/generations", body)["status"] == "succeeded"


def test_a_file_comes_by_a_presigned_form(http: httpx.Client) -> None:
    wanted = {"purpose": "reference_image", "size": len(PNG), "type": "image/png"}
    form = http.post("/files/presign", json=wanted).raise_for_status().json()
    files = {"file": ("cat.png", PNG)}
    sent = httpx.post(form["url"], data=form["fields"], files=files, timeout=HANGS_AFTER_S, trust_env=False)
    assert sent.is_success, sent.text
    body = {"model": "hunyuan-3d-2", "reference_image_url": form["id"]}
    assert waited_for(http, "/3d/generations", body)["status"] == "succeeded"


def test_a_job_that_is_canceled_costs_nothing(http: httpx.Client) -> None:
    body = {"model": "veo-3", "prompt": "a cat [[sim: media_s=60]]", "duration_sec": 8}
    job_id = http.post("/videos/generations", json=body).raise_for_status().json()["job_id"]
    canceled = http.post(f"/generation/jobs/{job_id}/cancel").raise_for_status().json()
    assert (canceled["status"], canceled["charged_usd"]) == ("canceled", "0")
