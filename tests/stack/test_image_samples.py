"""Tests that the references' samples of pictures run as written, and that each parameter does what the tables say."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from PIL import Image

from local.providers import drawing
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.stack.test_generation import waited_for

GARDEN = "a serene Japanese garden in cyberpunk style"
CAT = base64.b64encode(drawing.drawn("a cat", 64, 64)).decode()
SQUARE = (1024, 1024)
SAMPLED = ("nexevo/image-balanced", "dall-e-3", "imagen-4-ultra", "flux-pro")


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


def generate(http: httpx.Client, **body: Any) -> Any:
    """Returns the answer as the samples' client gives it: the JSON."""
    answer = http.post("/images/generations", json={"prompt": GARDEN, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def content(shown: Any) -> bytes:
    """Returns the bytes of a picture in base64, or at an address that is read without a key."""
    if shown.get("b64_json"):
        return base64.b64decode(shown["b64_json"])
    return httpx.get(shown["url"], timeout=HANGS_AFTER_S, trust_env=False).raise_for_status().content


def sizes(img: Any) -> list[tuple[int, int]]:
    found = []
    for shown in img["data"]:
        with Image.open(io.BytesIO(content(shown))) as picture:
            picture.load()
            found.append(picture.size)
    return found


@pytest.mark.parametrize("model", SAMPLED)
def test_the_sample_s_picture_is_at_the_address_of_its_answer(http: httpx.Client, model: str) -> None:
    img = generate(http, model=model, n=1, size="1024x1024")
    assert img["data"][0]["url"].startswith("http")
    assert sizes(img) == [SQUARE]
    assert Decimal(img["nexevo"]["cost_usd"]) > 0


def test_the_sample_without_a_model_makes_a_city_at_sunset(http: httpx.Client) -> None:
    sent = """{
    "prompt": "A futuristic city at sunset",
    "n": 1,
    "size": "1024x1024"
  }"""
    answer = http.post("/images/generations", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert sizes(answer.json()) == [SQUARE]


@pytest.mark.parametrize("model", SAMPLED)
def test_only_the_prompt_is_needed(http: httpx.Client, model: str) -> None:
    img = generate(http, model=model)
    assert sizes(img) == [SQUARE]


@pytest.mark.parametrize(
    ("size", "near"), [("1024x1024", SQUARE), ("1792x1024", (1344, 768)), ("1024x1792", (768, 1344))]
)
@pytest.mark.parametrize("model", ["dall-e-3", "imagen-4-ultra"])
def test_each_documented_size_is_made_or_its_nearest_ratio(
    http: httpx.Client, model: str, size: str, near: tuple[int, int]
) -> None:
    width, _, height = size.partition("x")
    wanted = (int(width), int(height)) if model == "dall-e-3" else near
    assert sizes(generate(http, model=model, size=size)) == [wanted]


def test_imagen_makes_four_different_pictures(http: httpx.Client) -> None:
    img = generate(http, model="imagen-4-ultra", n=4)
    assert len({content(shown) for shown in img["data"]}) == 4


@pytest.mark.parametrize(("model", "fewer"), [("dall-e-3", {}), ("gpt-image-1", {"quality": "standard"})])
def test_hd_costs_more(http: httpx.Client, model: str, fewer: dict[str, str]) -> None:
    standard = Decimal(generate(http, model=model, **fewer)["nexevo"]["cost_usd"])
    hd = Decimal(generate(http, model=model, quality="hd")["nexevo"]["cost_usd"])
    # A picture has its price; one that is paid by tokens costs what its tokens do.
    assert hd == 2 * standard if model == "dall-e-3" else hd > 2 * standard


@pytest.mark.parametrize("model", ["gpt-image-1", "flux-pro"])
def test_a_picture_is_made_from_a_reference(http: httpx.Client, model: str) -> None:
    assert sizes(generate(http, model=model, reference_image_b64=CAT)) == [SQUARE]


@pytest.mark.parametrize("model", ["dall-e-3", "sd3.5-large", "wan-2.5-image"])
def test_what_is_not_wanted_may_be_said_to_every_model(http: httpx.Client, model: str) -> None:
    assert len(sizes(generate(http, model=model, negative_prompt="people"))) == 1


@pytest.mark.parametrize("model", ["flux-pro", "wan-2.5-image"])
def test_a_seed_makes_the_same_picture_again(http: httpx.Client, model: str) -> None:
    first, again, other = (content(generate(http, model=model, seed=seed)["data"][0]) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_a_prompt_of_4_000_characters_is_taken(http: httpx.Client) -> None:
    assert sizes(generate(http, model="dall-e-3", prompt="x" * 4_000)) == [SQUARE]


def test_a_picture_in_the_background_is_a_job_that_is_polled(http: httpx.Client) -> None:
    asked = {"model": "flux-pro", "prompt": GARDEN, "size": "1792x1024", "n": 2, "background": True}
    job = waited_for(http, "/images/generations", asked)
    assert (job["status"], job["kind"], job["model_used"], job["charged_usd"]) == (
        "succeeded", "image", "flux-pro", "0.084",
    )  # fmt: skip
    assert sizes({"data": job["results"]}) == [(1344, 768)] * 2
    assert job["id"] in {one["id"] for one in http.get("/generation/jobs").json()["data"]}


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": "imagen-4-ultra", "n": 5}, "n"),
        ({"model": "dall-e-3", "n": 2}, "n"),
        ({"model": "gpt-image-1", "n": 11}, "n"),
        ({"model": "dall-e-3", "prompt": "x" * 4_001}, "prompt"),
        ({"model": "dall-e-3", "reference_image_b64": CAT}, "reference_image_b64"),
    ],
)
def test_what_the_tables_exclude_is_a_400_with_its_name(http: httpx.Client, wrong: dict[str, Any], param: str) -> None:
    answer = http.post("/images/generations", json={"prompt": GARDEN, **wrong})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
