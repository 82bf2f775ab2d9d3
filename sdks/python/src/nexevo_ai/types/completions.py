"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import ChatUsage, Extension


class Completion(NexevoModel):
    """Answer to a legacy completion, and an event of its stream."""

    id: str
    object: str
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Optional[ChatUsage] = None
    nexevo: Optional[Extension] = None
    system_fingerprint: Optional[str] = None


class CompletionChoice(NexevoModel):
    """One of the answers, as text."""

    index: int
    text: str
    finish_reason: Optional[str] = None
    logprobs: Optional[Object] = None


Completion.model_rebuild()
CompletionChoice.model_rebuild()
