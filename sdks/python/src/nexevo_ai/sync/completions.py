"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, overload

from nexevo_ai._request import call_of
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai._sync.streams import Stream
from nexevo_ai.types.completions import Completion

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.completions import CompletionsCreateParams


class CompletionsResource(Resource):
    """Methods of `client.completions`."""

    @overload
    def create(
        self,
        model: str,
        prompt: Union[str, Sequence[Any]],
        *,
        stream: Literal[True],
        **params: Unpack[CompletionsCreateParams],
    ) -> Stream[Completion]: ...

    @overload
    def create(
        self,
        model: str,
        prompt: Union[str, Sequence[Any]],
        *,
        stream: Literal[False] = ...,
        **params: Unpack[CompletionsCreateParams],
    ) -> Completion: ...

    def create(
        self,
        model: str,
        prompt: Union[str, Sequence[Any]],
        *,
        stream: bool = False,
        **params: Unpack[CompletionsCreateParams],
    ) -> Union[Completion, Stream[Completion]]:
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
        answer: Union[Completion, Stream[Completion]] = self._ask(call, kind=Completion, event=Completion)
        return answer
