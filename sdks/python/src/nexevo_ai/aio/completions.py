"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, overload

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._async.streams import AsyncStream
from nexevo_ai._request import call_of
from nexevo_ai.types.completions import Completion

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.completions import CompletionsCreateParams


class AsyncCompletionsResource(AsyncResource):
    """Methods of `client.completions`."""

    @overload
    async def create(
        self,
        model: str,
        prompt: Union[str, Sequence[Any]],
        *,
        stream: Literal[True],
        **params: Unpack[CompletionsCreateParams],
    ) -> AsyncStream[Completion]: ...

    @overload
    async def create(
        self,
        model: str,
        prompt: Union[str, Sequence[Any]],
        *,
        stream: Literal[False] = ...,
        **params: Unpack[CompletionsCreateParams],
    ) -> Completion: ...

    async def create(
        self,
        model: str,
        prompt: Union[str, Sequence[Any]],
        *,
        stream: bool = False,
        **params: Unpack[CompletionsCreateParams],
    ) -> Union[Completion, AsyncStream[Completion]]:
        """Continues a prompt, on OpenAI's legacy wire."""
        call = call_of(
            "POST",
            "/v1/completions",
            {"model": model, "prompt": prompt, **({"stream": True} if stream else {}), **params},
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
                "prompt",
                "best_of",
                "echo",
                "logprobs",
                "suffix",
            ),
            is_once=True,
        )
        answer: Union[Completion, AsyncStream[Completion]] = await self._ask(call, kind=Completion, event=Completion)
        return answer
