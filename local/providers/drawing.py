"""Draws the pictures of simulated vendors: the same for the same words, in any size and format."""

from __future__ import annotations

import hashlib
import io

from PIL import Image

_CELLS = 8
MIME_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


def drawn(words: str, width: int, height: int, form: str = "png", *, transparent: bool = False) -> bytes:
    """Draws coloured squares by the hash of the words."""
    colours = hashlib.shake_256(words.encode()).digest(_CELLS * _CELLS * 3)
    picture = Image.frombytes("RGB", (_CELLS, _CELLS), colours).resize((width, height), Image.Resampling.NEAREST)
    if transparent and form != "jpeg":
        picture.putalpha(0)
    file = io.BytesIO()
    picture.save(file, form.upper(), **({"lossless": True} if form == "webp" else {}))
    return file.getvalue()


def size_of(content: bytes) -> tuple[int, int]:
    """Reads the width and height of a picture; raises `OSError` for what is none."""
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return picture.size
