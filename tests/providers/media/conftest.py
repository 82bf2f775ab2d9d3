"""An order that every vendor accepts, and answers as they arrive from the wire."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.media import MediaOrder, ProviderAnswer, ReferenceImage

IMAGE = ReferenceImage("https://files.example/a.png?signed=1", "image/png", b"\x89PNG")


@pytest.fixture
def order() -> Callable[..., MediaOrder]:
    """Builds a minimal order of a model with the given members. `image=True` adds a reference."""

    def make(model: str, *, image: bool = False, seconds: str | None = None, **given: Any) -> MediaOrder:
        made = MediaOrder(model=model, attempt_id="gen_1-1", prompt="a red cube", **given)
        return replace(
            made,
            reference=IMAGE if image else None,
            duration_s=None if seconds is None else Decimal(seconds),
        )

    return make


@pytest.fixture
def webp() -> Callable[[MediaOrder], MediaOrder]:
    """Builds the same order with an image of a type that some vendors do not read."""
    return lambda asked: replace(asked, reference=replace(IMAGE, mime_type="image/webp"))


@pytest.fixture
def answer() -> Callable[..., ProviderAnswer]:
    """Builds an answer of a status with a body of JSON, or of bytes as they are."""

    def make(body: Any, status: int = 200, **headers: str) -> ProviderAnswer:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return ProviderAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)

    return make
