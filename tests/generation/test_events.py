"""Tests of API Gateway's own events through the handler that Lambda calls: callback addresses, forms in base64."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from functions.files.app import handler as files_handler
from functions.videos.app import handler as videos_handler
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import NOW_S
from tests.fakes.invocations import LambdaContext
from tests.generation.studio import ACCOUNT, PNG, Studio
from tests.process_loop import process_loop

EVENTS = Path(__file__).parents[2] / "events"
SAMPLE_KEY = "sk-xc-0000000000000000000000000000000000000000000"


@pytest.fixture(scope="module", autouse=True)
def loops() -> Iterator[None]:
    """Keeps a loop for the handlers."""
    with process_loop():
        yield


@pytest.fixture
def studio() -> Studio:
    made = Studio()

    async def settle_in() -> None:
        await made.settle_in()
        await made.give_key(SAMPLE_KEY, KeyRecord("key_sample", ACCOUNT, "sample", "0000", int(NOW_S)))

    run(settle_in())
    return made


def run(story: Any) -> Any:
    return asyncio.new_event_loop().run_until_complete(story)


def handled(handler: Any, sample: str, **changes: Any) -> tuple[dict[str, Any], Any]:
    event = orjson.loads((EVENTS / sample).read_bytes()) | changes
    answer = handler(event, LambdaContext())
    return answer, orjson.loads(answer["body"])


def test_a_job_knows_the_host_and_stage_that_it_came_in_by(studio: Studio) -> None:
    answer, body = handled(videos_handler, "videos-create.json")
    assert (answer["statusCode"], body["model"]) == (202, "nexevo/video-fast")
    job = run(studio.job(body["job_id"]))
    assert job.public_url == "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod"
    assert job.charge.request_id == "0b7e4c1a-6c2f-4a5e-9b1d-2f3a4b5c6d7e"


def test_a_form_comes_in_base64(studio: Studio) -> None:
    form = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + PNG + b"\r\n--B--\r\n"
    kind = "multipart/form-data; boundary=B"
    event = orjson.loads((EVENTS / "files-presign.json").read_bytes())
    answer, body = handled(
        files_handler,
        "files-presign.json",
        path="/v1/generation/upload",
        headers={**event["headers"], "Content-Type": kind},
        multiValueHeaders={**event["multiValueHeaders"], "Content-Type": [kind]},
        body=base64.b64encode(form).decode(),
        isBase64Encoded=True,
    )
    assert (answer["statusCode"], body["bytes"]) == (201, len(PNG))
    assert run(studio.objects.read(f"uploads/{ACCOUNT}/{body['id']}", 0, 10**6)) == PNG
