"""A canonical request as the body for a provider of this wire; the model goes into the URL.

Where the caller spoke the same wire, the caller's bytes go through and only what must differ is edited: the gateway's
own members, thoughts of other providers, and what the model's profile does not accept. From another wire the body is
built anew, and what this wire cannot express is refused by name or mapped as docs/bridging.md has it. One body serves
the Developer API and Vertex: it uses nothing that only one of them knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.canonical.request import ChatRequest, OutputFormat, Sampling, Tool, ToolChoice, bridged_tools, unbridged
from gateway.canonical.target import Target
from gateway.errors import InvalidRequest
from gateway.framing import json_values
from gateway.framing.json_edit import edit, members
from gateway.protocols.gemini.answer import PROTOCOL
from gateway.protocols.gemini.decode import CHOICES_MAX
from gateway.protocols.gemini.encode_contents import encode_contents, with_signed_calls, without_foreign_thoughts
from gateway.protocols.gemini.names import camel
from gateway.protocols.gemini.schema import to_gemini
from gateway.protocols.gemini.signatures import MARKS
from gateway.protocols.gemini.thinking import encode_thinking, fits
from gateway.protocols.shared.inexpressible import inexpressible_parameter
from gateway.protocols.shared.preferences import OWN_MEMBERS

Json = dict[str, Any]

# Google would keep what is stored in the gateway's account.
_NOT_SENT = frozenset({"model", "store"})

_MODES: Mapping[str, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_REFUSED_MARKS = tuple(mark.encode() for mark in MARKS)


def encode_request(request: ChatRequest, target: Target) -> bytes:
    """The body for `target`; raises `InvalidRequest` naming what the wire or the model cannot take."""
    if request.protocol == PROTOCOL:
        return _forwarded(request, target)
    return orjson.dumps(_built(request, target))


def _forwarded(request: ChatRequest, target: Target) -> bytes:
    """The caller's bytes, edited."""
    source = request.source
    put = _tools_edit(source)
    is_foreign = any(mark in source for mark in _REFUSED_MARKS)
    if is_foreign or target.profile.signed_calls:
        contents = sent = json_values.loads(source)["contents"]
        if is_foreign:
            contents = without_foreign_thoughts(contents)
        if target.profile.signed_calls:
            contents = with_signed_calls(contents)
        if contents != sent:
            put["contents"] = orjson.dumps(contents)
    if not fits(request.reasoning, target.profile):
        put |= _thinking_edit(request, target)
    if request.max_output_tokens is not None:
        put |= _bound_edit(source, put, request.max_output_tokens)
    return edit(source, put, OWN_MEMBERS | _NOT_SENT)


def _tools_edit(source: bytes) -> dict[str, bytes]:
    """The caller's tools without those that are null, so that none runs that was not held for."""
    given = members(source).get("tools", b"")
    if b"null" not in given:
        return {}
    entries: list[Json] = json_values.loads(given) or []
    kept = [{name: tool for name, tool in entry.items() if tool is not None} for entry in entries]
    return {"tools": orjson.dumps([entry for entry in kept if entry])} if kept != entries else {}


def _bound_edit(source: bytes, put: dict[str, bytes], tokens: int) -> dict[str, bytes]:
    """The caller's generation config with a bound, where the caller set none."""
    sent = members(source)
    name = next((name for name in sent if camel(name) == "generationConfig"), "generationConfig")
    config = json_values.loads(put.get(name) or sent.get(name) or b"{}") or {}
    if any(camel(key) == "maxOutputTokens" and value is not None for key, value in config.items()):
        return {}
    others = {key: value for key, value in config.items() if camel(key) != "maxOutputTokens"}
    return {name: orjson.dumps({**others, "maxOutputTokens": tokens})}


def _thinking_edit(request: ChatRequest, target: Target) -> dict[str, bytes]:
    """The caller's generation config with its thinking in the words of the model."""
    sent = json_values.loads(request.source)
    name = next(name for name in sent if camel(name) == "generationConfig")
    others = {key: value for key, value in sent[name].items() if camel(key) != "thinkingConfig"}
    config = others | {"thinkingConfig": encode_thinking(request.reasoning, target.profile)}
    return {name: orjson.dumps(config)}


def _built(request: ChatRequest, target: Target) -> Json:
    """A body from the canonical request. `metadata` and `user` are labels for the first provider's records, and stay
    behind.
    """
    for path in unbridged(request):
        raise inexpressible_parameter(path)
    contents, instruction = encode_contents(request.messages)
    body: Json = {"contents": with_signed_calls(contents) if target.profile.signed_calls else contents}
    if instruction:
        body["systemInstruction"] = {"parts": instruction}
    body |= _tools(request)
    if config := _generation_config(request, target):
        body["generationConfig"] = config
    return body


def _generation_config(request: ChatRequest, target: Target) -> Json:
    if request.choices > CHOICES_MAX:
        raise InvalidRequest(f"This model's provider answers at most {CHOICES_MAX} times.", param="n")
    config = _sampling(request.sampling, is_free=not target.profile.fixed_sampling)
    if request.choices > 1:
        config["candidateCount"] = request.choices
    if request.max_output_tokens is not None:
        config["maxOutputTokens"] = request.max_output_tokens
    config |= _output_format(request.output_format)
    if thinking := encode_thinking(request.reasoning, target.profile):
        config["thinkingConfig"] = thinking
    return config


def _sampling(sampling: Sampling, *, is_free: bool) -> Json:
    if sampling.logit_bias:
        raise inexpressible_parameter("logit_bias")
    values = {
        "temperature": sampling.temperature if is_free else None,
        "topP": sampling.top_p if is_free else None,
        "topK": sampling.top_k if is_free and (sampling.top_k or 0) > 0 else None,
        "seed": sampling.seed,
        "stopSequences": list(sampling.stop) or None,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
        "responseLogprobs": sampling.logprobs or None,
        "logprobs": sampling.top_logprobs or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _output_format(wanted: OutputFormat | None) -> Json:
    if wanted is None or wanted.kind == "text":
        return {}
    config: Json = {"responseMimeType": "application/json"}
    if wanted.schema is not None:
        config["responseJsonSchema"] = to_gemini(wanted.schema, "response_format")
    return config


def _tools(request: ChatRequest) -> Json:
    """Functions and the choice among them. That only one be called cannot be said here."""
    if not request.tools:
        return {}
    functions = [_function(tool, f"tools[{position}]") for position, tool in bridged_tools(request)]
    body: Json = {"tools": [{"functionDeclarations": functions}]}
    if request.tool_choice is not None:
        body["toolConfig"] = {"functionCallingConfig": _choice(request.tool_choice)}
    return body


def _function(tool: Tool, path: str) -> Json:
    if tool.builtin is not None:
        raise inexpressible_parameter(path)
    function: Json = {"name": tool.name, "description": tool.description or ""}
    if tool.parameters is not None:
        function["parametersJsonSchema"] = {"type": "object"} | to_gemini(tool.parameters, f"{path}.parameters")
    return function


def _choice(choice: ToolChoice) -> Json:
    """A subset that the model need not call is what `VALIDATED` means."""
    names = list(choice.allowed) or ([choice.tool] if choice.tool is not None else [])
    mode = "VALIDATED" if choice.mode == "auto" and names else _MODES[choice.mode]
    return {"mode": mode} | ({"allowedFunctionNames": names} if names else {})
