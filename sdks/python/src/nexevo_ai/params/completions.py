"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class CompletionsCreateParams(RequestOptions, total=False):
    """Arguments of `completions.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    frequency_penalty: Optional[float]
    presence_penalty: Optional[float]
    logit_bias: Optional[Mapping[str, float]]
    max_tokens: Optional[int]
    n: Optional[int]
    seed: Optional[int]
    stop: Optional[Union[str, Sequence[str]]]
    stream_options: Optional[Mapping[str, Any]]
    temperature: Optional[float]
    top_p: Optional[float]
    user: Optional[str]
    best_of: Optional[int]
    echo: Optional[bool]
    logprobs: Optional[int]
    suffix: Optional[str]
