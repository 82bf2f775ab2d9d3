"""OpenAI's images wire, as callers speak it: https://platform.openai.com/docs/api-reference/images.

Edits come as a form with files, or as JSON with addresses and file ids. Members beyond OpenAI's (`negative_prompt`,
`seed`, `reference_image_b64`, `reference_image_url`) are section 7 of the public contract.
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.images import BASE64, IMAGE_TOKEN, Action, Drawing, Drawn, ImageRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.framing.multipart import sends_form
from gateway.framing.sse import sse_event
from gateway.protocols.openai_images.decode import PROTOCOL, decode_form, decode_json
from gateway.protocols.shared.openai_errors import encode_error, error_object

_EVENTS = {Action.GENERATION: "image_generation", Action.EDIT: "image_edit", Action.VARIATION: "image_edit"}


class OpenAIImages:
    """The codec of callers of one of the wire's paths."""

    protocol = PROTOCOL
    id_prefix = "img-"
    stream_type = "text/event-stream; charset=utf-8"
    keep_alive = b": NX\n\n"

    def __init__(self, action: Action) -> None:
        self.action = action

    def decode_request(self, content_type: str, body: bytes) -> ImageRequest:
        """The canonical request; raises `InvalidRequest` with the place of what is wrong."""
        if self.action is not Action.GENERATION and sends_form(content_type):
            return decode_form(self.action, content_type, body)
        return decode_json(self.action, body)

    def encode_answer(self, request: ImageRequest, answer: Drawn, stamp: Stamp, extension: Extension) -> bytes:
        """The list of pictures, whose base64 keeps the provider's bytes."""
        del request
        whole: dict[str, Any] = {
            "created": stamp.created_s,
            "data": [_shown(drawing) for drawing in answer.drawings],
            **answer.told,
        }
        if (usage := shown_usage(answer.usage)) is not None:
            whole["usage"] = usage
        return orjson.dumps(whole | {"nexevo": extension.as_json()})

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's error object."""
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)

    def partial_event(self, event: dict[str, Any]) -> bytes:
        """The event of a picture that is not finished, from the provider's members of it."""
        return self._event("partial_image", event)

    def completed_event(
        self, drawing: Drawing, answer: Drawn, usage: Usage | None, stamp: Stamp, extension: Extension | None
    ) -> bytes:
        """The event of a finished picture; the last one carries what the request cost."""
        event: dict[str, Any] = {"b64_json": drawing.base64} if drawing.base64 else {"url": drawing.url}
        event |= {"created_at": stamp.created_s, **_TOLD, **answer.told}
        event["usage"] = shown_usage(usage) or _NO_TOKENS
        if extension is not None:
            event["nexevo"] = extension.as_json()
        return self._event("completed", event)

    def error_event(self, error: GatewayError) -> bytes:
        """The event of a failure, by which OpenAI's SDKs raise."""
        return sse_event(orjson.dumps({"type": "error", "error": error_object(error)}), "error")

    def _event(self, kind: str, members: dict[str, Any]) -> bytes:
        name = f"{_EVENTS[self.action]}.{kind}"
        return sse_event(orjson.dumps({**members, "type": name}), name)


# What OpenAI's events always have.
_TOLD = {"background": "auto", "output_format": "png", "quality": "auto", "size": "auto"}
_NO_TOKENS = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}


def shown_usage(usage: Usage | None) -> dict[str, Any] | None:
    """The tokens in OpenAI's members; nothing where none were counted."""
    if usage is None or not usage.total:
        return None
    of_pictures = min(dict(usage.uses).get(IMAGE_TOKEN, 0), usage.prompt)
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"image_tokens": of_pictures, "text_tokens": usage.prompt - of_pictures},
        "output_tokens": usage.output,
        "total_tokens": usage.total,
    }


def _shown(drawing: Drawing) -> dict[str, Any]:
    shown: dict[str, Any] = {"url": drawing.url} if drawing.url else {BASE64: drawing.base64}
    return shown if drawing.revised_prompt is None else {**shown, "revised_prompt": drawing.revised_prompt}


GENERATIONS = OpenAIImages(Action.GENERATION)
EDITS = OpenAIImages(Action.EDIT)
VARIATIONS = OpenAIImages(Action.VARIATION)
