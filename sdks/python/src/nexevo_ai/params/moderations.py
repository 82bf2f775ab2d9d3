"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class ModerationsCreateParams(RequestOptions, total=False):
    """Arguments of `moderations.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    model: Optional[str]
