"""Tests that vendors' own SDKs read the simulators' pictures, each in its own words."""

from __future__ import annotations

import base64
import io

import httpx
from PIL import Image

from tests.conftest import Rows
from tests.hangs import HANGS_AFTER_S
from tests.stack.vendors.conftest import seen


def size_of(told: str) -> tuple[int, int]:
    """Returns the size of a picture at an address, or in base64."""
    is_address = told.startswith("http")
    answer = httpx.get(told, timeout=HANGS_AFTER_S, trust_env=False).content if is_address else base64.b64decode(told)
    with Image.open(io.BytesIO(answer)) as picture:
        picture.load()
        return picture.size


def test_vendors_sdks_read_pictures(python: str, rows: Rows) -> None:
    told = seen(
        python, "sdk_images.py", {name: rows[name] for name in ("replicate", "fal", "dashscope", "gemini", "vertex")}
    )
    sizes = {name: [size_of(picture) for picture in pictures] for name, pictures in told.items() if name in WANTED}
    assert sizes == WANTED
    assert told["blocked"][0] == "failed"
    assert "NSFW" in told["blocked"][1]
    assert told["gemini_tokens"] == 1290


WANTED = {
    "replicate": [(1344, 768)] * 2,
    "fal": [(512, 256)] * 2,
    "wan": [(1280, 720)] * 2,
    "qwen": [(1664, 928)],
    "imagen": [(768, 1344)] * 2,
    "gemini": [(1024, 1024)],
}
