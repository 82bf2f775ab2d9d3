"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import Extension


class Moderation(NexevoModel):
    """Judgement of texts and pictures."""

    id: str
    model: str
    results: list[Object]
    nexevo: Extension


Moderation.model_rebuild()
