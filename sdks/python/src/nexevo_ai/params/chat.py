"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, TypedDict, Union

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class ChatMessageParam(TypedDict, total=False):
    """One message of a conversation."""

    role: Literal["assistant", "developer", "function", "system", "tool", "user"]
    content: Optional[Union[str, Sequence[Mapping[str, Any]]]]
    name: Optional[str]
    tool_calls: Optional[Sequence[Mapping[str, Any]]]
    tool_call_id: Optional[str]
    reasoning_content: Optional[str]


class ChatCompletionsCreateParams(RequestOptions, total=False):
    """Arguments of `chat.completions.create`."""

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
    audio: Optional[Mapping[str, Any]]
    cache_control: Optional[Mapping[str, Any]]
    function_call: Optional[Union[str, Mapping[str, Any]]]
    functions: Optional[Sequence[Mapping[str, Any]]]
    logprobs: Optional[bool]
    max_completion_tokens: Optional[int]
    metadata: Optional[Mapping[str, str]]
    modalities: Optional[Sequence[str]]
    parallel_tool_calls: Optional[bool]
    prediction: Optional[Mapping[str, Any]]
    prompt_cache_key: Optional[str]
    reasoning_effort: Optional[Literal["high", "low", "max", "medium", "minimal", "none", "xhigh"]]
    response_format: Optional[Mapping[str, Any]]
    safety_identifier: Optional[str]
    service_tier: Optional[Literal["auto", "default", "flex"]]
    store: Optional[bool]
    tool_choice: Optional[Union[str, Mapping[str, Any]]]
    tools: Optional[Sequence[Mapping[str, Any]]]
    top_k: Optional[int]
    top_logprobs: Optional[int]
    verbosity: Optional[Literal["high", "low", "medium"]]
    web_search_options: Optional[Mapping[str, Any]]


class ChatCompletionsRouteParams(RequestOptions, total=False):
    """Arguments of `chat.completions.route`."""

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
    stream: Optional[bool]
    stream_options: Optional[Mapping[str, Any]]
    temperature: Optional[float]
    top_p: Optional[float]
    user: Optional[str]
    audio: Optional[Mapping[str, Any]]
    cache_control: Optional[Mapping[str, Any]]
    function_call: Optional[Union[str, Mapping[str, Any]]]
    functions: Optional[Sequence[Mapping[str, Any]]]
    logprobs: Optional[bool]
    max_completion_tokens: Optional[int]
    metadata: Optional[Mapping[str, str]]
    modalities: Optional[Sequence[str]]
    parallel_tool_calls: Optional[bool]
    prediction: Optional[Mapping[str, Any]]
    prompt_cache_key: Optional[str]
    reasoning_effort: Optional[Literal["high", "low", "max", "medium", "minimal", "none", "xhigh"]]
    response_format: Optional[Mapping[str, Any]]
    safety_identifier: Optional[str]
    service_tier: Optional[Literal["auto", "default", "flex"]]
    store: Optional[bool]
    tool_choice: Optional[Union[str, Mapping[str, Any]]]
    tools: Optional[Sequence[Mapping[str, Any]]]
    top_k: Optional[int]
    top_logprobs: Optional[int]
    verbosity: Optional[Literal["high", "low", "medium"]]
    web_search_options: Optional[Mapping[str, Any]]
