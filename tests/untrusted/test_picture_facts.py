"""Tests that what a picture says of itself is what Pillow reads, and that nothing is read out of what is none."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from gateway.untrusted.picture_facts import PictureFacts, facts_of


def saved(mode: str, form: str, **more: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (300, 20)).save(file, form, **more)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "form", "alpha"),
    [
        (saved("RGB", "PNG"), "png", False),
        (saved("RGBA", "PNG"), "png", True),
        (saved("LA", "PNG"), "png", True),
        (saved("P", "PNG", transparency=0), "png", True),
        (saved("RGB", "JPEG"), "jpeg", False),
        (saved("RGB", "JPEG", progressive=True, exif=b"Exif\0\0" + b"\xff" * 60_000), "jpeg", False),
        (saved("RGB", "WEBP"), "webp", False),
        (saved("RGB", "WEBP", lossless=True), "webp", False),
        (saved("RGBA", "WEBP", lossless=True, exact=True), "webp", True),
        (saved("RGB", "WEBP", exif=b"Exif\0\0II*\0"), "webp", False),
        (saved("RGBA", "WEBP", exif=b"Exif\0\0II*\0"), "webp", True),
        (saved("P", "GIF"), "gif", False),
    ],
)
def test_a_picture_says_what_pillow_reads(content: bytes, form: str, alpha: bool) -> None:
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.format or "").lower() == form
        assert facts_of(content) == PictureFacts(form, *picture.size, alpha)


@pytest.mark.parametrize("content", [saved("RGB", form) for form in ("PNG", "JPEG", "WEBP", "GIF")])
def test_what_is_cut_off_or_no_picture_says_nothing_and_breaks_nothing(content: bytes) -> None:
    for end in range(len(content)):
        facts = facts_of(content[:end])
        assert facts is None or (facts.width, facts.height) == (300, 20)
    assert facts_of(b"<html>") is facts_of(b"\xff\xd8" + b"\xff" * 100) is None
