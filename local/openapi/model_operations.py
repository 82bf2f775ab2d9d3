"""Operations that ask models, on every wire, and the list of models."""

from __future__ import annotations

from collections.abc import Mapping

from local.openapi.operation import EVENTS, FORM, JSON, Operation, op, streamed
from local.openapi.shapes import answers as n
from local.openapi.shapes import catalog
from local.openapi.shapes import kept as k
from local.openapi.shapes import requests as r
from local.openapi.shapes.base import Json

GOOGLE = "Google's wire: its SDKs take the gateway's base URL."
COHERE = "Cohere's wire: its SDKs take the gateway's base URL."
SOUND = dict.fromkeys(("audio/mpeg", "audio/opus", "audio/aac", "audio/flac", "audio/wav", "audio/pcm"))
TEXTS = dict.fromkeys(("text/plain; charset=utf-8", "application/x-subrip", "text/vtt; charset=utf-8"))

MODELS: Mapping[str, Operation] = {
    "GET /v1/models": op("models.list", catalog.ModelList),
    "GET /v1/models/{model_id...}": op("models.get", catalog.Model),
    "POST /v1/chat/completions": streamed(
        "chat.completions.create",
        n.ChatCompletion,
        n.ChatCompletionChunk,
        body=r.ChatCompletionRequest,
        summary="Answers a conversation.",
    ),
    "POST /v1/completions": streamed(
        "completions.create",
        n.Completion,
        n.Completion,
        body=r.CompletionRequest,
        summary="Continues a prompt, on OpenAI's legacy wire.",
    ),
    "POST /v1/route": op(
        "chat.completions.route",
        catalog.RouteAnswer,
        body=r.ChatCompletionRequest,
        summary="Explains what would serve a chat request, free of charge.",
    ),
    "POST /v1/messages": streamed(
        "messages.create",
        n.Message,
        n.MessageEvent,
        body=r.MessageRequest,
        wire="anthropic",
        summary="Answers a conversation on Anthropic's wire.",
    ),
    "POST /v1/messages/count_tokens": op(
        "messages.count_tokens",
        n.MessageTokens,
        body=r.MessagePrompt,
        wire="anthropic",
        summary="Counts the tokens of a prompt on Anthropic's wire, free of charge.",
    ),
    "POST /v1/responses": streamed(
        "responses.create", n.Response, n.ResponseEvent, body=r.ResponseRequest, summary="Makes a response."
    ),
    "POST /v1/responses/compact": op(
        "responses.compact", n.Compaction, body=r.CompactionRequest, summary="Makes a conversation shorter."
    ),
    "POST /v1/responses/input_tokens": op(
        "responses.count_tokens", n.ResponseTokens, body=r.ResponsePrompt, summary="Counts the tokens of a prompt."
    ),
    "GET /v1/responses/{response_id}": streamed(
        "responses.get",
        n.Response,
        n.ResponseEvent,
        query={"stream": bool, "starting_after": int, "include": list[str], "include_obfuscation": bool},
        summary="Shows a stored response, or goes on with its stream.",
    ),
    "DELETE /v1/responses/{response_id}": op(
        "responses.delete", n.ResponseDeleted, summary="Deletes a stored response."
    ),
    "POST /v1/responses/{response_id}/cancel": op(
        "responses.cancel", n.Response, summary="Cancels a response that runs in the background."
    ),
    "GET /v1/responses/{response_id}/input_items": op(
        "responses.list_input_items",
        n.ResponseItemList,
        query={"limit": int, "after": str, "order": str, "include": list[str]},
        summary="Lists the items of which a response was made.",
    ),
    "POST /v1/embeddings": op(
        "embeddings.create", n.EmbeddingList, body=r.EmbeddingRequest, summary="Makes vectors of texts or pictures."
    ),
    "POST /v1/rerank": op(
        "rerank.create", n.Reranking, body=r.RerankRequest, summary="Orders documents by their relevance to a query."
    ),
    "POST /v1/moderations": op(
        "moderations.create", n.Moderation, body=r.ModerationRequest, summary="Judges texts and pictures."
    ),
    "POST /v1/images/generations": op(
        "images.generate",
        n.Images,
        answers={JSON: n.Images, EVENTS: n.ImageEvent},
        begun=k.AcceptedJob,
        body=r.ImageRequest,
        summary="Draws pictures of a prompt.",
    ),
    "POST /v1/images/edits": op(
        "images.edit",
        n.Images,
        answers={JSON: n.Images, EVENTS: n.ImageEvent},
        begun=k.AcceptedJob,
        body=r.ImageEditRequest,
        body_types=(FORM, JSON),
        summary="Changes pictures.",
    ),
    "POST /v1/images/variations": op(
        "images.create_variation",
        n.Images,
        body=r.ImageVariationRequest,
        body_types=(FORM, JSON),
        summary="Varies a picture.",
    ),
    "POST /v1/audio/speech": op(
        "audio.speech.create",
        None,
        answers={**SOUND, EVENTS: n.SpeechEvent},
        body=r.SpeechRequest,
        summary="Speaks a text.",
    ),
    "POST /v1/audio/transcriptions": op(
        "audio.transcriptions.create",
        n.Transcript,
        answers={JSON: n.Transcript, **TEXTS, EVENTS: n.TranscriptEvent},
        body=r.TranscriptionRequest,
        body_types=(FORM, JSON),
        summary="Writes a recording down.",
    ),
    "POST /v1/audio/translations": op(
        "audio.translations.create",
        n.Transcript,
        answers={JSON: n.Transcript, **TEXTS},
        body=r.TranslationRequest,
        body_types=(FORM, JSON),
        summary="Writes a recording down in English.",
    ),
    # Other vendors' wires.
    "GET /v1beta/models": op("gemini.list_models", Json, why_none=GOOGLE, wire="gemini"),
    "GET /v1beta/models/{model_id...}": op("gemini.get_model", Json, why_none=GOOGLE, wire="gemini"),
    "GET /v1beta/{resource...}": op("gemini.unknown", None, answers={}, why_none=GOOGLE, wire="gemini"),
    "POST /v1beta/models/{call...}": op(
        "gemini.call",
        None,
        # A stream that is not asked for as events is a list.
        answers={JSON: None, EVENTS: n.GenerateContentResponse},
        body=r.GenerateContentRequest,
        why_none=GOOGLE,
        wire="gemini",
        summary="Answers, counts or embeds on Google's wire: {model}:{method}.",
    ),
    "POST /v1/models/{call...}": op(
        "gemini.call_v1",
        None,
        # A stream that is not asked for as events is a list.
        answers={JSON: None, EVENTS: n.GenerateContentResponse},
        body=r.GenerateContentRequest,
        why_none=GOOGLE,
        wire="gemini",
        summary="Answers, counts or embeds on Google's wire: {model}:{method}.",
    ),
    "POST /v1beta/tunedModels/{call...}": op(
        "gemini.call_tuned",
        None,
        answers={},
        body=r.GenerateContentRequest,
        why_none=GOOGLE,
        wire="gemini",
        summary="Refuses tuned models: there are none.",
    ),
    "POST /v1/embed": op(
        "cohere.embed_v1",
        n.CohereEmbedding,
        body=r.CohereEmbedRequest,
        why_none=COHERE,
        wire="cohere",
        summary="Makes vectors on Cohere's first wire.",
    ),
    "POST /v2/embed": op(
        "cohere.embed",
        n.CohereEmbedding,
        body=r.CohereEmbedRequest,
        why_none=COHERE,
        wire="cohere",
        summary="Makes vectors on Cohere's wire.",
    ),
    "POST /v2/rerank": op(
        "cohere.rerank",
        n.CohereReranking,
        body=r.CohereRerankRequest,
        why_none=COHERE,
        wire="cohere",
        summary="Orders documents on Cohere's wire.",
    ),
}
