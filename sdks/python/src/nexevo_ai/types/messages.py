"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import Extension


class Message(NexevoModel):
    """Anthropic's answer."""

    id: str
    type: str
    role: str
    model: str
    content: list[Object]
    stop_reason: Optional[str]
    stop_sequence: Optional[str]
    usage: Object
    nexevo: Optional[Extension] = None
    container: Optional[Object] = None
    context_management: Optional[Object] = None


class MessageEvent(NexevoModel):
    """An event of Anthropic's stream."""

    type: str


class MessageTokens(NexevoModel):
    """Tokens of a prompt."""

    input_tokens: int


Message.model_rebuild()
MessageEvent.model_rebuild()
MessageTokens.model_rebuild()
