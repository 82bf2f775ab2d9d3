"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Union

from nexevo_ai._models import NexevoModel

# Shared.
from nexevo_ai.types.shared import Extension


class Embedding(NexevoModel):
    """The vector of one input, as numbers or as base64."""

    object: str
    index: int
    embedding: Union[list[float], str]


class EmbeddingList(NexevoModel):
    """Vectors in the order of their inputs."""

    object: str
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
    nexevo: Extension


class EmbeddingsUsage(NexevoModel):
    """Tokens of an embedding."""

    prompt_tokens: int
    total_tokens: int


Embedding.model_rebuild()
EmbeddingList.model_rebuild()
EmbeddingsUsage.model_rebuild()
