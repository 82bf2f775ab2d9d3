"""Writes inputs with pictures for vendors: every vendor is sent bytes, and no address of a caller's."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from gateway.canonical.embeddings import Compound, Input, Shown


def base64_of(picture: Shown) -> str:
    """The content as base64."""
    return base64.b64encode(picture.content).decode()


def data_url(picture: Shown) -> str:
    """The content as a data: URL."""
    return f"data:{picture.mime_type};base64,{base64_of(picture)}"


def parts_of(one: Input) -> Sequence[Any]:
    """The texts and pictures of an input; one without pictures is a part itself."""
    return one.parts if isinstance(one, Compound) else [one]


def typed(one: Input, shown: Callable[[Shown], dict[str, Any]]) -> list[dict[str, Any]]:
    """An input as a list of parts with their types; `shown` writes a picture."""
    return [shown(part) if isinstance(part, Shown) else {"type": "text", "text": part} for part in parts_of(one)]
