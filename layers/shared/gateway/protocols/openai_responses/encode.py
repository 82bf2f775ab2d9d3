"""A canonical request as the body for a provider of this wire.

Where the caller spoke the same wire, the caller's bytes go through and only what must differ is edited: the model, the
gateway's own members, what the model's profile does not accept, and where responses are kept. That is here and not at
the provider, so `store` is false there, reasoning comes encrypted, and reasoning that this provider could not read is
left out. From another wire the body is built anew, and what this wire cannot express is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.canonical.reasoning import effort_of, nearest
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling, Tool, ToolChoice, bridged_tools
from gateway.canonical.target import Profile, Target
from gateway.framing.json_edit import edit, edit_objects, members
from gateway.framing.json_values import reread
from gateway.protocols.openai_responses.answer import PROTOCOL
from gateway.protocols.openai_responses.decode import ENCRYPTED_REASONING, LOGPROBS, OWN
from gateway.protocols.openai_responses.encode_items import encode_input
from gateway.protocols.openai_responses.item_ids import given
from gateway.protocols.openai_responses.signatures import is_foreign
from gateway.protocols.shared.inexpressible import inexpressible_parameter
from gateway.protocols.shared.preferences import OWN_MEMBERS

_SAMPLING_OF_FREE_MODELS = frozenset({"temperature", "top_p"})
_STREAMS_ONLY = frozenset({"stream_options"})
_STORE_FALSE = b"false"
# What stands for state that is kept here: who forwards it has not resolved it first.
_UNRESOLVED = frozenset({"background", "conversation", "previous_response_id"})
_REFERENCE = "item_reference"
# In every id of ours.
_SHOWN = b"_nxn-"
_ITEM_IDS = frozenset({"approval_request_id", "id"})
_VERBOSITIES = frozenset({"low", "medium", "high"})


def encode_request(request: ChatRequest, target: Target) -> bytes:
    """The body for `target`; raises `InvalidRequest` naming what the wire or the model cannot take."""
    if request.protocol == PROTOCOL:
        return _forwarded(request, target)
    return orjson.dumps(_built(request, target))


def _forwarded(request: ChatRequest, target: Target) -> bytes:
    """The caller's bytes, edited."""
    for path, value in request.unmapped.items():
        if path in _UNRESOLVED or (isinstance(value, dict) and value.get("type") == _REFERENCE):
            raise inexpressible_parameter(path)
    profile = target.profile
    source = _with_given_ids(request.source)
    sent = reread(source)
    put = {"model": orjson.dumps(target.model)}
    if request.stream != bool(sent.get("stream")):
        put["stream"] = orjson.dumps(request.stream)
    if sent.get("store") is not False:
        put["store"] = _STORE_FALSE
    if request.max_output_tokens is not None and sent.get("max_output_tokens") is None:
        put["max_output_tokens"] = orjson.dumps(request.max_output_tokens)
    if request.max_tool_calls is not None and sent.get("max_tool_calls") is None:
        put["max_tool_calls"] = orjson.dumps(request.max_tool_calls)
    include = sent.get("include") or []
    if profile.efforts and ENCRYPTED_REASONING not in include:
        put["include"] = orjson.dumps([*include, ENCRYPTED_REASONING])
    put |= _readable_input(sent.get("input"))
    remove = OWN_MEMBERS | {OWN}
    remove |= frozenset() if request.stream else _STREAMS_ONLY
    remove |= _SAMPLING_OF_FREE_MODELS if profile.fixed_sampling else frozenset()
    return edit(source, put, remove)


def _with_given_ids(body: bytes) -> bytes:
    """The request with the provider's own ids of items, and without those of items that the gateway made."""
    if _SHOWN not in body:
        return body
    return edit(body, {"input": edit_objects(members(body).get("input", b"null"), _with_given_id)})


def _with_given_id(item: bytes) -> bytes:
    put: dict[str, bytes] = {}
    remove: list[str] = []
    for name, value in members(item).items():
        if name not in _ITEM_IDS or not value.startswith(b'"'):
            continue
        shown = orjson.loads(value)
        identity = given(shown)
        if identity is None:
            remove.append(name)
        elif identity != shown:
            put[name] = orjson.dumps(identity)
    return edit(item, put, remove) if put or remove else item


def _readable_input(items: object) -> dict[str, bytes]:
    """The input without reasoning that the provider would refuse, and without nulls in reasoning (field case E10)."""
    if not isinstance(items, list):
        return {}
    readable = [_without_nulls(item) for item in items if not _is_unreadable(item)]
    return {} if readable == items else {"input": orjson.dumps(readable)}


def _is_unreadable(item: dict[str, Any]) -> bool:
    """Reasoning that is neither encrypted nor kept at the provider cannot be found there."""
    encrypted = item.get("encrypted_content") or ""
    return item.get("type") == "reasoning" and (not encrypted or is_foreign(encrypted))


def _without_nulls(item: dict[str, Any]) -> dict[str, Any]:
    if item.get("type") != "reasoning":
        return item
    return {name: value for name, value in item.items() if value is not None}


def _built(request: ChatRequest, target: Target) -> dict[str, Any]:
    """A body from the canonical request. `metadata` is a label for the first provider's records, and stays behind."""
    profile = target.profile
    if request.choices > 1:
        raise inexpressible_parameter("n")
    body = {
        "model": target.model,
        "input": encode_input(request.messages, profile.system_role),
        "store": False,
        **_sampling(request.sampling, profile),
        **_tools(request),
    }
    optional = {
        "stream": request.stream or None,
        "max_output_tokens": request.max_output_tokens,
        "user": request.user,
        "reasoning": _reasoning(request.reasoning, profile),
        "text": _text(request),
        "include": _include(request.sampling, profile),
    }
    return body | _given(optional)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _include(sampling: Sampling, profile: Profile) -> list[str] | None:
    wanted = [ENCRYPTED_REASONING] if profile.efforts else []
    return wanted + ([LOGPROBS] if sampling.logprobs else []) or None


def _sampling(sampling: Sampling, profile: Profile) -> dict[str, Any]:
    """Encodes the settings that the model accepts; a request has been shaped to those that the wire knows."""
    if sampling.logit_bias:
        raise inexpressible_parameter("logit_bias")
    free = not profile.fixed_sampling
    values = {"temperature": sampling.temperature, "top_p": sampling.top_p} if free else {}
    return _given({**values, "top_logprobs": sampling.top_logprobs})


def _reasoning(reasoning: Reasoning | None, profile: Profile) -> dict[str, Any] | None:
    """An effort word, from a budget where that is what was given; who asked for thoughts is shown a summary."""
    if reasoning is None or not profile.efforts:
        return None
    word = reasoning.effort
    if word is None and reasoning.budget_tokens is not None:
        word = nearest(effort_of(reasoning.budget_tokens), profile.efforts)
    asked = reasoning.include_thoughts or reasoning.budget_tokens is not None or reasoning.adaptive
    shown = asked and reasoning.include_thoughts is not False and not reasoning.disabled
    return _given({"effort": word, "summary": reasoning.summary or ("auto" if shown else None)}) or None


def _text(request: ChatRequest) -> dict[str, Any] | None:
    """The format, and the verbosity that OpenAI's chat wire keeps in a member of its own."""
    verbosity = request.hints.get("verbosity")
    if verbosity is not None and verbosity not in _VERBOSITIES:
        raise inexpressible_parameter("verbosity")
    for path in request.unmapped:
        raise inexpressible_parameter(path)
    wanted = request.output_format
    shape = None if wanted is None else _OUTPUT_FORMATS[wanted.kind](wanted)
    return _given({"format": shape, "verbosity": verbosity}) or None


def _json_schema(wanted: OutputFormat) -> dict[str, Any]:
    """The wire insists on a name and a schema."""
    optional = {"description": wanted.description, "strict": wanted.strict}
    return {"type": "json_schema", "name": wanted.name or "answer", "schema": wanted.schema or {}} | _given(optional)


_OUTPUT_FORMATS: Mapping[str, Callable[[OutputFormat], dict[str, Any]]] = {
    "text": lambda _: {"type": "text"},
    "json": lambda _: {"type": "json_object"},
    "schema": _json_schema,
}


def _tools(request: ChatRequest) -> dict[str, Any]:
    if not request.tools:
        return {}
    tools = [_tool(tool, position) for position, tool in bridged_tools(request)]
    kinds = {tool["name"]: tool["type"] for tool in tools}
    choice = None if request.tool_choice is None else _tool_choice(request.tool_choice, kinds)
    return {"tools": tools} | _given({"tool_choice": choice, "parallel_tool_calls": request.parallel_tool_calls})


def _tool(tool: Tool, position: int) -> dict[str, Any]:
    """A function says whether it is strict, since this wire, unlike others, would take it to be."""
    if tool.builtin is not None:
        raise inexpressible_parameter(f"tools[{position}]")
    if tool.free_text is None:
        function = {"type": "function", "name": tool.name, "parameters": tool.parameters, "strict": bool(tool.strict)}
        return function | _given({"description": tool.description})
    custom = {"type": "custom", "name": tool.name, "format": tool.free_text}
    return custom | _given({"description": tool.description})


def _tool_choice(choice: ToolChoice, kinds: Mapping[str, str]) -> str | dict[str, Any]:
    """`kinds` says which of the named tools is no function."""
    if choice.allowed:
        tools = [{"type": kinds.get(name, "function"), "name": name} for name in choice.allowed]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}
    if choice.tool is not None:
        return {"type": kinds.get(choice.tool, "function"), "name": choice.tool}
    return choice.mode
