"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional, Union

from nexevo_ai._models import NexevoModel, Object, ResponseText

# Shared.
from nexevo_ai.types.shared import Extension


class Compaction(NexevoModel):
    """Items to send instead of the conversation."""

    id: str
    object: str
    output: list[Object]
    created_at: Optional[float] = None
    usage: Optional[Object] = None
    nexevo: Optional[Extension] = None


class Response(ResponseText):
    """OpenAI's response."""

    id: str
    object: str
    created_at: float
    model: str
    status: Optional[str] = None
    output: list[Object]
    error: Optional[Object]
    usage: Optional[Object] = None
    background: Optional[bool] = None
    completed_at: Optional[float] = None
    conversation: Optional[Object] = None
    incomplete_details: Optional[Object] = None
    instructions: Optional[Union[str, list[Object]]] = None
    max_output_tokens: Optional[int] = None
    max_tool_calls: Optional[int] = None
    metadata: Optional[Object] = None
    parallel_tool_calls: Optional[bool] = None
    previous_response_id: Optional[str] = None
    prompt_cache_key: Optional[str] = None
    reasoning: Optional[Object] = None
    safety_identifier: Optional[str] = None
    service_tier: Optional[str] = None
    store: Optional[bool] = None
    temperature: Optional[float] = None
    text: Optional[Object] = None
    tool_choice: Optional[Union[str, Object]] = None
    tools: Optional[list[Object]] = None
    top_logprobs: Optional[int] = None
    top_p: Optional[float] = None
    truncation: Optional[str] = None
    user: Optional[str] = None
    nexevo: Optional[Extension] = None


class ResponseDeleted(NexevoModel):
    """A response that is no longer kept."""

    id: str
    object: str
    deleted: bool


class ResponseEvent(NexevoModel):
    """An event of a response's stream; `sequence_number` is where a later look goes on."""

    type: str
    sequence_number: Optional[int] = None


class ResponseItemList(NexevoModel):
    """Items of which a response was made."""

    object: str
    data: list[Object]
    first_id: Optional[str]
    last_id: Optional[str]
    has_more: bool


class ResponseTokens(NexevoModel):
    """Tokens of a prompt."""

    object: str
    input_tokens: int


Compaction.model_rebuild()
Response.model_rebuild()
ResponseDeleted.model_rebuild()
ResponseEvent.model_rebuild()
ResponseItemList.model_rebuild()
ResponseTokens.model_rebuild()
