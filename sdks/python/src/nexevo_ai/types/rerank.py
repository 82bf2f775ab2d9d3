"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional, Union

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import Extension


class RerankResult(NexevoModel):
    """A document's place in the request, and its relevance; the document is as it was sent."""

    index: int
    relevance_score: float
    document: Optional[Union[str, Object]] = None


class RerankUsage(NexevoModel):
    """Units that a rerank was paid by."""

    prompt_tokens: int
    total_tokens: int
    search_units: int


class Reranking(NexevoModel):
    """Documents, the best first."""

    id: str
    object: str
    model: str
    results: list[RerankResult]
    usage: RerankUsage
    nexevo: Extension
    data: Optional[list[RerankResult]] = None


RerankResult.model_rebuild()
RerankUsage.model_rebuild()
Reranking.model_rebuild()
