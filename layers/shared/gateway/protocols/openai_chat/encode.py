"""A canonical request as the body for a provider of this wire.

Where the caller spoke the same wire, the caller's bytes go through and only what must differ is edited: the
model, the gateway's own members, usage on streams, and what the model's profile does not accept. From another
wire the body is built anew, and what this wire cannot express is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson

from gateway.canonical.reasoning import nearest
from gateway.canonical.request import (
    ChatRequest,
    OutputFormat,
    Reasoning,
    Sampling,
    Tool,
    ToolChoice,
    bridged_tools,
    unbridged,
)
from gateway.canonical.target import Profile, Target
from gateway.framing.json_edit import ObjectText
from gateway.framing.json_values import reread
from gateway.protocols.openai_chat.answer import PROTOCOL
from gateway.protocols.openai_chat.encode_messages import encode_messages
from gateway.protocols.shared.inexpressible import inexpressible_parameter
from gateway.protocols.shared.preferences import OWN_MEMBERS

_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})
_SAMPLING_OF_FREE_MODELS = frozenset({"temperature", "top_p"})
_INSTRUCTIONS = frozenset({"system", "developer"})
_STREAMS_ONLY = frozenset({"stream_options"})
# Where a caller gave a budget in tokens: the least budget that each word stands for, from the most down.
_EFFORT_BUDGETS = ((16384, "high"), (4096, "medium"), (0, "low"))


def encode_request(request: ChatRequest, target: Target) -> bytes:
    """The body for `target`; raises `InvalidRequest` naming what the wire or the model cannot take."""
    if request.protocol == PROTOCOL:
        return _forwarded(request, target)
    return orjson.dumps(_built(request, target))


def _forwarded(request: ChatRequest, target: Target) -> bytes:
    """The caller's bytes, edited."""
    profile = target.profile
    sent = ObjectText(request.source)
    put = {"model": orjson.dumps(target.model)}
    # OpenAI would keep what is stored in the gateway's account.
    # A marker for the whole conversation is another wire's: OpenAI keeps prefixes without being asked.
    remove = OWN_MEMBERS | {"cache_control", "store"}
    remove |= _SAMPLING_OF_FREE_MODELS if profile.fixed_sampling else frozenset()
    if request.max_output_tokens is not None and sent.get(profile.output_limit) == b"null":
        put[profile.output_limit] = orjson.dumps(request.max_output_tokens)
        remove |= _LIMITS - {profile.output_limit}
    if request.stream and not request.include_usage:
        put["stream_options"] = orjson.dumps((reread(sent.get("stream_options")) or {}) | {"include_usage": True})
    if request.stream != (sent.get("stream") == b"true"):
        put["stream"] = orjson.dumps(request.stream)
    remove |= frozenset() if request.stream else _STREAMS_ONLY
    put |= _instructions(sent.get("messages"), profile)
    return sent.edited(put, remove)


def _instructions(text: bytes, profile: Profile) -> dict[str, bytes]:
    """The messages with instructions under the role that the model knows, where that is another one.

    They are read where the word of another role is among them, or may be, spelt with escapes.
    """
    known = profile.system_role
    words = [b"\\u", *(role.encode() for role in _INSTRUCTIONS if role != known)]
    if max(map(text.find, words)) < 0:
        return {}
    messages: list[dict[str, Any]] = reread(text)
    others = [turn for turn in messages if turn["role"] in _INSTRUCTIONS and turn["role"] != known]
    for turn in others:
        turn["role"] = known
    return {"messages": orjson.dumps(messages)} if others else {}


def _built(request: ChatRequest, target: Target) -> dict[str, Any]:
    """A body from the canonical request. `metadata` is a label for the first provider's records, and stays
    behind.
    """
    for path in unbridged(request):
        raise inexpressible_parameter(path)
    profile = target.profile
    messages = encode_messages(request.messages, profile.system_role)
    body: dict[str, Any] = {"model": target.model, "messages": messages}
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if request.choices > 1:
        body["n"] = request.choices
    if request.max_output_tokens is not None:
        body[profile.output_limit] = request.max_output_tokens
    body |= _sampling(request.sampling, profile)
    body |= _tools(request)
    if request.output_format is not None:
        body["response_format"] = _OUTPUT_FORMATS[request.output_format.kind](request.output_format)
    body |= _reasoning(request.reasoning, profile)
    if request.user is not None:
        body["user"] = request.user
    return body


def _sampling(sampling: Sampling, profile: Profile) -> dict[str, Any]:
    """Encodes the settings that the model accepts; `top_k` has no place on this wire."""
    values = {
        "temperature": None if profile.fixed_sampling else sampling.temperature,
        "top_p": None if profile.fixed_sampling else sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "logit_bias": None if sampling.logit_bias is None else dict(sampling.logit_bias),
        "logprobs": sampling.logprobs or None,
        "top_logprobs": sampling.top_logprobs,
    }
    return _given(values)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _tools(request: ChatRequest) -> dict[str, Any]:
    """OpenAI refuses a choice, or parallel calls, where there is no tool."""
    if not request.tools:
        return {}
    body: dict[str, Any] = {"tools": [_tool(tool, position) for position, tool in bridged_tools(request)]}
    if request.tool_choice is not None:
        body["tool_choice"] = _tool_choice(request.tool_choice, {tool.name for tool in request.tools if tool.free_text})
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    return body


def _tool(tool: Tool, position: int) -> dict[str, Any]:
    if tool.builtin is not None:
        raise inexpressible_parameter(f"tools[{position}]")
    if tool.free_text is not None:
        custom = {"name": tool.name, "format": _nested_format(tool.free_text)}
        return {"type": "custom", "custom": custom | _given({"description": tool.description})}
    optional = {"description": tool.description, "parameters": tool.parameters, "strict": tool.strict}
    return {"type": "function", "function": {"name": tool.name} | _given(optional)}


def _nested_format(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The format of a custom tool's input: this wire keeps a grammar one level deeper than the Responses API."""
    grammar = {name: value for name, value in flat.items() if name != "type"}
    return {"type": flat.get("type")} | ({"grammar": grammar} if grammar else {})


def _tool_choice(choice: ToolChoice, custom: Collection[str]) -> str | dict[str, Any]:
    """`custom` names the tools that are no functions."""
    if choice.allowed:
        tools = [_chosen(name, custom) for name in choice.allowed]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": tools}}
    return choice.mode if choice.tool is None else _chosen(choice.tool, custom)


def _chosen(name: str, custom: Collection[str]) -> dict[str, Any]:
    kind = "custom" if name in custom else "function"
    return {"type": kind, kind: {"name": name}}


def _json_schema(wanted: OutputFormat) -> dict[str, Any]:
    """The wire insists on a name."""
    optional = {"schema": wanted.schema, "description": wanted.description, "strict": wanted.strict}
    return {"type": "json_schema", "json_schema": {"name": wanted.name or "answer"} | _given(optional)}


_OUTPUT_FORMATS: Mapping[str, Callable[[OutputFormat], dict[str, Any]]] = {
    "text": lambda _: {"type": "text"},
    "json": lambda _: {"type": "json_object"},
    "schema": _json_schema,
}


def _reasoning(reasoning: Reasoning | None, profile: Profile) -> dict[str, Any]:
    """An effort word, from a budget where that is what was given; a model that does not reason gets none."""
    if reasoning is None:
        return {}
    if profile.switch:
        return _SWITCHES[profile.switch](not reasoning.disabled and reasoning.effort != "none", reasoning)
    if not profile.efforts:
        return {}
    word = reasoning.effort
    if word is None and reasoning.budget_tokens is not None:
        budget = reasoning.budget_tokens
        word = next(effort for least, effort in _EFFORT_BUDGETS if budget >= least)
        word = nearest(word, profile.efforts)
    return {} if word is None else {"reasoning_effort": word}


def _typed_switch(thinks: bool, _: Reasoning) -> dict[str, Any]:
    return {"thinking": {"type": "enabled" if thinks else "disabled"}}


def _plain_switch(thinks: bool, reasoning: Reasoning) -> dict[str, Any]:
    """Qwen's: https://www.alibabacloud.com/help/en/model-studio/deep-thinking."""
    return {"enable_thinking": thinks} | _given({"thinking_budget": reasoning.budget_tokens if thinks else None})


_SWITCHES: Mapping[str, Callable[[bool, Reasoning], dict[str, Any]]] = {
    "thinking": _typed_switch,
    "enable_thinking": _plain_switch,
}
