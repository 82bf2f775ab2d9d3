"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._request import call_of
from nexevo_ai.types.rerank import Reranking

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.rerank import RerankCreateParams


class AsyncRerankResource(AsyncResource):
    """Methods of `client.rerank`."""

    async def create(
        self,
        model: str,
        query: str,
        documents: Sequence[Union[str, Mapping[str, Any]]],
        **params: Unpack[RerankCreateParams],
    ) -> Reranking:
        """Orders documents by their relevance to a query."""
        call = call_of(
            "POST",
            "/v1/rerank",
            {"model": model, "query": query, "documents": documents, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "query",
                "documents",
                "max_tokens_per_doc",
                "return_documents",
                "top_k",
                "top_n",
                "truncation",
                "user",
            ),
            is_once=True,
        )
        answer: Reranking = await self._ask(call, kind=Reranking)
        return answer
