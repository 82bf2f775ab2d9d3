"""Shapes of requests that codecs read by hand. Unknown members of a text model's request pass to its provider."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from local.openapi.shapes.base import Json, Shape

Name = Annotated[str, Meta(min_length=1, description="Catalog id, alias like nexevo/balanced, or provider/model.")]
# Decimal text is exact; a number is read as it is spelled.
Amount = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")] | Annotated[float, Meta(ge=0)]
Content = Annotated[str, Meta(extra_json_schema={"contentMediaType": "application/octet-stream"})]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Flag = Literal["true", "false"]


class ProviderPreferences(Shape, kw_only=True):
    """Wishes about where a request goes."""

    order: list[str] | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    allow_fallbacks: bool | None = None
    sort: Literal["price", "throughput", "latency"] | Json | None = None
    require_parameters: bool | None = None
    max_price: MaxPrice | None = None
    stream_failure: Literal["terminate", "continue"] | None = None


class MaxPrice(Shape, kw_only=True):
    """Bounds in USD: of a million tokens by class, and of this request's worst case (`total`)."""

    prompt: Amount | None = None
    completion: Amount | None = None
    total: Amount | None = None
    cache_read: Amount | None = None
    cache_write_5m: Amount | None = None
    cache_write_1h: Amount | None = None
    audio_input: Amount | None = None
    audio_output: Amount | None = None
    image_output: Amount | None = None


class Routed(Shape, kw_only=True):
    """Members by which every model call may say where it goes."""

    models: list[str] | None = None
    provider: ProviderPreferences | None = None
    max_price: MaxPrice | None = None


class Called(Shape, kw_only=True):
    """Function that a model wishes to be called, with its arguments as JSON text."""

    name: str
    arguments: str


class ToolCall(Shape, kw_only=True):
    """Call of a tool that a model asks for."""

    id: str
    type: str = "function"
    function: Called | None = None


class ChatMessage(Shape, kw_only=True):
    """One message of a conversation."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Json] | None = None
    name: str | None = None
    tool_calls: list[Json] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None


class Sampled(Routed, kw_only=True):
    """Members of OpenAI's text requests that chat and legacy completions share."""

    model: Name
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    logit_bias: dict[str, float] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: Json | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    user: str | None = None


class ChatCompletionRequest(Sampled, kw_only=True):
    """OpenAI's chat completion, with the gateway's own members."""

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    audio: Json | None = None
    cache_control: Json | None = None
    function_call: str | Json | None = None
    functions: list[Json] | None = None
    logprobs: bool | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    metadata: dict[str, str] | None = None
    modalities: list[str] | None = None
    parallel_tool_calls: bool | None = None
    prediction: Json | None = None
    prompt_cache_key: str | None = None
    reasoning_effort: Effort | None = None
    response_format: Json | None = None
    safety_identifier: str | None = None
    service_tier: Literal["auto", "default", "flex"] | None = None
    store: bool | None = None
    tool_choice: str | Json | None = None
    tools: list[Json] | None = None
    top_k: int | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: Json | None = None


class CompletionRequest(Sampled, kw_only=True):
    """OpenAI's legacy completion."""

    prompt: str | list[Any]
    best_of: Annotated[int, Meta(ge=1, le=20)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    suffix: str | None = None


class MessagePrompt(Routed, kw_only=True):
    """The part of Anthropic's request that is read by the model."""

    model: Name
    messages: Annotated[list[Json], Meta(min_length=1)]
    system: str | list[Json] | None = None
    thinking: Json | None = None
    tool_choice: Json | None = None
    tools: list[Json] | None = None
    cache_control: Json | None = None
    output_config: Json | None = None


class MessageRequest(MessagePrompt, kw_only=True):
    """Anthropic's message, for any model."""

    max_tokens: Annotated[int, Meta(ge=0)]
    context_management: Json | None = None
    mcp_servers: list[Json] | None = None
    metadata: Json | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: int | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None


class ResponsePrompt(Routed, kw_only=True):
    """The part of a Responses request that is read by the model."""

    model: Name
    conversation: str | Json | None = None
    input: str | list[Json] | None = None
    instructions: str | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    reasoning: Json | None = None
    text: Json | None = None
    tool_choice: str | Json | None = None
    tools: list[Json] | None = None
    truncation: Literal["auto", "disabled"] | None = None


class CompactionRequest(ResponsePrompt, kw_only=True):
    """A conversation that is to be made shorter."""

    prompt_cache_key: str | None = None
    service_tier: Literal["auto", "default", "flex"] | None = None


class ResponseRequest(CompactionRequest, kw_only=True):
    """OpenAI's response."""

    background: bool | None = None
    context_management: list[Json] | None = None
    include: list[str] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    metadata: dict[str, str] | None = None
    safety_identifier: str | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: Json | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    user: str | None = None


class GenerateContentRequest(
    Routed,
    kw_only=True,
    rename={
        "cached_content": "cachedContent",
        "generation_config": "generationConfig",
        "safety_settings": "safetySettings",
        "system_instruction": "systemInstruction",
        "tool_config": "toolConfig",
    },
):
    """Gemini's generateContent; the model is in the path."""

    contents: list[Json] | Json
    models: list[str] | None = None
    provider: ProviderPreferences | None = None
    max_price: MaxPrice | None = field(default=None, name="max_price")
    cached_content: str | None = None
    generation_config: Json | None = None
    safety_settings: list[Json] | None = None
    system_instruction: Json | str | None = None
    tool_config: Json | None = None
    tools: list[Json] | None = None


class EmbeddingRequest(Routed, kw_only=True):
    """OpenAI's embeddings; an input may be text, tokens, or an object with texts and pictures."""

    model: Name
    input: str | list[Any]
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    input_type: str | None = None
    output_dtype: Literal["float", "base64"] | None = None
    task: str | None = None
    truncate: str | bool | None = None
    truncation: bool | None = None
    user: str | None = None


class CohereEmbedRequest(Routed, kw_only=True):
    """Cohere's embed: texts, images, or inputs of parts."""

    model: Name
    embedding_types: list[str] | None = None
    images: list[str] | None = None
    input_type: str | None = None
    inputs: list[Json] | None = None
    max_tokens: int | None = None
    output_dimension: int | None = None
    priority: int | None = None
    texts: list[str] | None = None
    truncate: Literal["NONE", "START", "END"] | None = None


class CohereRerankRequest(Routed, kw_only=True):
    """Cohere's rerank."""

    model: Name
    query: Annotated[str, Meta(min_length=1)]
    documents: Annotated[list[str | Json], Meta(min_length=1)]
    max_tokens_per_doc: Annotated[int, Meta(ge=1)] | None = None
    priority: int | None = None
    return_documents: bool | None = None
    top_n: Annotated[int, Meta(ge=1)] | None = None


class RerankRequest(Routed, kw_only=True):
    """Documents to put into the order of their relevance."""

    model: Name
    query: Annotated[str, Meta(min_length=1)]
    documents: Annotated[list[str | Json], Meta(min_length=1)]
    max_tokens_per_doc: Annotated[int, Meta(ge=1)] | None = None
    return_documents: bool | None = None
    top_k: Annotated[int, Meta(ge=1)] | None = None
    top_n: Annotated[int, Meta(ge=1)] | None = None
    truncation: Literal[True] | None = None
    user: str | None = None


class ModerationRequest(Routed, kw_only=True):
    """OpenAI's moderation."""

    input: str | list[Any]
    model: Name | None = None


class Drawn(Routed, kw_only=True):
    """Members that requests of pictures share."""

    model: Name | None = None
    background: bool | str | None = None
    n: Annotated[int, Meta(ge=1, le=10)] | None = None
    negative_prompt: str | None = None
    output_compression: int | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    partial_images: int | None = None
    quality: str | None = None
    response_format: Literal["url", "b64_json"] | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    size: str | None = None
    stream: bool | None = None
    user: str | None = None
    webhook_url: str | None = None


class ImageRequest(Drawn, kw_only=True):
    """Pictures of a prompt; `background: true` answers with a job."""

    prompt: Annotated[str, Meta(min_length=1, max_length=32_000)]
    images: list[Any] | None = None
    moderation: str | None = None
    reference_image_b64: str | None = None
    reference_image_url: str | None = None
    style: str | None = None


class ImageEditRequest(Drawn, kw_only=True):
    """Pictures to change, as a form with files, or as JSON."""

    prompt: Annotated[str, Meta(min_length=1, max_length=32_000)]
    image: Content | list[Content] | None = None
    images: list[Any] | None = None
    input_fidelity: str | None = None
    mask: Content | Json | None = None
    moderation: str | None = None


class ImageVariationRequest(Routed, kw_only=True):
    """A picture to vary."""

    image: Content
    model: Name | None = None
    n: Annotated[int, Meta(ge=1, le=10)] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    size: str | None = None
    user: str | None = None


class SpeechRequest(Routed, kw_only=True):
    """A text to be spoken."""

    model: Name
    input: Annotated[str, Meta(min_length=1)]
    voice: str | Json
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, Meta(ge=0.25, le=4)] | None = None
    stream_format: Literal["sse", "audio"] | None = None
    user: str | None = None


class TranslationRequest(Routed, kw_only=True):
    """A recording to be written down in English."""

    file: Content
    model: Name
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] | None = None
    temperature: float | None = None
    user: str | None = None


class TranscriptionRequest(TranslationRequest, kw_only=True):
    """A recording to be written down."""

    chunking_strategy: str | Json | None = None
    include: list[str] | None = None
    known_speaker_names: list[str] | None = None
    known_speaker_references: list[str] | None = None
    language: str | None = None
    stream: bool | None = None
    timestamp_granularities: list[str] | None = None


class FileForm(Shape, kw_only=True):
    """A file to keep."""

    file: Content
    purpose: str = "user_data"
    expires_after: Json | None = None


class UploadForm(Shape, kw_only=True):
    """A reference image: PNG, JPEG, WebP or GIF."""

    file: Content


class VideoForm(Shape, kw_only=True):
    """OpenAI's video, as JSON or as a form with a file."""

    prompt: Annotated[str, Meta(min_length=1, max_length=32_000)]
    model: str = "sora-2"
    seconds: Annotated[str, Meta(pattern="^[0-9]{1,3}$")] | float = "4"
    size: Literal["1280x720", "720x1280", "1792x1024", "1024x1792"] | None = None
    input_reference: Content | Json | None = None
