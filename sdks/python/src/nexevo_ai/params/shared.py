"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, TypedDict, Union

from nexevo_ai._request import Amount

# Shared.


class MaxPriceParam(TypedDict, total=False):
    """Bounds in USD: of a million tokens by class, and of this request's worst case (`total`)."""

    prompt: Optional[Amount]
    completion: Optional[Amount]
    total: Optional[Amount]
    cache_read: Optional[Amount]
    cache_write_5m: Optional[Amount]
    cache_write_1h: Optional[Amount]
    audio_input: Optional[Amount]
    audio_output: Optional[Amount]
    image_output: Optional[Amount]


class PreferencesParam(TypedDict, total=False):
    """The caller's routing preferences that apply to media models."""

    allow_fallbacks: bool


class ProviderPreferencesParam(TypedDict, total=False):
    """Wishes about where a request goes."""

    order: Optional[Sequence[str]]
    only: Optional[Sequence[str]]
    ignore: Optional[Sequence[str]]
    allow_fallbacks: Optional[bool]
    sort: Optional[Union[Literal["latency", "price", "throughput"], Mapping[str, Any]]]
    require_parameters: Optional[bool]
    max_price: Optional[MaxPriceParam]
    stream_failure: Optional[Literal["continue", "terminate"]]
