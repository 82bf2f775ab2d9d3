"""Names a request: equal names only for requests that may have the same answer.

The name is a hash over the whole canonical request, the callers who share its answer and the model that answers. A
field that the canonical request gains later is part of it by itself; `WITHOUT_EFFECT` lists, with its reason, each that
is not.

A canonical request may hold less than its source: filters that are switched off, the kind of a thought's summary. So
the source is part of the name too, without its labels. Only a plain request, of nothing but texts and numbers that are
all in the canonical one, has one name on every wire.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import asdict

from gateway.canonical.json_bounds import ExceedsBounds
from gateway.canonical.parts import Text
from gateway.canonical.request import ChatRequest
from gateway.framing import json_values

WITHOUT_EFFECT: Mapping[str, str] = {
    "protocol": "part of the name where the source is",
    "model": "the model that answers is in the name, and several names lead to it",
    "source": "part of the name unless all of it is in the other fields",
    "stream": "a kept answer is streamed where that is asked for",
    "include_usage": "written anew for each caller",
    "user": "labels who asked; the scope `user` tells them apart",
    "metadata": "labels the request; no model reads it",
    "echo": "written anew for each caller, and part of the source",
    "routing": "the target that answered has to be in the plan of a request that it is given to",
    "unread_bytes": "a count over the source",
    "sound": "measured from the parts",
}
# Members of a body that no model reads: what the fields above were read from, and what tells a provider how to store,
# schedule or cache.
LABELS = frozenset(
    {
        "client_metadata", "labels", "max_price", "metadata", "model", "models", "nexevo", "prompt_cache_key",
        "prompt_cache_options", "prompt_cache_retention", "provider", "safety_identifier", "serviceTier",
        "service_tier", "store", "stream", "stream_options", "user",
    }
)  # fmt: skip
# The names of a plain request's members at any depth, on any wire.
PLAIN = frozenset(
    {
        "content", "contents", "frequencyPenalty", "frequency_penalty", "generationConfig", "input", "instructions",
        "maxOutputTokens", "max_completion_tokens", "max_output_tokens", "max_tokens", "messages", "parts",
        "presencePenalty", "presence_penalty", "role", "seed", "stop", "stopSequences", "stop_sequences", "system",
        "systemInstruction", "temperature", "text", "topK", "topP", "top_k", "top_p", "type",
    }
)  # fmt: skip
_TYPE = "@"


def request_digest(request: ChatRequest, *, plain_alone: bool = False) -> bytes | None:
    """The hash of all that can change the answer; `None` for a request that has no exact one.

    With `plain_alone`, a request that is not plain has none either.

    What a provider keeps, or finds by itself, is not in the request. A body that names a member twice is read
    differently by different readers, and some JSON is nested too deep to be written.
    """
    if request.provider_state is not None or request.late_tools or any(tool.provider_run for tool in request.tools):
        return None
    fields = {name: value for name, value in asdict(request).items() if name not in WITHOUT_EFFECT}
    fields["require_parameters"] = request.routing.require_parameters
    try:
        body = json_values.loads(request.source)
        if not isinstance(body, dict) or json_values.repeats_a_name(request.source, body):
            return None
        read = {name: value for name, value in body.items() if name not in LABELS}
        is_plain = _has_texts_alone(request) and _is_plain(read)
        if plain_alone and not is_plain:
            return None
        if not is_plain:
            fields |= {"protocol": request.protocol, "source": read}
        return hashlib.sha256(orjson.dumps(fields, _plain, orjson.OPT_SORT_KEYS)).digest()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, ExceedsBounds):
        return None


def answer_digest(digest: bytes, scope_name: str, model_id: str) -> str:
    """The name of the model's answer to a request for these callers, as hex."""
    return hashlib.sha256(digest + orjson.dumps([scope_name, model_id])).hexdigest()


def _has_texts_alone(request: ChatRequest) -> bool:
    if request.unmapped or request.hints:
        return False
    return all(type(part) is Text for message in request.messages for part in message.parts)


def _is_plain(body: Any) -> bool:
    """True if a body has no other members, at any depth, than those of plain requests."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if not value.keys() <= PLAIN:
                return False
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return True


def _plain(value: Any) -> Any:
    """A value that JSON has no form for; two kinds of values never look the same."""
    if isinstance(value, Struct):
        return {_TYPE: type(value).__name__, **asdict(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no plain form")
