"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, Union

from nexevo_ai._request import FileContent, RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class ImagesGenerateParams(RequestOptions, total=False):
    """Arguments of `images.generate`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    model: Optional[str]
    background: Optional[Union[bool, str]]
    n: Optional[int]
    negative_prompt: Optional[str]
    output_compression: Optional[int]
    output_format: Optional[Literal["jpeg", "png", "webp"]]
    partial_images: Optional[int]
    quality: Optional[str]
    response_format: Optional[Literal["b64_json", "url"]]
    safety_identifier: Optional[str]
    seed: Optional[int]
    size: Optional[str]
    user: Optional[str]
    webhook_url: Optional[str]
    images: Optional[Sequence[Any]]
    moderation: Optional[str]
    reference_image_b64: Optional[str]
    reference_image_url: Optional[str]
    style: Optional[str]


class ImagesEditParams(RequestOptions, total=False):
    """Arguments of `images.edit`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    model: Optional[str]
    background: Optional[Union[bool, str]]
    n: Optional[int]
    negative_prompt: Optional[str]
    output_compression: Optional[int]
    output_format: Optional[Literal["jpeg", "png", "webp"]]
    partial_images: Optional[int]
    quality: Optional[str]
    response_format: Optional[Literal["b64_json", "url"]]
    safety_identifier: Optional[str]
    seed: Optional[int]
    size: Optional[str]
    user: Optional[str]
    webhook_url: Optional[str]
    image: Optional[Union[FileContent, Sequence[FileContent]]]
    images: Optional[Sequence[Any]]
    input_fidelity: Optional[str]
    mask: Optional[Union[FileContent, Mapping[str, Any]]]
    moderation: Optional[str]


class ImagesCreateVariationParams(RequestOptions, total=False):
    """Arguments of `images.create_variation`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    model: Optional[str]
    n: Optional[int]
    response_format: Optional[Literal["b64_json", "url"]]
    size: Optional[str]
    user: Optional[str]
