"""Writes what vendors spell alike: a caller's picture in a JSON request, and the pixels of a ratio."""

from __future__ import annotations

import base64

from gateway.canonical.images import Given
from gateway.errors import InvalidRequest

# OpenAI's format of a request that names none; without it each vendor makes another one.
PNG = "png"
# About a megapixel, in steps of 32, as FLUX takes it: https://docs.bfl.ai/flux_models/flux_1_1_pro.
PIXELS = {"1:1": (1024, 1024), "16:9": (1344, 768), "9:16": (768, 1344), "4:3": (1152, 896), "3:4": (896, 1152)}


def base64_of(given: Given) -> str:
    """The picture's base64; raises `InvalidRequest` for one that was not looked up."""
    if given.picture is None:
        raise InvalidRequest("The picture could not be read.", param=given.place)
    return base64.b64encode(given.picture.content).decode()


def data_url(given: Given) -> str:
    """The picture as a data: URL."""
    content = base64_of(given)
    kind = given.picture.mime_type if given.picture is not None else ""
    return f"data:{kind};base64,{content}"
