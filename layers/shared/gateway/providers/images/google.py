"""Google's pictures: Imagen by `predict`, and Gemini's image models by `generateContent`; by key, or on Vertex.

https://ai.google.dev/gemini-api/docs/imagen, https://ai.google.dev/gemini-api/docs/image-generation,
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from gateway.canonical.images import IMAGE, IMAGE_TOKEN, TEXT_TOKEN, Action, Drawing, Drawn, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.canonical.usage import Usage, counted, uses_of
from gateway.errors import GatewayError, InvalidRequest, UnreadableAnswer
from gateway.framing.percent import encoded
from gateway.protocols.shared.provider_errors import scrubbed
from gateway.providers.chat import google
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.chat.wires import part
from gateway.providers.images.vendor import REFUSED, Asked, Fields, Painter, Step, moderated
from gateway.providers.outgoing import Outgoing
from gateway.providers.vendor_endpoint import VendorEndpoint, shaped

_IMAGEN = "imagen-"
# https://ai.google.dev/api/generate-content#FinishReason: what the rules left no picture of.
_STOPPED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "NO_IMAGE",
    }
)
_RULES = ("safety", "policy", "policies", "sensitive words", "prohibited", "responsible ai")


class _Prediction(Struct, rename="camel"):
    bytes_base64_encoded: str | None = None
    mime_type: str | None = None
    rai_filtered_reason: str | None = None
    prompt: str | None = None


class _Predictions(Struct):
    predictions: list[_Prediction] = field(default_factory=list)


class _Inline(Struct, rename="camel"):
    data: str
    mime_type: str | None = None


class _Part(Struct, rename="camel"):
    inline_data: _Inline | None = None
    thought: bool = False


class _Content(Struct):
    parts: list[_Part] = field(default_factory=list)


class _Candidate(Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class _Count(Struct, rename="camel"):
    modality: str = ""
    token_count: int = 0


class _Usage(Struct, rename="camel"):
    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    prompt_tokens_details: list[_Count] | None = None
    candidates_tokens_details: list[_Count] | None = None


class _Feedback(Struct, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Content200(Struct, rename="camel"):
    candidates: list[_Candidate] = field(default_factory=list)
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None


def _predicted(asked: ImageRequest, model: str) -> Fields:
    del model
    parameters: dict[str, Any] = {"sampleCount": asked.n, "includeRaiReason": True}
    if asked.size is not None:
        parameters["aspectRatio"] = asked.size
    if asked.output_format is not None:
        output: dict[str, Any] = {"mimeType": f"image/{asked.output_format}"}
        if asked.output_compression is not None:
            output["compressionQuality"] = asked.output_compression
        parameters["outputOptions"] = output
    return {"instances": [{"prompt": asked.prompt}], "parameters": parameters}


def _read_predictions(_: Asked, answer: ProviderAnswer) -> Step:
    """The pictures; those that the rules filtered are named by their reason, and are not paid."""
    found: _Predictions = shaped(answer.body, _Predictions, "pictures")
    drawings = tuple(
        Drawing(one.bytes_base64_encoded, mime_type=one.mime_type or "", revised_prompt=one.prompt)
        for one in found.predictions
        if one.bytes_base64_encoded
    )
    refused = next((one.rai_filtered_reason for one in found.predictions if one.rai_filtered_reason), None)
    if not drawings:
        # Google answers with nothing at all where all pictures were filtered.
        return Drawn((), refused=scrubbed(refused) or REFUSED)
    return Drawn(drawings, Usage(uses=uses_of({IMAGE: len(drawings)})), refused=refused and scrubbed(refused))


def _generated(asked: ImageRequest, model: str) -> Fields:
    del model
    config: dict[str, Any] = {"responseModalities": ["IMAGE"]}
    if asked.size is not None:
        config["imageConfig"] = {"aspectRatio": asked.size}
    if asked.seed is not None:
        config["seed"] = asked.seed
    return {
        "contents": [{"role": "user", "parts": [*_pictures(asked), {"text": asked.prompt}]}],
        "generationConfig": config,
    }


def _pictures(asked: ImageRequest) -> Iterator[Mapping[str, Any]]:
    for given in asked.images:
        if given.picture is None:
            raise InvalidRequest("The picture could not be read.", param=given.place)
        data = base64.b64encode(given.picture.content).decode()
        yield {"inlineData": {"mimeType": given.picture.mime_type, "data": data}}


def _read_content(_: Asked, answer: ProviderAnswer) -> Step:
    """The pictures of the first candidate; its thoughts have drafts, which are not shown."""
    found: _Content200 = shaped(answer.body, _Content200, "pictures")
    candidate = found.candidates[0] if found.candidates else _Candidate()
    parts = candidate.content.parts if candidate.content is not None else []
    inline = [part.inline_data for part in parts if part.inline_data is not None and not part.thought]
    if not inline:
        blocked = found.prompt_feedback and found.prompt_feedback.block_reason
        if blocked or candidate.finish_reason in _STOPPED:
            said = found.prompt_feedback and found.prompt_feedback.block_reason_message
            return Drawn((), refused=scrubbed(said or candidate.finish_message) or REFUSED)
        raise UnreadableAnswer("it holds no picture")
    drawings = tuple(Drawing(one.data, mime_type=one.mime_type or "") for one in inline)
    return Drawn(drawings, _usage(found.usage_metadata or _Usage(), len(drawings)))


def _usage(said: _Usage, images: int) -> Usage:
    read = sum(one.token_count for one in said.prompt_tokens_details or () if one.modality == "IMAGE")
    listed = said.candidates_tokens_details
    words = sum(one.token_count for one in listed or () if one.modality == "TEXT") + said.thoughts_token_count
    output = said.candidates_token_count + said.thoughts_token_count
    uses = uses_of({IMAGE: images, IMAGE_TOKEN: read, TEXT_TOKEN: words})
    return counted(uses, input=said.prompt_token_count, output=output, reasoning=said.thoughts_token_count)


def _decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts a refusal; Imagen says in words alone that its rules stopped a prompt."""
    error: GatewayError = part("gemini.errors").decode_error(status, headers, body)
    if isinstance(error, InvalidRequest) and any(word in error.message.lower() for word in _RULES):
        return moderated(error.message)
    return error


def _predict_path(base: Callable[[Outgoing], str]) -> Callable[[Outgoing], str]:
    return lambda outgoing: f"{base(outgoing)}/models/{encoded(outgoing.model)}:predict"


def _developer(_: Outgoing) -> str:
    return "/v1beta"


def _vertex(outgoing: Outgoing) -> str:
    return google.vertex_path(outgoing).partition("/models/")[0]


def _painter(row: str, model: str) -> Painter:
    """The row of Google's Developer API or of Vertex, by the kind of the model."""
    own, is_imagen = PROVIDERS[row], model.startswith(_IMAGEN)
    paths = {"gemini": (_developer, google.developer_path), "vertex": (_vertex, google.vertex_path)}
    prefix, generate = paths[row]
    endpoint = VendorEndpoint(
        name=row,
        base_url=own.base_url,
        path=_predict_path(prefix) if is_imagen else generate,
        sign=own.sign,
        located=own.located,
        errors="gemini.errors",
    )
    actions = (Action.GENERATION,) if is_imagen else (Action.GENERATION, Action.EDIT)
    return Painter(
        name=row,
        endpoints=dict.fromkeys(actions, endpoint),
        write=_predicted if is_imagen else _generated,
        read=_read_predictions if is_imagen else _read_content,
        decode_error=_decode_error,
        images_max=4 if is_imagen else 1,
        source="https://ai.google.dev/gemini-api/docs/image-generation",
        verified=True,
    )


def gemini(model: str) -> Painter:
    """The Developer API's row."""
    return _painter("gemini", model)


def vertex(model: str) -> Painter:
    """Vertex's row."""
    return _painter("vertex", model)
