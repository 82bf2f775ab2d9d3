"""Computes every cell of the bridging tables from the codecs' treatment of a golden.

A feature is *kept* if its payload arrives, whole or *in part*. It *becomes* something if only the body differs
without it, is *left out* if the body is the same as without it, and else is a *400* with the `param` that it names. On
its own wire it stays *as it came*, or a member is *edited*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.canonical.codec import ClientCodec, UpstreamCodec
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.target import Target
from gateway.canonical.tries import Tried
from gateway.errors import GatewayError, InvalidRequest
from gateway.protocols import anthropic_messages, bedrock_converse, cohere_chat, gemini, openai_chat, openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.providers.chat.profiles import PROFILES
from tests.bridging.goldens import Feature, Golden, Json
from tests.protocols.shaped import encoded

CLIENTS: Mapping[str, ClientCodec] = {
    codec.protocol: codec
    for codec in (
        openai_chat.CLIENT,
        openai_responses.CLIENT,
        anthropic_messages.CLIENT,
        GeminiClient(Address("m", "generateContent")),
    )
}
UPSTREAMS: Mapping[str, UpstreamCodec] = {
    codec.protocol: codec
    for codec in (
        openai_chat.UPSTREAM,
        openai_responses.UPSTREAM,
        anthropic_messages.UPSTREAM,
        gemini.UPSTREAM,
        bedrock_converse.UPSTREAM,
        cohere_chat.UPSTREAM,
    )
}
_REASONS = replace(PROFILES["openai_gpt5_2"], name="openai_gpt", fixed_sampling=False)
# For each wire a model that accepts everything that the wire can express.
TARGETS: Mapping[str, Target] = {
    "openai_chat": Target("up", _REASONS, 64_000),
    "openai_responses": Target("up", _REASONS, 64_000),
    "anthropic_messages": Target("up", PROFILES["claude_either"], 64_000),
    "gemini": Target("up", PROFILES["gemini_2_5_flash"], 64_000),
    "bedrock_converse": Target("up", PROFILES["claude_either"], 64_000),
    "cohere_chat": Target("up", PROFILES["command_reasoning"], 64_000),
}
STAMP = Stamp(response_id="nxn-1", model="asked", created_s=1)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")
# The gateway's own names in an answer, and what it says of its own keeping.
_NAMES = frozenset({"id", "responseId", "modelVersion", "store", "previous_response_id"})
_VALUE_CHARACTERS_MAX = 48
_PLACES_MAX = 2
_REFUSED = "400 `{}`"
_LEFT_OUT = "left out"
_UNTOUCHED = "as it came"


def request_cell(feature: Feature, golden: Golden, client: str, upstream: str) -> str:
    """Describes the result of a feature in a caller's request."""
    try:
        asked = CLIENTS[client].decode_request(orjson.dumps(golden.body))
        sent = _sent(asked, upstream)
    except InvalidRequest as refusal:
        return _REFUSED.format(refusal.param)
    if client == upstream:
        return _own(golden.body, sent)
    plain = _sent(CLIENTS[client].decode_request(orjson.dumps(golden.without)), upstream)
    verdict = _verdict(feature, sent, plain)
    return verdict + _strictly(asked, upstream, verdict)


def answer_cell(feature: Feature, golden: Golden, upstream: str, client: str) -> str:
    """Describes the form in which a caller sees a feature of a provider's answer."""
    if client == upstream:
        said = {name: value for name, value in golden.body.items() if name not in _NAMES}
        return _own(said, _told(golden.body, upstream, client))
    return _verdict(feature, _told(golden.body, upstream, client), _told(golden.without, upstream, client))


def ending_cell(golden: Golden, upstream: str, client: str) -> str:
    """Returns the caller's word for a provider's end reason."""
    try:
        told = _told(golden.body, upstream, client)
    except GatewayError as error:
        return f"{error.status} `{error.code}`"
    return f"`{_ENDINGS[client](told)}`"


def _own(body: Json, passed: Json) -> str:
    """Describes the changes to the caller's own body, without the model's name."""
    edited = [name for name, value in body.items() if name != "model" and passed.get(name) != value]
    return f"edited: {', '.join(f'`{name}`' for name in edited)}" if edited else _UNTOUCHED


def _sent(asked: ChatRequest, upstream: str) -> Json:
    sent: Json = orjson.loads(encoded(UPSTREAMS[upstream], asked, TARGETS[upstream]))
    return sent


def _told(body: Json, upstream: str, client: str) -> Json:
    """Returns the caller's body, without the gateway's additions."""
    codec, source = CLIENTS[client], orjson.dumps(body)
    response = UPSTREAMS[upstream].decode_response(source)
    if upstream == client:
        told = _without_promised(codec.forward_response(source, STAMP, EXTENSION), body)
    else:
        told = codec.encode_response(response, STAMP, EXTENSION)
    return {name: value for name, value in orjson.loads(told).items() if name != "nexevo"}


def _without_promised(told: bytes, body: Json) -> bytes:
    """Returns a forwarded answer with the provider's ids of items, and without `tool_calls: null` that it left out."""
    forwarded = orjson.loads(told.replace(b"_nxn-", b"_"))
    for choice, sent in zip(forwarded.get("choices", ()), body.get("choices", ()), strict=True):
        if "tool_calls" not in sent["message"] and choice["message"]["tool_calls"] is None:
            del choice["message"]["tool_calls"]
    return orjson.dumps(forwarded)


def _verdict(feature: Feature, body: Json, plain: Json) -> str:
    changes = dict(_changes(body, plain, ""))
    if not changes:
        return _LEFT_OUT
    arrived = [_holds(body, piece) for piece in feature.payload]
    if not any(arrived):
        return f"becomes {', '.join(_told_change(path, value) for path, value in changes.items())}"
    places = ", ".join(f"`{place}`" for place in _places(changes))
    return f"kept: {places}" if all(arrived) else f"in part: {places}"


def _places(changes: Mapping[str, Any]) -> list[str]:
    """Lists the changed places. Many members of one object, or elements of one array, count as the object or array."""
    places = [re.split(r"\[", path)[0] for path in changes]
    return list(dict.fromkeys(places if len(set(places)) <= _PLACES_MAX else (path.split(".")[0] for path in places)))


def _strictly(asked: ChatRequest, upstream: str, verdict: str) -> str:
    """Returns the refusal of a caller that requires every parameter, if the result differs."""
    if verdict.startswith("kept"):
        return ""
    try:
        _sent(replace(asked, routing=replace(asked.routing, require_parameters=True)), upstream)
    except InvalidRequest as refusal:
        return f"; strictly {_REFUSED.format(refusal.param)}"
    return ""


def _changes(body: Json, plain: Json, path: str) -> Iterator[tuple[str, Any]]:
    """Yields the members that differ from the body without the feature, as deep as both have the same structure."""
    for name in dict.fromkeys((*body, *plain)):
        if body.get(name) != plain.get(name):
            yield from _change(body.get(name), plain.get(name), f"{path}{name}")


def _change(mine: Any, other: Any, path: str) -> Iterator[tuple[str, Any]]:
    match mine, other:
        case dict(), dict():
            yield from _changes(mine, other, f"{path}.")
        case list(), list() if len(mine) == len(other):
            for place, (my_element, its_element) in enumerate(zip(mine, other, strict=True)):
                if my_element != its_element:
                    yield from _change(my_element, its_element, f"{path}[{place}]")
        case dict(), None if len(mine) == 1:
            (name,) = mine
            yield from _change(mine[name], None, f"{path}.{name}")
        case _:
            yield path, mine


def _told_change(path: str, value: Any) -> str:
    text = orjson.dumps(value).decode()
    if value is None:
        return f"no `{path}`"
    return f"`{path}`" if len(text) > _VALUE_CHARACTERS_MAX else f"`{path}: {text}`"


def _holds(value: Any, piece: str | float) -> bool:
    """True if a value contains a text in any text or name, or a number as a whole value."""
    match value:
        case dict():
            named = isinstance(piece, str) and any(piece in name for name in value)
            return named or any(_holds(member, piece) for member in value.values())
        case list():
            return any(_holds(element, piece) for element in value)
        case str():
            return isinstance(piece, str) and piece in value
        case _:
            return type(value) is type(piece) and value == piece


def _responses_ending(body: Json) -> str:
    details = body.get("incomplete_details")
    status: str = body["status"]
    return status if details is None else f"{status}: {details['reason']}"


_ENDINGS: Mapping[str, Callable[[Json], str]] = {
    "openai_chat": lambda body: body["choices"][0]["finish_reason"],
    "openai_responses": _responses_ending,
    "anthropic_messages": lambda body: body["stop_reason"],
    "gemini": lambda body: body["candidates"][0]["finishReason"],
}
