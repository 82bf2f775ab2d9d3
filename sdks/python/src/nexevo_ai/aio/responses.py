"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Union, overload

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResponsesHelpers
from nexevo_ai._async.streams import AsyncStream
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._models import Object
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.responses import Compaction, Response, ResponseDeleted, ResponseEvent, ResponseTokens

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.responses import (
        ResponsesCancelParams,
        ResponsesCompactParams,
        ResponsesCountTokensParams,
        ResponsesCreateParams,
        ResponsesDeleteParams,
        ResponsesGetParams,
        ResponsesListInputItemsParams,
    )


class AsyncResponsesResource(AsyncResponsesHelpers):
    """Methods of `client.responses`."""

    @overload
    async def create(
        self, model: str, *, stream: Literal[True], **params: Unpack[ResponsesCreateParams]
    ) -> AsyncStream[ResponseEvent]: ...

    @overload
    async def create(
        self, model: str, *, stream: Literal[False] = ..., **params: Unpack[ResponsesCreateParams]
    ) -> Response: ...

    async def create(
        self, model: str, *, stream: bool = False, **params: Unpack[ResponsesCreateParams]
    ) -> Union[Response, AsyncStream[ResponseEvent]]:
        """Makes a response."""
        call = call_of(
            "POST",
            "/v1/responses",
            {"model": model, **({"stream": True} if stream else {}), **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "conversation",
                "input",
                "instructions",
                "parallel_tool_calls",
                "previous_response_id",
                "reasoning",
                "text",
                "tool_choice",
                "tools",
                "truncation",
                "prompt_cache_key",
                "service_tier",
                "background",
                "context_management",
                "include",
                "max_output_tokens",
                "max_tool_calls",
                "metadata",
                "safety_identifier",
                "store",
                "stream",
                "stream_options",
                "temperature",
                "top_logprobs",
                "top_p",
                "user",
            ),
            is_once=True,
        )
        answer: Union[Response, AsyncStream[ResponseEvent]] = await self._ask(call, kind=Response, event=ResponseEvent)
        return answer

    async def compact(self, model: str, **params: Unpack[ResponsesCompactParams]) -> Compaction:
        """Makes a conversation shorter."""
        call = call_of(
            "POST",
            "/v1/responses/compact",
            {"model": model, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "conversation",
                "input",
                "instructions",
                "parallel_tool_calls",
                "previous_response_id",
                "reasoning",
                "text",
                "tool_choice",
                "tools",
                "truncation",
                "prompt_cache_key",
                "service_tier",
            ),
            is_once=True,
        )
        answer: Compaction = await self._ask(call, kind=Compaction)
        return answer

    async def count_tokens(self, model: str, **params: Unpack[ResponsesCountTokensParams]) -> ResponseTokens:
        """Counts the tokens of a prompt."""
        call = call_of(
            "POST",
            "/v1/responses/input_tokens",
            {"model": model, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "conversation",
                "input",
                "instructions",
                "parallel_tool_calls",
                "previous_response_id",
                "reasoning",
                "text",
                "tool_choice",
                "tools",
                "truncation",
            ),
            is_once=True,
        )
        answer: ResponseTokens = await self._ask(call, kind=ResponseTokens)
        return answer

    @overload
    async def get(
        self, response_id: str, *, stream: Literal[True], **params: Unpack[ResponsesGetParams]
    ) -> AsyncStream[ResponseEvent]: ...

    @overload
    async def get(
        self, response_id: str, *, stream: Literal[False] = ..., **params: Unpack[ResponsesGetParams]
    ) -> Response: ...

    async def get(
        self, response_id: str, *, stream: bool = False, **params: Unpack[ResponsesGetParams]
    ) -> Union[Response, AsyncStream[ResponseEvent]]:
        """Shows a stored response, or goes on with its stream."""
        call = call_of(
            "GET",
            f"/v1/responses/{path_part(response_id)}",
            {**({"stream": True} if stream else {}), **params},
            query=("stream", "starting_after", "include", "include_obfuscation"),
        )
        answer: Union[Response, AsyncStream[ResponseEvent]] = await self._ask(call, kind=Response, event=ResponseEvent)
        return answer

    async def delete(self, response_id: str, **params: Unpack[ResponsesDeleteParams]) -> ResponseDeleted:
        """Deletes a stored response."""
        call = call_of("DELETE", f"/v1/responses/{path_part(response_id)}", {**params})
        answer: ResponseDeleted = await self._ask(call, kind=ResponseDeleted)
        return answer

    async def cancel(self, response_id: str, **params: Unpack[ResponsesCancelParams]) -> Response:
        """Cancels a response that runs in the background."""
        call = call_of("POST", f"/v1/responses/{path_part(response_id)}/cancel", {**params}, is_once=True)
        answer: Response = await self._ask(call, kind=Response)
        return answer

    @deferred  # async only
    async def list_input_items(
        self, response_id: str, **params: Unpack[ResponsesListInputItemsParams]
    ) -> AsyncPage[Object]:
        """Lists the items of which a response was made."""
        call = call_of(
            "GET",
            f"/v1/responses/{path_part(response_id)}/input_items",
            {**params},
            query=("limit", "after", "order", "include"),
        )
        answer: AsyncPage[Object] = await self._ask(call, element=Object)
        return answer
