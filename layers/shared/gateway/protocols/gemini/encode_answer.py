"""A canonical answer as a GenerateContentResponse (https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from gateway.canonical.parts import Citation, Opaque, Part, RedactedThinking, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.framing.json_values import reread
from gateway.protocols.gemini.answer import PROTOCOL, encode_finish_reason, encode_logprobs, encode_usage
from gateway.protocols.gemini.encode_contents import encode_function_call, object_written
from gateway.protocols.gemini.signatures import encode_redacted, encode_signature
from gateway.protocols.shared.pictures import picture_in

Json = dict[str, Any]

# The official SDKs keep a turn in a chat's history only if each of its pieces has a part with something in it.
NOTHING_SAID: Json = {"text": ""}


def encode_response(response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
    """The whole body; what this wire has no word for is left out, as docs/bridging.md has it."""
    body: Json = {"candidates": [_candidate(choice) for choice in response.choices]}
    if response.usage is not None:
        body["usageMetadata"] = encode_usage(response.usage)
    body |= {"modelVersion": stamp.model, "responseId": stamp.response_id, "nexevo": extension.as_json()}
    return orjson.dumps(body)


def encode_part(part: Part) -> Json | None:
    """One part of an answer; nothing where this wire has no word for it."""
    match part:
        case Text(text, signature=signature):
            return _signed({"text": text}, signature)
        case Thinking(text, signature, signed_by):
            return _signed({"text": text, "thought": True}, encode_signature(signature, signed_by))
        case RedactedThinking(data, signed_by):
            return _signed({"text": "", "thought": True}, encode_redacted(data, signed_by))
        case Refusal(text):
            return {"text": text}
        case ToolCall():
            return encode_function_call(part)
        case Opaque(protocol, json_text) if protocol == PROTOCOL:
            own: Json = reread(json_text)
            return own
        case Opaque(_, json_text):
            picture = picture_in(json_text)
            return picture and {"inlineData": {"mimeType": picture.media_type, "data": picture.base64}}
        case _:
            return None


def is_malformed(part: Part) -> bool:
    """True if a call's arguments are no object, which a call of this wire requires."""
    return isinstance(part, ToolCall) and not part.custom and object_written(part.arguments) is None


def candidate_of(parts: Sequence[Part], index: int, reason: FinishReason | None) -> Json:
    """Builds a finished candidate.

    A call that cannot be run is not shown: the finish reports it, as Gemini's own does.
    """
    malformed = [part for part in parts if is_malformed(part)]
    if malformed and reason is not FinishReason.LENGTH:
        reason = FinishReason.MALFORMED_TOOL_CALL
    encoded = [part for shown in parts if not is_malformed(shown) and (part := encode_part(shown)) is not None]
    candidate: Json = {
        "content": {"parts": encoded or [NOTHING_SAID], "role": "model"},
        "finishReason": encode_finish_reason(reason),
        "index": index,
    }
    calls = ", ".join(f"{part.name}({part.arguments})" for part in malformed if isinstance(part, ToolCall))
    return candidate | ({"finishMessage": f"Malformed function call: {calls}"} if calls else {})


def own_sources(citations: Iterable[Citation]) -> Json:
    """The candidate's members that this wire's own citations came from."""
    members: Json = {}
    for citation in citations:
        if citation.protocol == PROTOCOL:
            members |= reread(citation.json_text)
    return members


def _candidate(choice: Choice) -> Json:
    citations = [citation for part in choice.parts if isinstance(part, Text) for citation in part.citations]
    return (
        candidate_of(choice.parts, choice.index, choice.finish_reason)
        | own_sources(citations)
        | encode_logprobs(choice.logprobs)
    )


def _signed(part: Json, signature: str | None) -> Json:
    return part | {"thoughtSignature": signature} if signature else part
