"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, Union

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class MessagesCreateParams(RequestOptions, total=False):
    """Arguments of `messages.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    system: Optional[Union[str, Sequence[Mapping[str, Any]]]]
    thinking: Optional[Mapping[str, Any]]
    tool_choice: Optional[Mapping[str, Any]]
    tools: Optional[Sequence[Mapping[str, Any]]]
    cache_control: Optional[Mapping[str, Any]]
    output_config: Optional[Mapping[str, Any]]
    context_management: Optional[Mapping[str, Any]]
    mcp_servers: Optional[Sequence[Mapping[str, Any]]]
    metadata: Optional[Mapping[str, Any]]
    service_tier: Optional[Literal["auto", "standard_only"]]
    stop_sequences: Optional[Sequence[str]]
    temperature: Optional[float]
    top_k: Optional[int]
    top_p: Optional[float]


class MessagesCountTokensParams(RequestOptions, total=False):
    """Arguments of `messages.count_tokens`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    system: Optional[Union[str, Sequence[Mapping[str, Any]]]]
    thinking: Optional[Mapping[str, Any]]
    tool_choice: Optional[Mapping[str, Any]]
    tools: Optional[Sequence[Mapping[str, Any]]]
    cache_control: Optional[Mapping[str, Any]]
    output_config: Optional[Mapping[str, Any]]
