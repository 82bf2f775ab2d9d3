"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Union, overload

from nexevo_ai._async.conveniences import AsyncChatCompletionsHelpers, AsyncResource
from nexevo_ai._async.streams import AsyncStream
from nexevo_ai._request import call_of
from nexevo_ai.types.chat import ChatCompletion, ChatCompletionChunk, RouteAnswer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.chat import ChatCompletionsCreateParams, ChatCompletionsRouteParams, ChatMessageParam


class AsyncChatCompletionsResource(AsyncChatCompletionsHelpers):
    """Methods of `client.chat.completions`."""

    @overload
    async def create(
        self,
        model: str,
        messages: Sequence[ChatMessageParam],
        *,
        stream: Literal[True],
        **params: Unpack[ChatCompletionsCreateParams],
    ) -> AsyncStream[ChatCompletionChunk]: ...

    @overload
    async def create(
        self,
        model: str,
        messages: Sequence[ChatMessageParam],
        *,
        stream: Literal[False] = ...,
        **params: Unpack[ChatCompletionsCreateParams],
    ) -> ChatCompletion: ...

    async def create(
        self,
        model: str,
        messages: Sequence[ChatMessageParam],
        *,
        stream: bool = False,
        **params: Unpack[ChatCompletionsCreateParams],
    ) -> Union[ChatCompletion, AsyncStream[ChatCompletionChunk]]:
        """Answers a conversation."""
        call = call_of(
            "POST",
            "/v1/chat/completions",
            {"model": model, "messages": messages, **({"stream": True} if stream else {}), **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "frequency_penalty",
                "presence_penalty",
                "logit_bias",
                "max_tokens",
                "n",
                "seed",
                "stop",
                "stream",
                "stream_options",
                "temperature",
                "top_p",
                "user",
                "messages",
                "audio",
                "cache_control",
                "function_call",
                "functions",
                "logprobs",
                "max_completion_tokens",
                "metadata",
                "modalities",
                "parallel_tool_calls",
                "prediction",
                "prompt_cache_key",
                "reasoning_effort",
                "response_format",
                "safety_identifier",
                "service_tier",
                "store",
                "tool_choice",
                "tools",
                "top_k",
                "top_logprobs",
                "verbosity",
                "web_search_options",
            ),
            is_once=True,
        )
        answer: Union[ChatCompletion, AsyncStream[ChatCompletionChunk]] = await self._ask(
            call, kind=ChatCompletion, event=ChatCompletionChunk
        )
        return answer

    async def route(
        self, model: str, messages: Sequence[ChatMessageParam], **params: Unpack[ChatCompletionsRouteParams]
    ) -> RouteAnswer:
        """Explains what would serve a chat request, free of charge."""
        call = call_of(
            "POST",
            "/v1/route",
            {"model": model, "messages": messages, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "frequency_penalty",
                "presence_penalty",
                "logit_bias",
                "max_tokens",
                "n",
                "seed",
                "stop",
                "stream",
                "stream_options",
                "temperature",
                "top_p",
                "user",
                "messages",
                "audio",
                "cache_control",
                "function_call",
                "functions",
                "logprobs",
                "max_completion_tokens",
                "metadata",
                "modalities",
                "parallel_tool_calls",
                "prediction",
                "prompt_cache_key",
                "reasoning_effort",
                "response_format",
                "safety_identifier",
                "service_tier",
                "store",
                "tool_choice",
                "tools",
                "top_k",
                "top_logprobs",
                "verbosity",
                "web_search_options",
            ),
            is_once=True,
        )
        answer: RouteAnswer = await self._ask(call, kind=RouteAnswer)
        return answer


class AsyncChatResource(AsyncResource):
    """Methods of `client.chat`."""

    @cached_property
    def completions(self) -> AsyncChatCompletionsResource:
        """Methods of `chat.completions`."""
        return AsyncChatCompletionsResource(self._client, form=self._form)
