"""A canonical request as the body for a provider of this wire.

Where the caller spoke the same wire, the caller's bytes go through and only what must differ is edited: the model, the
gateway's own members, the bound, and what the model's profile does not accept. From another wire the body is built
anew, and what this wire cannot express is refused by name or mapped as docs/bridging.md has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.canonical.custom_tools import in_functions
from gateway.canonical.parts import ToolCall
from gateway.canonical.request import ChatRequest, OutputFormat, Sampling, Tool, ToolChoice, bridged_tools, unbridged
from gateway.canonical.target import Target
from gateway.errors import InvalidRequest
from gateway.framing.preferences import OWN_MEMBERS
from gateway.framing.splice import edit
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.encode_messages import encode_cache, encode_messages, encode_system
from gateway.protocols.anthropic_messages.foreign import has_foreign, without_foreign
from gateway.protocols.anthropic_messages.schema import enforceable
from gateway.protocols.anthropic_messages.thinking import Thinking, thinking_for

JSON_ONLY = "Answer with one JSON object and nothing else."

_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_USER_CHARACTERS_MAX = 256
_MODES: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any"}


def encode_request(request: ChatRequest, target: Target) -> bytes:
    """The body for `target`; raises `InvalidRequest` naming what the wire or the model cannot take."""
    if request.protocol == PROTOCOL:
        return _forwarded(request, target)
    return orjson.dumps(_built(in_functions(request), target))


def _forwarded(request: ChatRequest, target: Target) -> bytes:
    """The caller's bytes, edited."""
    sent = orjson.loads(request.source)
    put: dict[str, Any] = {"model": target.model}
    if request.stream != bool(sent.get("stream")):
        put["stream"] = request.stream
    messages = sent["messages"]
    if has_foreign(request.messages):
        put["messages"] = messages = without_foreign(messages)
    thinking = thinking_for(request, target, messages)
    remove = OWN_MEMBERS | (_SAMPLING if target.profile.fixed_sampling else frozenset())
    if "max_tokens" in sent and sent["max_tokens"] != thinking.max_tokens:
        put["max_tokens"] = thinking.max_tokens
    remove |= _edit_thinking(sent, thinking, put)
    return edit(request.source, {name: orjson.dumps(value) for name, value in put.items()}, remove)


def _edit_thinking(sent: Mapping[str, Any], thinking: Thinking, put: dict[str, Any]) -> frozenset[str]:
    """Puts what the model takes in the place of what it does not; the members that it takes none of."""
    remove = set()
    asked = sent.get("thinking")
    if thinking.config is None:
        remove.add("thinking")
    elif asked is not None and not _asks_the_same(asked, thinking.config):
        put["thinking"] = thinking.config
    config = sent.get("output_config") or {}
    if config.get("effort") != thinking.effort:
        others = {name: value for name, value in config.items() if name != "effort"}
        effort = {} if thinking.effort is None else {"effort": thinking.effort}
        put["output_config"] = others | effort
        if not put["output_config"]:
            del put["output_config"]
            remove.add("output_config")
    return frozenset(remove)


def _asks_the_same(asked: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether the caller's own words do; thinking between tools is a manner of adaptive thinking."""
    kinds = {"between_tools": "adaptive"}
    kind = kinds.get(asked["type"], asked["type"])
    return kind == config["type"] and asked.get("budget_tokens") == config.get("budget_tokens")


def _built(request: ChatRequest, target: Target) -> dict[str, Any]:
    """A body from the canonical request. `metadata` is a label for the first provider's records, and stays behind."""
    for path in unbridged(request):
        raise _inexpressible(path)
    if request.choices > 1:
        raise _inexpressible("n")
    messages = encode_messages(request.messages)
    thinking = thinking_for(request, target, messages)
    body: dict[str, Any] = {"model": target.model, "max_tokens": thinking.max_tokens, "messages": messages}
    system = encode_system(request.messages) + _instruction(request.output_format)
    if system:
        body["system"] = system
    if request.stream:
        body["stream"] = True
    body |= _sampling(request, is_free=not (thinking.is_on or target.profile.fixed_sampling))
    body |= _tools(request)
    body |= _output_config(request.output_format, thinking.effort)
    if thinking.config is not None:
        body["thinking"] = thinking.config
    if request.user is not None:
        body["metadata"] = {"user_id": _user(request.user)}
    return body


def _inexpressible(path: str) -> InvalidRequest:
    message = f"'{path}' cannot be expressed for this model's provider."
    return InvalidRequest(message, param=path, code="unsupported_parameter")


def _user(user: str) -> str:
    if len(user) > _USER_CHARACTERS_MAX:
        raise InvalidRequest(
            f"This model's provider takes at most {_USER_CHARACTERS_MAX} characters of 'user'.", param="user"
        )
    return user


def _sampling(request: ChatRequest, *, is_free: bool) -> dict[str, Any]:
    """How tokens are drawn, where the model lets a caller say so: a thinking one does not.

    What only colours an answer is left out where the wire has no word for it, unless the caller requires every
    parameter; what the caller would miss in the answer is refused.
    """
    sampling = request.sampling
    for name, value in _missing_words(sampling, strict=request.routing.require_parameters).items():
        if value:
            raise _inexpressible(name)
    if any(not stop.strip() for stop in sampling.stop):
        raise InvalidRequest("This model's provider takes no stop sequence of blanks alone.", param="stop")
    body: dict[str, Any] = {"stop_sequences": list(sampling.stop)} if sampling.stop else {}
    if is_free and sampling.temperature is not None:
        # The newest models take one of the two; this wire's temperatures end at 1.
        body["temperature"] = min(sampling.temperature, 1.0)
    elif is_free and sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if is_free and sampling.top_k is not None and sampling.top_k > 0:
        body["top_k"] = sampling.top_k
    return body


def _missing_words(sampling: Sampling, *, strict: bool) -> dict[str, Any]:
    """What this wire cannot say, by the name that callers know it under."""
    always = {"logprobs": sampling.logprobs, "logit_bias": sampling.logit_bias}
    if not strict:
        return always
    return always | {
        "seed": sampling.seed is not None,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "temperature": sampling.temperature is not None and sampling.temperature > 1,
        "top_p": sampling.temperature is not None and sampling.top_p is not None,
    }


def _tools(request: ChatRequest) -> dict[str, Any]:
    """The tools, less those that a choice of some leaves out.

    A conversation with calls in it must define tools: where the caller defines none any more, those that were called
    are named, and may not be called (field case G3 of another wire).
    """
    choice = request.tool_choice
    if not request.tools:
        called = _called(request)
        return {"tools": called, "tool_choice": {"type": "none"}} if called else {}
    allowed = choice.allowed if choice is not None else ()
    tools = [_tool(tool, position) for position, tool in bridged_tools(request) if _is_allowed(tool, allowed)]
    body: dict[str, Any] = {"tools": tools}
    if choice is not None or request.parallel_tool_calls is False:
        body["tool_choice"] = _tool_choice(choice or ToolChoice("auto"), request.parallel_tool_calls)
    return body


def _called(request: ChatRequest) -> list[dict[str, Any]]:
    parts = [part for message in request.messages for part in message.parts]
    names = dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall))
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


def _is_allowed(tool: Tool, allowed: Sequence[str]) -> bool:
    return not allowed or tool.name in allowed


def _tool(tool: Tool, position: int) -> dict[str, Any]:
    """The wire insists on a schema, and that it is an object's."""
    if tool.builtin is not None:
        raise _inexpressible(f"tools[{position}]")
    schema = dict(tool.parameters or {})
    encoded: dict[str, Any] = {
        "name": tool.name,
        "input_schema": enforceable(schema) if tool.strict else {"type": "object"} | schema,
    }
    if tool.description:
        encoded["description"] = tool.description
    if tool.strict:
        encoded["strict"] = True
    return encoded | encode_cache(tool.cache)


def _tool_choice(choice: ToolChoice, parallel: bool | None) -> dict[str, Any]:
    encoded = {"type": "tool", "name": choice.tool} if choice.tool is not None else {"type": _MODES[choice.mode]}
    one_by_one = parallel is False and encoded["type"] != "none"
    return encoded | ({"disable_parallel_tool_use": True} if one_by_one else {})


def _instruction(wanted: OutputFormat | None) -> list[dict[str, Any]]:
    """JSON without a schema is asked for in words, as OpenAI too has callers do."""
    is_plain = wanted is not None and (wanted.kind == "json" or (wanted.kind == "schema" and wanted.schema is None))
    return [{"type": "text", "text": JSON_ONLY}] if is_plain else []


def _output_config(wanted: OutputFormat | None, effort: str | None) -> dict[str, Any]:
    config: dict[str, Any] = {} if effort is None else {"effort": effort}
    if wanted is not None and wanted.kind == "schema" and wanted.schema is not None:
        config["format"] = {"type": "json_schema", "schema": enforceable(wanted.schema)}
    return {"output_config": config} if config else {}
