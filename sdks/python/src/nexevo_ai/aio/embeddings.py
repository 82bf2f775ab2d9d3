"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._request import call_of
from nexevo_ai.types.embeddings import EmbeddingList

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.embeddings import EmbeddingsCreateParams


class AsyncEmbeddingsResource(AsyncResource):
    """Methods of `client.embeddings`."""

    async def create(
        self, model: str, input: Union[str, Sequence[Any]], **params: Unpack[EmbeddingsCreateParams]
    ) -> EmbeddingList:
        """Makes vectors of texts or pictures."""
        call = call_of(
            "POST",
            "/v1/embeddings",
            {"model": model, "input": input, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "input",
                "dimensions",
                "encoding_format",
                "input_type",
                "output_dtype",
                "task",
                "truncate",
                "truncation",
                "user",
            ),
            is_once=True,
        )
        answer: EmbeddingList = await self._ask(call, kind=EmbeddingList)
        return answer
