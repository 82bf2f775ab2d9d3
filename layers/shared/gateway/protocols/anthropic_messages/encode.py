"""A canonical request as the body for a provider of this wire.

Where the caller spoke the same wire, the caller's bytes go through and only what must differ is edited: the model, the
gateway's own members, the bound, and what the model's profile does not accept. From another wire the body is built
anew, and what this wire cannot express is refused by name or mapped as docs/bridging.md has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.canonical.parts import ToolCall
from gateway.canonical.request import ChatRequest, OutputFormat, Tool, ToolChoice, bridged_tools, unbridged
from gateway.canonical.target import Target
from gateway.framing import json_values
from gateway.framing.json_edit import edit
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.encode_messages import encode_cache, encode_messages, encode_system
from gateway.protocols.anthropic_messages.foreign import has_foreign, without_foreign
from gateway.protocols.anthropic_messages.thinking import Thinking, thinking_for
from gateway.protocols.shared.inexpressible import inexpressible_parameter
from gateway.protocols.shared.preferences import OWN_MEMBERS

_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
# The members of Anthropic's own tools that bound their uses, by how the tools' types begin.
_BOUNDS_OF: Mapping[str, tuple[str, ...]] = {
    "web_search_": ("max_uses",),
    "web_fetch_": ("max_uses", "max_content_tokens"),
}
_MODES: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any"}


def encode_request(request: ChatRequest, target: Target) -> bytes:
    """The body for `target`; raises `InvalidRequest` naming what the wire or the model cannot take."""
    if request.protocol == PROTOCOL:
        return _forwarded(request, target)
    return orjson.dumps(_built(request, target))


def _forwarded(request: ChatRequest, target: Target) -> bytes:
    """The caller's bytes, edited."""
    sent = json_values.loads(request.source)
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
    tools = [_within_bounds(tool, request.tools) for tool in sent.get("tools") or ()]
    if tools != (sent.get("tools") or []):
        put["tools"] = tools
    return edit(request.source, {name: orjson.dumps(value) for name, value in put.items()}, remove)


def _within_bounds(sent: Mapping[str, Any], tools: Sequence[Tool]) -> Mapping[str, Any]:
    """A tool that the provider runs, with the bounds that are held for where the caller gave none."""
    named = _BOUNDS_OF.get(next((prefix for prefix in _BOUNDS_OF if str(sent.get("type")).startswith(prefix)), ""), ())
    tool = next((tool for tool in tools if tool.builtin == sent), None)
    if not named or tool is None:
        return sent
    bounds = {name: getattr(tool, name) for name in named if sent.get(name) is None}
    return {**sent, **{name: bound for name, bound in bounds.items() if bound is not None}}


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
    """True if the caller's own setting is equal; thinking between tools is a kind of adaptive thinking."""
    kinds = {"between_tools": "adaptive"}
    kind = kinds.get(asked["type"], asked["type"])
    return kind == config["type"] and asked.get("budget_tokens") == config.get("budget_tokens")


def _built(request: ChatRequest, target: Target) -> dict[str, Any]:
    """A body from the canonical request. `metadata` is a label for the first provider's records, and stays behind."""
    for path in unbridged(request):
        raise inexpressible_parameter(path)
    if request.choices > 1:
        raise inexpressible_parameter("n")
    messages = encode_messages(request.messages)
    thinking = thinking_for(request, target, messages)
    body: dict[str, Any] = {"model": target.model, "max_tokens": thinking.max_tokens, "messages": messages}
    system = encode_system(request.messages)
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
        body["metadata"] = {"user_id": request.user}
    return body


def _sampling(request: ChatRequest, *, is_free: bool) -> dict[str, Any]:
    """Encodes the sampling settings if the model accepts them; a thinking one does not.

    What the wire has no word for is refused where the caller would miss it in the answer. The newest models take one
    of temperature and `top_p`.
    """
    sampling = request.sampling
    both = request.routing.require_parameters and sampling.temperature is not None and sampling.top_p is not None
    for name, value in {"logprobs": sampling.logprobs, "logit_bias": sampling.logit_bias, "top_p": both}.items():
        if value:
            raise inexpressible_parameter(name)
    body: dict[str, Any] = {"stop_sequences": list(sampling.stop)} if sampling.stop else {}
    if is_free and sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    elif is_free and sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if is_free and sampling.top_k is not None and sampling.top_k > 0:
        body["top_k"] = sampling.top_k
    return body


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
        raise inexpressible_parameter(f"tools[{position}]")
    schema = dict(tool.parameters or {})
    encoded: dict[str, Any] = {
        "name": tool.name,
        "input_schema": {"type": "object"} | schema,
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


def _output_config(wanted: OutputFormat | None, effort: str | None) -> dict[str, Any]:
    config: dict[str, Any] = {} if effort is None else {"effort": effort}
    if wanted is not None and wanted.kind == "schema" and wanted.schema is not None:
        config["format"] = {"type": "json_schema", "schema": wanted.schema}
    return {"output_config": config} if config else {}
