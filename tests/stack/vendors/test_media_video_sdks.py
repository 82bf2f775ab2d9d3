"""Tests of the video vendors' SDKs, each against its simulated vendor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from tests.conftest import Rows
from tests.providers_sim.conftest import Control, image_at, size_at
from tests.stack.vendors.conftest import seen

VEO = "veo-3.1-fast-generate-001"


@pytest.fixture
def vertex(rows: Rows) -> Iterator[genai.Client]:
    row = rows["vertex"]
    credentials: Any = Credentials
    with genai.Client(
        vertexai=True,
        project=row["project"],
        location=row["location"],
        credentials=credentials(token=row["api_key"]),
        http_options={"base_url": row["base_url"]},
    ) as client:
        yield client


def start(client: genai.Client, prompt: str, image: types.Image | None = None, **config: Any) -> Any:
    wanted: Any = config
    source = types.GenerateVideosSource(prompt=prompt, image=image)
    return client.models.generate_videos(model=VEO, source=source, config=wanted)


def end(client: genai.Client, operation: Any) -> Any:
    while not operation.done:
        time.sleep(0.02)
        operation = client.operations.get(operation)
    return operation


def test_googles_sdk_gets_the_video_itself_from_vertex(vertex: genai.Client) -> None:
    made = end(vertex, start(vertex, "a cube", duration_seconds=6, aspect_ratio="16:9", generate_audio=True, seed=7))
    video = made.response.generated_videos[0].video
    assert made.name.startswith("projects/simulated-project/locations/us-central1/publishers/google/models/veo-3.1")
    assert (video.mime_type, video.video_bytes[4:8]) == ("video/mp4", b"ftyp")


def test_googles_sdk_starts_from_an_image_on_vertex(vertex: genai.Client) -> None:
    image = types.Image(image_bytes=b"\x89PNG", mime_type="image/png")
    assert len(end(vertex, start(vertex, "it turns", image)).response.generated_videos) == 1


def test_googles_sdk_reads_that_a_video_was_filtered(vertex: genai.Client) -> None:
    told = end(vertex, start(vertex, "bad [[sim: media_s=0 media_fail=moderation]]")).response
    assert (told.generated_videos, told.rai_media_filtered_count) == (None, 1)
    assert "usage guidelines" in told.rai_media_filtered_reasons[0]


@pytest.mark.parametrize(("how", "code"), [("internal", 13), ("invalid", 3)])
def test_googles_sdk_reads_an_operations_error(vertex: genai.Client, how: str, code: int) -> None:
    assert end(vertex, start(vertex, f"bad [[sim: media_s=0 media_fail={how}]]")).error["code"] == code


@pytest.mark.parametrize("config", [{"duration_seconds": 5}, {"aspect_ratio": "1:1"}, {"number_of_videos": 2}])
def test_vertex_refuses_what_veo_does_not_make(vertex: genai.Client, config: dict[str, Any]) -> None:
    with pytest.raises(errors.ClientError) as caught:
        start(vertex, "a cube", **config)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")


def test_googles_older_sdk_reads_operations_and_files_of_the_developer_api(python: str, rows: Rows) -> None:
    told = seen(python, "sdk_veo.py", rows["gemini"])
    assert told["name"].startswith("models/veo-3.1-fast-generate-preview/operations/")
    assert told["uri"].startswith(rows["gemini"]["base_url"] + "/v1beta/files/")
    assert told["is_mp4"]
    assert told["animated"] == 1
    assert told["filtered"] == [None, 1]
    assert told["error"] == 13
    assert told["bad_duration"] == told["bad_ratio"] == [400, "INVALID_ARGUMENT"]


def test_a_developer_file_wants_the_key(rows: Rows, control: Control, python: str) -> None:
    uri = seen(python, "sdk_veo.py", rows["gemini"])["uri"]
    assert size_at(control, uri)[0] == 403


def test_dashscopes_sdk_reads_tasks(python: str, rows: Rows, control: Control) -> None:
    told = seen(python, "sdk_dashscope.py", rows["dashscope"] | {"image": image_at(control)})
    assert told["statuses"] == ["PENDING", "SUCCEEDED", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"]
    assert size_at(control, told["video"])[:2] == (200, "video/mp4")
    assert told["duration"] == 10
    assert told["error"] == "DataInspectionFailed"
    assert told["cancels"] == [200, 400, "UnsupportedOperation"]
    assert told["refused"] == [
        [400, "InvalidParameter"],
        [400, "InvalidParameter"],
        [404, "ModelNotFound"],
        [401, "InvalidApiKey"],
    ]


def test_runways_sdk_reads_tasks(python: str, rows: Rows, control: Control) -> None:
    told = seen(python, "sdk_runway.py", rows["runway"] | {"image": image_at(control)})
    assert told["way"][-2:] == ["RUNNING", "SUCCEEDED"]
    assert size_at(control, told["video"])[:2] == (200, "video/mp4")
    assert told["credits"] == 50
    assert told["statuses"] == ["SUCCEEDED", "FAILED", "CANCELLED"]
    assert told["error"] == "SAFETY.INPUT.TEXT"
    assert [told[name] for name in ("bad_duration", "bad_ratio", "no_image")] == [400, 400, 400]
    assert (told["bad_key"], told["unknown"]) == (401, 404)


def test_lumas_sdk_reads_generations(python: str, rows: Rows, control: Control) -> None:
    told = seen(python, "sdk_luma.py", rows["luma"] | {"image": image_at(control)})
    assert told["way"][-2:] == ["dreaming", "completed"]
    assert size_at(control, told["video"])[:2] == (200, "video/mp4")
    assert told["asked"] == "9s"
    assert told["states"] == ["completed", "failed"]
    assert told["error"] == "400: Contents failed moderation"
    assert (told["deleted"], told["bad_key"]) == (404, 403)
    assert (told["bad_duration"], told["bad_keyframe"]) == (422, 422)
