"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, Union

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class ResponsesCreateParams(RequestOptions, total=False):
    """Arguments of `responses.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    conversation: Optional[Union[str, Mapping[str, Any]]]
    input: Optional[Union[str, Sequence[Mapping[str, Any]]]]
    instructions: Optional[str]
    parallel_tool_calls: Optional[bool]
    previous_response_id: Optional[str]
    reasoning: Optional[Mapping[str, Any]]
    text: Optional[Mapping[str, Any]]
    tool_choice: Optional[Union[str, Mapping[str, Any]]]
    tools: Optional[Sequence[Mapping[str, Any]]]
    truncation: Optional[Literal["auto", "disabled"]]
    prompt_cache_key: Optional[str]
    service_tier: Optional[Literal["auto", "default", "flex"]]
    background: Optional[bool]
    context_management: Optional[Sequence[Mapping[str, Any]]]
    include: Optional[Sequence[str]]
    max_output_tokens: Optional[int]
    max_tool_calls: Optional[int]
    metadata: Optional[Mapping[str, str]]
    safety_identifier: Optional[str]
    store: Optional[bool]
    stream_options: Optional[Mapping[str, Any]]
    temperature: Optional[float]
    top_logprobs: Optional[int]
    top_p: Optional[float]
    user: Optional[str]


class ResponsesCompactParams(RequestOptions, total=False):
    """Arguments of `responses.compact`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    conversation: Optional[Union[str, Mapping[str, Any]]]
    input: Optional[Union[str, Sequence[Mapping[str, Any]]]]
    instructions: Optional[str]
    parallel_tool_calls: Optional[bool]
    previous_response_id: Optional[str]
    reasoning: Optional[Mapping[str, Any]]
    text: Optional[Mapping[str, Any]]
    tool_choice: Optional[Union[str, Mapping[str, Any]]]
    tools: Optional[Sequence[Mapping[str, Any]]]
    truncation: Optional[Literal["auto", "disabled"]]
    prompt_cache_key: Optional[str]
    service_tier: Optional[Literal["auto", "default", "flex"]]


class ResponsesCountTokensParams(RequestOptions, total=False):
    """Arguments of `responses.count_tokens`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    conversation: Optional[Union[str, Mapping[str, Any]]]
    input: Optional[Union[str, Sequence[Mapping[str, Any]]]]
    instructions: Optional[str]
    parallel_tool_calls: Optional[bool]
    previous_response_id: Optional[str]
    reasoning: Optional[Mapping[str, Any]]
    text: Optional[Mapping[str, Any]]
    tool_choice: Optional[Union[str, Mapping[str, Any]]]
    tools: Optional[Sequence[Mapping[str, Any]]]
    truncation: Optional[Literal["auto", "disabled"]]


class ResponsesGetParams(RequestOptions, total=False):
    """Arguments of `responses.get`."""

    starting_after: int
    include: Sequence[str]
    include_obfuscation: bool


class ResponsesDeleteParams(RequestOptions, total=False):
    """Arguments of `responses.delete`."""


class ResponsesCancelParams(RequestOptions, total=False):
    """Arguments of `responses.cancel`."""


class ResponsesListInputItemsParams(RequestOptions, total=False):
    """Arguments of `responses.list_input_items`."""

    limit: int
    after: str
    order: str
    include: Sequence[str]
