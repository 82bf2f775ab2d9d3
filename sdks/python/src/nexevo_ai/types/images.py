"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import Extension


class Image(NexevoModel):
    """A picture, as a URL or as base64."""

    url: Optional[str] = None
    b64_json: Optional[str] = None
    revised_prompt: Optional[str] = None


class ImageEvent(NexevoModel):
    """A picture of a stream, finished or not."""

    type: str


class Images(NexevoModel):
    """Pictures that were drawn."""

    created: int
    data: list[Image]
    nexevo: Extension
    usage: Optional[Object] = None
    background: Optional[str] = None
    output_format: Optional[str] = None
    quality: Optional[str] = None
    size: Optional[str] = None


Image.model_rebuild()
ImageEvent.model_rebuild()
Images.model_rebuild()
