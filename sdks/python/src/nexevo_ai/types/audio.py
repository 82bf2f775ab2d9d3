"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import Extension


class SpeechEvent(NexevoModel):
    """Sound of a stream, as base64, or its end."""

    type: str
    audio: Optional[str] = None


class Transcript(NexevoModel):
    """A recording that was written down."""

    text: str
    usage: Object
    nexevo: Extension
    task: Optional[str] = None
    language: Optional[str] = None
    duration: Optional[float] = None
    segments: Optional[list[Object]] = None
    words: Optional[list[Object]] = None
    logprobs: Optional[list[Object]] = None


class TranscriptEvent(NexevoModel):
    """A part of a recording that was written down."""

    type: str
    delta: Optional[str] = None
    text: Optional[str] = None


SpeechEvent.model_rebuild()
Transcript.model_rebuild()
TranscriptEvent.model_rebuild()
