"""Writes a whole answer for the cache, reads it again, and judges which one may be kept at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from msgspec import Struct
from msgspec.structs import asdict

from gateway.canonical.parts import Citation, Opaque, RedactedThinking, Refusal, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, FinishReason
from gateway.canonical.usage import Usage

VERSION = 1
# An answer that ended by itself. One that was cut, filtered, refused or paused is not what the request asked for.
WHOLE_ENDS = frozenset({FinishReason.STOP, FinishReason.STOP_SEQUENCE, FinishReason.TOOL_CALLS})
_TYPES: Mapping[str, type[Struct]] = {
    each.__name__: each
    for each in (Choice, Citation, Opaque, RedactedThinking, Refusal, Text, Thinking, ToolCall, Usage)
}
_TYPE = "@"


def form_of(types: Mapping[str, type[Struct]]) -> str:
    """Names the form in which answers of such parts are written: a release with other fields cannot read them."""
    fields = [(name, types[name].__struct_fields__) for name in sorted(types)]
    return hashlib.sha256(repr((VERSION, fields)).encode()).hexdigest()[:16]


FORM = form_of(_TYPES)


class Origin(Struct, frozen=True):
    """The target that made an answer: its model's id, its provider, and its region there."""

    model_id: str
    provider: str
    region: str | None


class Kept(Struct, frozen=True):
    """An answer to keep: the provider's own bytes where it came whole, what they mean, and the wire they are of."""

    response: ChatResponse
    origin: Origin
    body: bytes = b""
    protocol: str = ""


def may_be_kept(response: ChatResponse, delivered_bytes: int) -> bool:
    """True for a complete answer that its provider has counted, and that the same request would be given again."""
    return (
        delivered_bytes > 0
        and response.usage is not None
        and not response.uses
        and not response.usage.uses
        and all(choice.finish_reason in WHOLE_ENDS for choice in response.choices)
        and not any(isinstance(part, Refusal) for choice in response.choices for part in choice.parts)
    )


def written(kept: Kept) -> bytes:
    """The answer as bytes."""
    response = kept.response
    whole = [response.upstream_id, response.model, response.created_s, response.choices, response.usage]
    text = orjson.dumps(whole, _plain)
    origin = (kept.origin.model_id, kept.origin.provider, kept.origin.region)
    return msgspec.msgpack.encode((FORM, origin, kept.body, kept.protocol, text))


def read(content: bytes) -> Kept | None:
    """The answer of such bytes; `None` where another release has written them."""
    form, *rest = msgspec.msgpack.decode(content)
    if form != FORM:
        return None
    origin, body, protocol, text = rest
    upstream_id, model, created_s, choices, usage = orjson.loads(text)
    made = tuple(_choice(choice) for choice in choices)
    response = ChatResponse(upstream_id, model, created_s, made, None if usage is None else _made(usage))
    return Kept(response, Origin(*origin), body, protocol)


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return {_TYPE: type(value).__name__, **asdict(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of an answer")


def _choice(plain: dict[str, Any]) -> Choice:
    """A choice; its log probabilities are JSON, and stay as they are."""
    parts = tuple(_made(part) for part in plain["parts"])
    return Choice(
        plain["index"], parts, FinishReason(plain["finish_reason"]), plain["stop_sequence"], plain["logprobs"]
    )


def _made(plain: Any) -> Any:
    """The value that `_plain` has written."""
    if isinstance(plain, list):
        return tuple(map(_made, plain))
    if not isinstance(plain, dict):
        return plain
    fields = {name: _made(value) for name, value in plain.items() if name != _TYPE}
    return _TYPES[plain[_TYPE]](**fields)
