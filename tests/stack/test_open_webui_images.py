"""Replays Open WebUI's requests for pictures, as its images router sends them, and reads the answers as it does."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from local.providers import drawing
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

# What it forwards of its own user, where its operator turns that on.
USER = {"X-OpenWebUI-User-Name": "Ann", "X-OpenWebUI-User-Id": "u-1", "X-OpenWebUI-User-Role": "user"}


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}", **USER}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


def pictures(answer: httpx.Response) -> list[tuple[str | None, tuple[int, int]]]:
    """Reads `b64_json`: an address would be opened with the key's header, which S3 refuses beside a signature."""
    assert answer.status_code == 200, answer.text
    found = []
    for shown in answer.json()["data"]:
        assert not shown.get("url")
        with Image.open(io.BytesIO(base64.b64decode(shown["b64_json"]))) as picture:
            picture.load()
            found.append((picture.format, picture.size))
    return found


# For gpt-image it asks for no form, and for base64 else; 512x512 is what it makes of no size at all.
@pytest.mark.parametrize(
    ("model", "asked", "size"),
    [
        ("gpt-image-1", {"size": "1024x1024"}, (1024, 1024)),
        ("gpt-image-1", {}, (1024, 1024)),
        ("dall-e-3", {"size": "512x512", "response_format": "b64_json"}, (1024, 1024)),
        ("flux-schnell", {"size": "1024x768", "response_format": "b64_json"}, (1152, 896)),
        ("nexevo/image-balanced", {"size": "512x512", "response_format": "b64_json"}, (1024, 1024)),
    ],
)
def test_a_picture_of_a_prompt(http: httpx.Client, model: str, asked: dict[str, Any], size: tuple[int, int]) -> None:
    answer = http.post("/images/generations", json={"model": model, "prompt": "a red fox", "n": 1, **asked})
    assert pictures(answer) == [("PNG", size)]


@pytest.mark.parametrize(("name", "count"), [("image", 1), ("image[]", 2)])
@pytest.mark.parametrize("version", ["", "?api-version=2025-04-01-preview"])
def test_an_edit_of_pictures(http: httpx.Client, name: str, count: int, version: str) -> None:
    fox = drawing.drawn("a red fox", 64, 64)
    files = [(name, (f"{number}.png", fox, "image/png")) for number in range(count)]
    fields = {"model": "gpt-image-1", "prompt": "a hat", "n": "1", "size": "1024x1024", "background": "opaque"}
    assert pictures(http.post(f"/images/edits{version}", data=fields, files=files)) == [("PNG", (1024, 1024))]


def test_an_edit_by_another_model_asks_for_base64(http: httpx.Client) -> None:
    files = {"image": ("fox.png", drawing.drawn("a red fox", 64, 64), "image/png")}
    fields = {"model": "flux-kontext-pro", "prompt": "a hat", "n": "1", "response_format": "b64_json"}
    (found,) = pictures(http.post("/images/edits", data=fields, files=files))
    assert found[0] == "PNG"
