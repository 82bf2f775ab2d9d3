"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Union, overload

from nexevo_ai._request import call_of
from nexevo_ai._sync.conveniences import ChatCompletionsHelpers, Resource
from nexevo_ai._sync.streams import Stream
from nexevo_ai.types.chat import ChatCompletion, ChatCompletionChunk, RouteAnswer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.chat import ChatCompletionsCreateParams, ChatCompletionsRouteParams, ChatMessageParam


class ChatCompletionsResource(ChatCompletionsHelpers):
    """Methods of `client.chat.completions`."""

    @overload
    def create(
        self,
        model: str,
        messages: Sequence[ChatMessageParam],
        *,
        stream: Literal[True],
        **params: Unpack[ChatCompletionsCreateParams],
    ) -> Stream[ChatCompletionChunk]: ...

    @overload
    def create(
        self,
        model: str,
        messages: Sequence[ChatMessageParam],
        *,
        stream: Literal[False] = ...,
        **params: Unpack[ChatCompletionsCreateParams],
    ) -> ChatCompletion: ...

    def create(
        self,
        model: str,
        messages: Sequence[ChatMessageParam],
        *,
        stream: bool = False,
        **params: Unpack[ChatCompletionsCreateParams],
    ) -> Union[ChatCompletion, Stream[ChatCompletionChunk]]:
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
        answer: Union[ChatCompletion, Stream[ChatCompletionChunk]] = self._ask(
            call, kind=ChatCompletion, event=ChatCompletionChunk
        )
        return answer

    def route(
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
        answer: RouteAnswer = self._ask(call, kind=RouteAnswer)
        return answer


class ChatResource(Resource):
    """Methods of `client.chat`."""

    @cached_property
    def completions(self) -> ChatCompletionsResource:
        """Methods of `chat.completions`."""
        return ChatCompletionsResource(self._client, form=self._form)
