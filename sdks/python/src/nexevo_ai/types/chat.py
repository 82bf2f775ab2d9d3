"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.
from nexevo_ai.types.shared import ChatUsage, Extension


class AnsweredCall(NexevoModel):
    """Call of a tool that the model asks for."""

    id: str
    type: str
    function: Optional[Called] = None


class AnsweredMessage(NexevoModel):
    """The model's message."""

    role: str
    content: Optional[str]
    tool_calls: Optional[list[AnsweredCall]] = None
    refusal: Optional[str] = None
    reasoning_content: Optional[str] = None
    annotations: Optional[list[Object]] = None
    audio: Optional[Object] = None


class CallPart(NexevoModel):
    """Part of a call of a tool; parts of one call have its `index`."""

    index: int
    id: Optional[str] = None
    type: Optional[str] = None
    function: Optional[CalledPart] = None


class Called(NexevoModel):
    """Function that a model wishes to be called, with its arguments as JSON text."""

    name: str
    arguments: str


class CalledPart(NexevoModel):
    """Part of a call."""

    name: Optional[str] = None
    arguments: Optional[str] = None


class ChatChoice(NexevoModel):
    """One of the answers."""

    index: int
    message: AnsweredMessage
    finish_reason: Optional[str]
    logprobs: Optional[Object] = None


class ChatCompletion(NexevoModel):
    """Answer to a chat request."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Optional[ChatUsage] = None
    nexevo: Optional[Extension] = None
    service_tier: Optional[str] = None
    system_fingerprint: Optional[str] = None


class ChatCompletionChunk(NexevoModel):
    """An event of a chat stream; the last one has what the request cost."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Optional[ChatUsage] = None
    nexevo: Optional[Extension] = None
    service_tier: Optional[str] = None
    system_fingerprint: Optional[str] = None


class ChatDelta(NexevoModel):
    """Addition of a chunk to a message."""

    role: Optional[str] = None
    content: Optional[str] = None
    tool_calls: Optional[list[CallPart]] = None
    refusal: Optional[str] = None
    reasoning_content: Optional[str] = None


class ChunkChoice(NexevoModel):
    """Addition of a chunk to one of the answers."""

    index: int
    delta: ChatDelta
    finish_reason: Optional[str] = None
    logprobs: Optional[Object] = None


class RouteAnswer(NexevoModel):
    """A plan: what would serve a chat request, in order, and what was left out."""

    object: str
    model: str
    grade: Optional[Object]
    candidates: list[RouteCandidate]
    refusal: Optional[Object]
    excluded: list[Object]


class RouteCandidate(NexevoModel):
    """A model at a provider that would be asked, with the reasons for its place and the bounds of its price."""

    model: str
    provider: str
    region: Optional[str]
    asked_as: str
    reasons: list[str]
    price_bounds: dict[str, str]
    propensity: float


AnsweredCall.model_rebuild()
AnsweredMessage.model_rebuild()
CallPart.model_rebuild()
Called.model_rebuild()
CalledPart.model_rebuild()
ChatChoice.model_rebuild()
ChatCompletion.model_rebuild()
ChatCompletionChunk.model_rebuild()
ChatDelta.model_rebuild()
ChunkChoice.model_rebuild()
RouteAnswer.model_rebuild()
RouteCandidate.model_rebuild()
