"""Tests that recorded answers of vendors of pictures are read, and what they come to."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gateway.canonical.images import IMAGE, Action, Drawn, ImagePrice, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.errors import InvalidRequest
from gateway.ledger.image_prices import image_cost
from gateway.ports.upstream import Credential
from gateway.providers.images.registry import painter
from gateway.providers.images.vendor import Asked, Wait
from tests.recorded import body, files, read_recording

IMAGES = files("openai/images/*.json")
MADE = [path for path in IMAGES if read_recording(path)["response"]["status"] == 200]
REFUSED = [path for path in IMAGES if read_recording(path)["response"]["status"] != 200]
PREDICTIONS = files("replicate/predictions/*.json")
TASKS = [path for path in PREDICTIONS if b"stable-diffusion" in body(read_recording(path))]
ASKED = Asked(ImageRequest("", "", Action.GENERATION, "x", 1), "m", Credential("key"), 0.0)
# 5 % on $0.02 for a picture.
PRICE, NANO, BASIS_POINTS = ImagePrice(image="0.02"), 21_000_000, 10_500


def read(row: str, model: str, path: Path) -> Drawn | Wait:
    return painter(row, model).read(ASKED, ProviderAnswer(200, {}, body(read_recording(path))))


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_a_recorded_answer_has_its_pictures_and_is_paid_by_them(path: Path) -> None:
    found = read("openai", "dall-e-2", path)
    assert isinstance(found, Drawn)
    listed = orjson.loads(body(read_recording(path)))["data"]
    assert [one.url or one.base64 for one in found.drawings] == [one.get("url") or one["b64_json"] for one in listed]
    assert found.usage is not None
    assert image_cost(PRICE, found.usage, "", BASIS_POINTS, hd=False) == NANO * len(listed)


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_a_recorded_refusal_names_the_member_at_fault(path: Path) -> None:
    recording = read_recording(path)
    error = painter("openai", "dall-e-2").error(recording["response"]["status"], {}, body(recording))
    told = orjson.loads(body(recording))["error"]
    assert isinstance(error, InvalidRequest)
    assert (error.param, error.code, error.message) == (told["param"], told["code"], told["message"])


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_a_recorded_prediction_is_waited_for_or_has_its_pictures(path: Path) -> None:
    found, task = read("replicate", "qwen/qwen-image", path), orjson.loads(body(read_recording(path)))
    if task["status"] == "succeeded":
        assert isinstance(found, Drawn)
        assert [one.url for one in found.drawings] == task["output"]
        assert found.usage is not None
        assert dict(found.usage.uses) == {IMAGE: len(task["output"])}
    else:
        assert isinstance(found, Wait)
        assert found.request.url == f"https://api.replicate.com/v1/predictions/{task['id']}"


# As the vendors' references show them; written here.
SHOWN = [
    ("openai", "gpt-image-1", '{"data":[{"b64_json":"AA=="}],"usage":{"input_tokens":50,"output_tokens":50}}', 1),
    ("gemini", "imagen-4.0-x", '{"predictions":[{"bytesBase64Encoded":"AA=="},{"raiFilteredReason":"no"}]}', 1),
    ("gemini", "gemini-2.5-flash-image", '{"candidates":[{"content":{"parts":[{"inlineData":{"data":"AA=="}}]}}]}', 1),
    ("fal", "fal-ai/flux/dev", '{"images":[{"url":"/1"},{"url":"/2"}],"has_nsfw_concepts":[false,true]}', 1),
    ("bfl", "flux-pro-1.1", '{"id":"1","status":"Ready","result":{"sample":"https://x.test/1"}}', 1),
    ("stability", "core", '{"image":"AA==","finish_reason":"SUCCESS","seed":1}', 1),
    ("dashscope", "qwen-image-plus", '{"output":{"choices":[{"message":{"content":[{"image":"/1"}]}}]}}', 1),
    ("xai", "grok-imagine-image", '{"data":[{"b64_json":"AA=="},{"b64_json":"AA=="}]}', 2),
]


@pytest.mark.parametrize(("row", "model", "text", "count"), SHOWN)
def test_an_answer_as_its_vendor_shows_it_is_read(row: str, model: str, text: str, count: int) -> None:
    found = painter(row, model).read(ASKED, ProviderAnswer(200, {}, text.encode()))
    assert isinstance(found, Drawn)
    assert found.usage is not None
    assert (len(found.drawings), dict(found.usage.uses)[IMAGE]) == (count, count)
