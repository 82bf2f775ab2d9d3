"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Optional, Union

from nexevo_ai._request import Amount, FileContent, RequestOptions

# Shared.
from nexevo_ai.params.shared import PreferencesParam


class VideosGenerateParams(RequestOptions, total=False):
    """Arguments of `videos.generate`."""

    prompt: Optional[str]
    duration_sec: Optional[float]
    aspect_ratio: Optional[Literal["16:9", "1:1", "3:4", "4:3", "9:16"]]
    reference_image_url: Optional[str]
    negative_prompt: Optional[str]
    seed: Optional[int]
    webhook_url: Optional[str]
    provider: PreferencesParam


class VideosCreateParams(RequestOptions, total=False):
    """Arguments of `videos.create`."""

    model: str
    seconds: Amount
    size: Optional[Literal["1024x1792", "1280x720", "1792x1024", "720x1280"]]
    input_reference: Optional[Union[FileContent, Mapping[str, Any]]]


class VideosListParams(RequestOptions, total=False):
    """Arguments of `videos.list`."""

    limit: int
    after: Optional[str]
    order: Literal["asc", "desc"]


class VideosGetParams(RequestOptions, total=False):
    """Arguments of `videos.get`."""


class VideosDeleteParams(RequestOptions, total=False):
    """Arguments of `videos.delete`."""


class VideosContentParams(RequestOptions, total=False):
    """Arguments of `videos.content`."""

    variant: Literal["spritesheet", "thumbnail", "video"]
