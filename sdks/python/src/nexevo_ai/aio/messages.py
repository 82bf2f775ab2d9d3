"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, overload

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._async.streams import AsyncStream
from nexevo_ai._request import call_of
from nexevo_ai.types.messages import Message, MessageEvent, MessageTokens

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.messages import MessagesCountTokensParams, MessagesCreateParams


class AsyncMessagesResource(AsyncResource):
    """Methods of `client.messages`."""

    @overload
    async def create(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        max_tokens: int,
        *,
        stream: Literal[True],
        **params: Unpack[MessagesCreateParams],
    ) -> AsyncStream[MessageEvent]: ...

    @overload
    async def create(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        max_tokens: int,
        *,
        stream: Literal[False] = ...,
        **params: Unpack[MessagesCreateParams],
    ) -> Message: ...

    async def create(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        max_tokens: int,
        *,
        stream: bool = False,
        **params: Unpack[MessagesCreateParams],
    ) -> Union[Message, AsyncStream[MessageEvent]]:
        """Answers a conversation on Anthropic's wire."""
        call = call_of(
            "POST",
            "/v1/messages",
            {
                "model": model,
                "messages": messages,
                "max_tokens": max_tokens,
                **({"stream": True} if stream else {}),
                **params,
            },
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "messages",
                "system",
                "thinking",
                "tool_choice",
                "tools",
                "cache_control",
                "output_config",
                "max_tokens",
                "context_management",
                "mcp_servers",
                "metadata",
                "service_tier",
                "stop_sequences",
                "stream",
                "temperature",
                "top_k",
                "top_p",
            ),
            is_once=True,
        )
        answer: Union[Message, AsyncStream[MessageEvent]] = await self._ask(call, kind=Message, event=MessageEvent)
        return answer

    async def count_tokens(
        self, model: str, messages: Sequence[Mapping[str, Any]], **params: Unpack[MessagesCountTokensParams]
    ) -> MessageTokens:
        """Counts the tokens of a prompt on Anthropic's wire, free of charge."""
        call = call_of(
            "POST",
            "/v1/messages/count_tokens",
            {"model": model, "messages": messages, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "messages",
                "system",
                "thinking",
                "tool_choice",
                "tools",
                "cache_control",
                "output_config",
            ),
            is_once=True,
        )
        answer: MessageTokens = await self._ask(call, kind=MessageTokens)
        return answer
