"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Optional, Union

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class EmbeddingsCreateParams(RequestOptions, total=False):
    """Arguments of `embeddings.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    dimensions: Optional[int]
    encoding_format: Optional[Literal["base64", "float"]]
    input_type: Optional[str]
    output_dtype: Optional[Literal["base64", "float"]]
    task: Optional[str]
    truncate: Optional[Union[str, bool]]
    truncation: Optional[bool]
    user: Optional[str]
