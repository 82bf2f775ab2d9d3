"""Shapes of what models answer. Members that a provider adds are passed on."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from local.openapi.shapes.base import Extension, Json, Shape
from local.openapi.shapes.requests import Called


class ChatUsage(Shape, kw_only=True):
    """Tokens of a text request."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Json | UnsetType | None = UNSET
    completion_tokens_details: Json | UnsetType | None = UNSET


class AnsweredCall(Shape, kw_only=True):
    """Call of a tool that the model asks for."""

    id: str
    type: str
    function: Called | UnsetType = UNSET


class AnsweredMessage(Shape, kw_only=True):
    """The model's message."""

    role: str
    content: str | None
    tool_calls: list[AnsweredCall] | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType | None = UNSET
    annotations: list[Json] | UnsetType | None = UNSET
    audio: Json | UnsetType | None = UNSET


class ChatChoice(Shape, kw_only=True):
    """One of the answers."""

    index: int
    message: AnsweredMessage
    finish_reason: str | None
    logprobs: Json | UnsetType | None = UNSET


class ChatCompletion(Shape, kw_only=True):
    """Answer to a chat request."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage | UnsetType | None = UNSET
    nexevo: Extension | UnsetType = UNSET
    service_tier: str | UnsetType | None = UNSET
    system_fingerprint: str | UnsetType | None = UNSET


class CalledPart(Shape, kw_only=True):
    """Part of a call."""

    name: str | UnsetType | None = UNSET
    arguments: str | UnsetType | None = UNSET


class CallPart(Shape, kw_only=True):
    """Part of a call of a tool; parts of one call have its `index`."""

    index: int
    id: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    function: CalledPart | UnsetType | None = UNSET


class ChatDelta(Shape, kw_only=True):
    """Addition of a chunk to a message."""

    role: str | UnsetType | None = UNSET
    content: str | UnsetType | None = UNSET
    tool_calls: list[CallPart] | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType | None = UNSET


class ChunkChoice(Shape, kw_only=True):
    """Addition of a chunk to one of the answers."""

    index: int
    delta: ChatDelta
    finish_reason: str | UnsetType | None = UNSET
    logprobs: Json | UnsetType | None = UNSET


class ChatCompletionChunk(Shape, kw_only=True):
    """An event of a chat stream; the last one has what the request cost."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: ChatUsage | UnsetType | None = UNSET
    nexevo: Extension | UnsetType = UNSET
    service_tier: str | UnsetType | None = UNSET
    system_fingerprint: str | UnsetType | None = UNSET


class CompletionChoice(Shape, kw_only=True):
    """One of the answers, as text."""

    index: int
    text: str
    finish_reason: str | UnsetType | None = UNSET
    logprobs: Json | UnsetType | None = UNSET


class Completion(Shape, kw_only=True):
    """Answer to a legacy completion, and an event of its stream."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: ChatUsage | UnsetType | None = UNSET
    nexevo: Extension | UnsetType = UNSET
    system_fingerprint: str | UnsetType | None = UNSET


class Message(Shape, kw_only=True):
    """Anthropic's answer."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[Json]
    stop_reason: str | None
    stop_sequence: str | None
    usage: Json
    nexevo: Extension | UnsetType = UNSET
    container: Json | UnsetType | None = UNSET
    context_management: Json | UnsetType | None = UNSET


class MessageEvent(Shape, kw_only=True):
    """An event of Anthropic's stream."""

    type: str


class MessageTokens(Shape, kw_only=True):
    """Tokens of a prompt."""

    input_tokens: int


class Response(Shape, kw_only=True):
    """OpenAI's response."""

    id: str
    object: Literal["response"]
    created_at: float
    model: str
    status: str | UnsetType | None = UNSET
    output: list[Json]
    error: Json | None
    usage: Json | UnsetType | None = UNSET
    background: bool | UnsetType | None = UNSET
    completed_at: float | UnsetType | None = UNSET
    conversation: Json | UnsetType | None = UNSET
    incomplete_details: Json | UnsetType | None = UNSET
    instructions: str | list[Json] | UnsetType | None = UNSET
    max_output_tokens: int | UnsetType | None = UNSET
    max_tool_calls: int | UnsetType | None = UNSET
    metadata: Json | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    previous_response_id: str | UnsetType | None = UNSET
    prompt_cache_key: str | UnsetType | None = UNSET
    reasoning: Json | UnsetType | None = UNSET
    safety_identifier: str | UnsetType | None = UNSET
    service_tier: str | UnsetType | None = UNSET
    store: bool | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    text: Json | UnsetType | None = UNSET
    tool_choice: str | Json | UnsetType | None = UNSET
    tools: list[Json] | UnsetType | None = UNSET
    top_logprobs: int | UnsetType | None = UNSET
    top_p: float | UnsetType | None = UNSET
    truncation: str | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET
    nexevo: Extension | UnsetType = UNSET


class ResponseEvent(Shape, kw_only=True):
    """An event of a response's stream; `sequence_number` is where a later look goes on."""

    type: str
    sequence_number: int | UnsetType = UNSET


class ResponseDeleted(Shape, kw_only=True):
    """A response that is no longer kept."""

    id: str
    object: str
    deleted: bool


class ResponseTokens(Shape, kw_only=True):
    """Tokens of a prompt."""

    object: Literal["response.input_tokens"]
    input_tokens: int


class Compaction(Shape, kw_only=True):
    """Items to send instead of the conversation."""

    id: str
    object: str
    output: list[Json]
    created_at: float | UnsetType = UNSET
    usage: Json | UnsetType | None = UNSET
    nexevo: Extension | UnsetType = UNSET


class ResponseItemList(Shape, kw_only=True):
    """Items of which a response was made."""

    object: Literal["list"]
    data: list[Json]
    first_id: str | None
    last_id: str | None
    has_more: bool


class GenerateContentResponse(Shape, kw_only=True, rename="camel"):
    """Gemini's answer."""

    candidates: list[Json] | UnsetType = UNSET
    usage_metadata: Json | UnsetType = UNSET
    model_version: str | UnsetType = UNSET
    response_id: str | UnsetType = UNSET


class EmbeddingsUsage(Shape, kw_only=True):
    """Tokens of an embedding."""

    prompt_tokens: int
    total_tokens: int


class Embedding(Shape, kw_only=True):
    """The vector of one input, as numbers or as base64."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingList(Shape, kw_only=True):
    """Vectors in the order of their inputs."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
    nexevo: Extension


class CohereEmbedding(Shape, kw_only=True):
    """Vectors on Cohere's wire."""

    id: str
    embeddings: Any
    texts: list[str]
    meta: Json
    response_type: str
    nexevo: Extension


class RerankResult(Shape, kw_only=True):
    """A document's place in the request, and its relevance; the document is as it was sent."""

    index: int
    relevance_score: float
    document: str | Json | UnsetType = UNSET


class RerankUsage(Shape, kw_only=True):
    """Units that a rerank was paid by."""

    prompt_tokens: int
    total_tokens: int
    search_units: int


class Reranking(Shape, kw_only=True):
    """Documents, the best first."""

    id: str
    object: Literal["list"]
    model: str
    results: list[RerankResult]
    usage: RerankUsage
    nexevo: Extension
    data: list[RerankResult] | UnsetType = UNSET


class CohereReranking(Shape, kw_only=True):
    """Documents on Cohere's wire."""

    id: str
    results: list[RerankResult]
    meta: Json
    nexevo: Extension


class Moderation(Shape, kw_only=True):
    """Judgement of texts and pictures."""

    id: str
    model: str
    results: list[Json]
    nexevo: Extension


class Image(Shape, kw_only=True):
    """A picture, as a URL or as base64."""

    url: str | UnsetType | None = UNSET
    b64_json: str | UnsetType | None = UNSET
    revised_prompt: str | UnsetType | None = UNSET


class Images(Shape, kw_only=True):
    """Pictures that were drawn."""

    created: int
    data: list[Image]
    nexevo: Extension
    usage: Json | UnsetType | None = UNSET
    background: str | UnsetType = UNSET
    output_format: str | UnsetType = UNSET
    quality: str | UnsetType = UNSET
    size: str | UnsetType = UNSET


class ImageEvent(Shape, kw_only=True):
    """A picture of a stream, finished or not."""

    type: str


class SpeechEvent(Shape, kw_only=True):
    """Sound of a stream, as base64, or its end."""

    type: str
    audio: str | UnsetType = UNSET


class Transcript(Shape, kw_only=True):
    """A recording that was written down."""

    text: str
    usage: Json
    nexevo: Extension
    task: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    duration: float | UnsetType = UNSET
    segments: list[Json] | UnsetType = UNSET
    words: list[Json] | UnsetType = UNSET
    logprobs: list[Json] | UnsetType = UNSET


class TranscriptEvent(Shape, kw_only=True):
    """A part of a recording that was written down."""

    type: str
    delta: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
