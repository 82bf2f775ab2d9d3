"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Optional

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class RerankCreateParams(RequestOptions, total=False):
    """Arguments of `rerank.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    max_tokens_per_doc: Optional[int]
    return_documents: Optional[bool]
    top_k: Optional[int]
    top_n: Optional[int]
    truncation: Optional[Literal[True]]
    user: Optional[str]
